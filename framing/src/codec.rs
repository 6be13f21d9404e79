//! One request frame and one response frame for libp2p's request-response.

use std::fmt;
use std::io;
use std::marker::PhantomData;

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use shoal_wire::frame::{Message, Received, RequestMessage};

use crate::frames::{read_frame, read_request, write_frame};

/// Reads and writes one request (`Q`) and one response (`A`) frame. A request of an unknown kind is read too, so that it
/// can be answered; it cannot be written.
pub struct FrameCodec<Q, A>(PhantomData<fn() -> (Q, A)>);

// Derived ones would ask the same of the messages, whose bounds have nothing to do with it.
impl<Q, A> Default for FrameCodec<Q, A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Q, A> Clone for FrameCodec<Q, A> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<Q, A> fmt::Debug for FrameCodec<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FrameCodec")
    }
}

async fn write<M: Message, T: AsyncWrite + Unpin>(io: &mut T, message: &M) -> io::Result<()> {
    write_frame(io, message).await?;
    io.flush().await
}

impl<Q, A> request_response::Codec for FrameCodec<Q, A>
where
    Q: RequestMessage + Send + Sync,
    A: Message + Send + Sync,
{
    type Protocol = StreamProtocol;
    type Request = Received<Q>;
    type Response = A;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Received<Q>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_request(io).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<A>
    where
        T: AsyncRead + Unpin + Send,
    {
        read_frame(io).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Received<Q>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let request = request.map_err(|_| io::ErrorKind::InvalidInput)?;
        write(io, &request).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: A) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response).await
    }
}
