//! A ping on demand: libp2p's own ping behaviour decides by itself when to ping.
//!
//! The protocol is libp2p's `/ipfs/ping/1.0.0` (github.com/libp2p/specs, ping): 32 bytes, and the same bytes back.

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;

/// What is sent and comes back.
pub(crate) type Payload = [u8; 32];

/// Writes a payload and reads one.
#[derive(Debug, Clone, Default)]
pub(crate) struct PingCodec;

impl request_response::Codec for PingCodec {
    type Protocol = StreamProtocol;
    type Request = Payload;
    type Response = Payload;

    async fn read_request<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Payload>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Payload>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut payload = Payload::default();
        io.read_exact(&mut payload).await?;
        Ok(payload)
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, it: Payload) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&it).await?;
        io.flush().await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Payload) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }
}
