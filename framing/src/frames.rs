//! Frames of [`shoal_wire::frame`] on streams.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use shoal_wire::frame::{self, FrameError, LengthReader, Message, Received, RequestMessage};

/// A buffer grows by at most this many bytes before they have arrived.
const STEP: usize = 64 << 10;

/// Reads a frame. `None` if the stream ended before its first byte. The length is checked before
/// anything of the body is read, and memory grows only with what arrives.
///
/// # Errors
/// [`FrameError`] inside of `InvalidData`; `UnexpectedEof` if the stream ends within the frame; the stream's own.
pub async fn read_frame<M: Message, R: AsyncRead + Unpin>(stream: &mut R) -> io::Result<Option<M>> {
    let body = read_framed_body(stream, M::MAX).await?;
    body.map(|body| frame::decode(&body).map_err(invalid)).transpose()
}

/// Reads a request's frame as [`read_frame`] does. A request of an unknown kind is told apart from a malformed one.
///
/// # Errors
/// As those of [`read_frame`].
pub async fn read_request<M: RequestMessage, R: AsyncRead + Unpin>(
    stream: &mut R,
) -> io::Result<Option<Received<M>>> {
    let body = read_framed_body(stream, M::MAX).await?;
    body.map(|body| frame::decode_request(&body).map_err(invalid)).transpose()
}

async fn read_framed_body<R: AsyncRead + Unpin>(stream: &mut R, max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = LengthReader::default();
    let mut byte = [0];
    let mut first = true;
    let len = loop {
        if stream.read(&mut byte).await? == 0 {
            return if first { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        first = false;
        if let Some(len) = length.push(byte[0], max).map_err(invalid)? {
            break len;
        }
    };
    read_body(stream, len).await.map(Some)
}

/// Reads `len` bytes; the caller has compared `len` with a limit. Memory grows only with what arrives.
///
/// # Errors
/// `UnexpectedEof` if the stream ends before; the stream's own.
pub async fn read_body<R: AsyncRead + Unpin>(stream: &mut R, len: usize) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while body.len() < len {
        let at = body.len();
        body.resize(len.min(at + STEP), 0);
        stream.read_exact(&mut body[at..]).await?;
    }
    Ok(body)
}

/// Writes a frame; does not flush.
///
/// # Errors
/// `InvalidInput` if the message is over its own limit; the stream's own.
pub async fn write_frame<M: Message, W: AsyncWrite + Unpin>(stream: &mut W, message: &M) -> io::Result<()> {
    let bytes = frame::encode(message).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    stream.write_all(&bytes).await
}

fn invalid(error: FrameError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use shoal_wire::chunks::ChunkRequest;

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &ChunkRequest::Cancel { id: 7 }).await.unwrap();
        write_frame(&mut bytes, &ChunkRequest::Cancel { id: 8 }).await.unwrap();
        let mut stream = Cursor::new(&bytes);
        assert_eq!(read_frame(&mut stream).await.unwrap(), Some(ChunkRequest::Cancel { id: 7 }));
        assert_eq!(read_frame(&mut stream).await.unwrap(), Some(ChunkRequest::Cancel { id: 8 }));
        assert_eq!(read_frame::<ChunkRequest, _>(&mut stream).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_that_is_cut_short_or_too_long_is_an_error() {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &ChunkRequest::Cancel { id: 7 }).await.unwrap();
        let kind = |bytes: Vec<u8>| async move {
            read_frame::<ChunkRequest, _>(&mut Cursor::new(bytes)).await.unwrap_err().kind()
        };
        bytes.pop();
        assert_eq!(kind(bytes).await, io::ErrorKind::UnexpectedEof);
        assert_eq!(kind(vec![0xff, 0xff, 0x7f]).await, io::ErrorKind::InvalidData);
    }
}
