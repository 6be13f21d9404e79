//! `/shoal/query/1` for libp2p's request-response.

use std::io;

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use shoal_shared::wire::query::{Request, Response};

use super::frames::{read_frame, write_frame};

/// Reads and writes one request and one response frame.
#[derive(Debug, Clone, Default)]
pub struct QueryCodec;

async fn read<M: shoal_shared::wire::frame::Message, T: AsyncRead + Unpin>(io: &mut T) -> io::Result<M> {
    read_frame(io).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

impl request_response::Codec for QueryCodec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &request).await?;
        io.flush().await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write_frame(io, &response).await?;
        io.flush().await
    }
}
