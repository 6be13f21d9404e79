//! `/rendezvous/1.0.0` on streams, from the side of a node.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use shoal_wire::frame::LengthReader;
use shoal_wire::query::MAX_PEERS;
use shoal_wire::rendezvous::{MAX_RECORD, RendezvousRequest, RendezvousResponse};

use shoal_framing::read_body;

/// The longest answer that is read, in bytes: as many of the largest records as a node asks for, and some
/// room for what is around them.
const MAX_ANSWER: usize = MAX_PEERS * (MAX_RECORD + 512);

/// Writes a request, and reads the response; none if the stream ends without one, as it does when a
/// request to unregister is done.
#[derive(Debug, Clone, Default)]
pub(crate) struct RendezvousCodec;

impl request_response::Codec for RendezvousCodec {
    type Protocol = StreamProtocol;
    type Request = RendezvousRequest;
    type Response = Option<RendezvousResponse>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<RendezvousRequest>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Option<RendezvousResponse>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut length = LengthReader::default();
        let mut byte = [0];
        let mut first = true;
        let len = loop {
            if io.read(&mut byte).await? == 0 {
                return if first { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            first = false;
            if let Some(len) = length.push(byte[0], MAX_ANSWER).map_err(invalid)? {
                break len;
            }
        };
        let body = read_body(io, len).await?;
        RendezvousResponse::decode(&body).map(Some).map_err(invalid)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: RendezvousRequest,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&request.encode()).await?;
        io.flush().await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Option<RendezvousResponse>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use request_response::Codec as _;

    async fn read(bytes: &[u8]) -> io::Result<Option<RendezvousResponse>> {
        RendezvousCodec.read_response(&StreamProtocol::new("/t"), &mut Cursor::new(bytes)).await
    }

    #[tokio::test]
    async fn answers_are_read_within_bounds() {
        let answer = RendezvousResponse::Register(Ok(60));
        let bytes = answer.encode();
        assert_eq!(read(&bytes).await.unwrap(), Some(answer));
        assert_eq!(read(&[]).await.unwrap(), None, "unregistered");
        let kind = |error: io::Error| error.kind();
        assert_eq!(read(&bytes[..3]).await.map_err(kind), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(read(&[0xff, 0xff, 0x7f]).await.map_err(kind), Err(io::ErrorKind::InvalidData));
        assert_eq!(read(&[2, 0xff, 0xff]).await.map_err(kind), Err(io::ErrorKind::InvalidData));
    }
}
