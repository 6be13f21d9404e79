//! `/rendezvous/1.0.0` on streams, from the side of the point.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use shoal_wire::frame::{FrameError, LengthReader};
use shoal_wire::rendezvous::RendezvousRefusal;
use shoal_wire::rendezvous::{MAX_REQUEST, MAX_RESPONSE, Malformed, RendezvousRequest, RendezvousResponse};

/// So many bytes of an answer are written together. For a slow reader no more than that of each answer is kept in
/// memory, and one record: a small question may have an answer of 1 MiB.
const GATHERED: usize = 16 << 10;

/// How much memory an answer takes while it is written, in bytes, at most. Records belong to the registry.
pub(crate) fn memory_of(answer: &RendezvousResponse) -> usize {
    match answer {
        RendezvousResponse::Discover(Ok(found)) if !found.registrations.is_empty() => {
            2 * GATHERED + std::mem::size_of_val(&found.registrations[..])
        }
        _ => 0,
    }
}

/// Reads requests, also such as cannot be read, because those are answered too; writes responses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Result<RendezvousRequest, Malformed>;
    type Response = RendezvousResponse;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let Some(announced) = read_length(io).await? else {
            return Ok(Err(Malformed::Register(RendezvousRefusal::Malformed)));
        };
        let mut body = Vec::new();
        io.take(announced.min(MAX_REQUEST) as u64).read_to_end(&mut body).await?;
        // A client that is still writing does not read yet; what libp2p's clients may send at all is let through.
        let rest = announced.saturating_sub(body.len()).min(MAX_RESPONSE) as u64;
        futures::io::copy(io.take(rest), &mut futures::io::sink()).await?;
        Ok(RendezvousRequest::decode(&body, announced))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<RendezvousResponse>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Self::Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        answer: RendezvousResponse,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let mut gathered = Vec::new();
        for part in answer.parts() {
            gathered.extend_from_slice(&part);
            if gathered.len() >= GATHERED {
                io.write_all(&gathered).await?;
                gathered.clear();
            }
        }
        io.write_all(&gathered).await?;
        io.flush().await
    }
}

/// The length of a message in bytes; none if it is no length, or one that is absurd.
async fn read_length<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Option<usize>> {
    let mut length = LengthReader::default();
    loop {
        let mut byte = [0];
        io.read_exact(&mut byte).await?;
        match length.push(byte[0], usize::MAX) {
            Ok(Some(length)) => return Ok(Some(length)),
            Ok(None) => {}
            Err(FrameError::Length | FrameError::TooLong { .. }) => return Ok(None),
            Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use super::*;
    use futures::io::Cursor;
    use request_response::Codec as _;
    use shoal_wire::rendezvous::{Discovered, PROTOCOL, Registered};

    async fn read(bytes: &[u8]) -> io::Result<Result<RendezvousRequest, Malformed>> {
        let mut stream = Cursor::new(bytes);
        let result = Codec.read_request(&StreamProtocol::new("/t"), &mut stream).await;
        assert!(result.is_err() || stream.position() as usize <= bytes.len());
        result
    }

    #[tokio::test]
    async fn what_is_too_long_is_read_away_and_answered() {
        let record = vec![0; MAX_REQUEST * 4];
        let request = RendezvousRequest::Register { namespace: "a".to_owned(), record, ttl: None }.encode();
        let mut stream = Cursor::new(&request);
        let answer = Codec.read_request(&StreamProtocol::new("/t"), &mut stream).await.unwrap();
        assert_eq!(answer, Err(Malformed::Register(RendezvousRefusal::RecordSize)));
        assert_eq!(stream.position() as usize, request.len());
    }

    #[tokio::test]
    async fn absurd_lengths_are_answered() {
        for bytes in [&[0xff; 9][..], &[0x80, 0]] {
            assert_eq!(read(bytes).await.unwrap(), Err(Malformed::Register(RendezvousRefusal::Malformed)));
        }
    }

    #[tokio::test]
    async fn a_request_that_is_cut_short_is_answered_if_it_has_a_length() {
        let request =
            RendezvousRequest::Discover { namespace: None, limit: None, cookie: Some(vec![1; 50]) }.encode();
        let cut = &request[..request.len() - 9];
        assert_eq!(read(cut).await.unwrap(), Err(Malformed::Discover(RendezvousRefusal::Malformed)));
        assert_eq!(read(&[]).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    /// Takes everything and remembers the longest piece.
    #[derive(Default)]
    struct Longest {
        bytes: Vec<u8>,
        longest: usize,
    }

    impl AsyncWrite for Longest {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.longest = self.longest.max(bytes.len());
            self.bytes.extend_from_slice(bytes);
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_long_answer_is_never_in_memory_as_a_whole() {
        let registered = |n: u64| Registered {
            namespace: "namespace".into(),
            record: vec![n as u8; 2_048].into(),
            ttl: n,
        };
        let answer = Discovered { registrations: (0..400).map(registered).collect(), cookie: vec![7; 20] };
        let answer = RendezvousResponse::Discover(Ok(answer));
        let mut io = Longest::default();
        let protocol = StreamProtocol::new(PROTOCOL);
        Codec.write_response(&protocol, &mut io, answer.clone()).await.unwrap();
        assert_eq!(io.bytes, answer.encode());
        let (length, body) = unsigned_varint::decode::usize(&io.bytes).unwrap();
        assert_eq!((length, RendezvousResponse::decode(body)), (body.len(), Ok(answer)));
        assert!(length > 800 << 10 && io.longest < 20 << 10, "{length}, {}", io.longest);
    }
}
