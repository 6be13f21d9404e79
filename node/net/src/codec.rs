//! The request-response protocols of a node.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::StreamProtocol;
use libp2p::request_response::Codec;
use shoal_framing::FrameCodec;
use shoal_wire::frame::{Message, Received, RequestMessage};
use shoal_wire::query::{QueryRequest, QueryResponse};
use shoal_wire::store::{StoreRequest, StoreResponse};
use tokio::time::{Instant, Sleep, sleep};

/// A stream on which no byte moves for this long has failed. How long a whole message takes does not matter: on a slow
/// line a block of the manifest may take minutes.
const SILENCE: Duration = Duration::from_secs(20);

/// Reads and writes one request (`Q`) and one response (`A`) frame, and fails when the other side is silent.
#[derive(Debug)]
pub struct HeedingCodec<Q, A>(FrameCodec<Q, A>);

/// That of `/shoal/query/1`.
pub type QueryCodec = HeedingCodec<QueryRequest, QueryResponse>;
/// That of `/shoal/store/1`.
pub type StoreCodec = HeedingCodec<StoreRequest, StoreResponse>;

// Derived ones would ask the same of the messages.
impl<Q, A> Default for HeedingCodec<Q, A> {
    fn default() -> Self {
        Self(FrameCodec::default())
    }
}

impl<Q, A> Clone for HeedingCodec<Q, A> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<Q, A> Codec for HeedingCodec<Q, A>
where
    Q: RequestMessage + Send + Sync,
    A: Message + Send + Sync,
{
    type Protocol = StreamProtocol;
    type Request = Received<Q>;
    type Response = A;

    async fn read_request<T>(&mut self, protocol: &StreamProtocol, io: &mut T) -> io::Result<Self::Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.0.read_request(protocol, &mut Heeded::new(io)).await
    }

    async fn read_response<T>(&mut self, protocol: &StreamProtocol, io: &mut T) -> io::Result<A>
    where
        T: AsyncRead + Unpin + Send,
    {
        self.0.read_response(protocol, &mut Heeded::new(io)).await
    }

    async fn write_request<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        request: Self::Request,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.0.write_request(protocol, &mut Heeded::new(io), request).await
    }

    async fn write_response<T>(
        &mut self,
        protocol: &StreamProtocol,
        io: &mut T,
        response: A,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        self.0.write_response(protocol, &mut Heeded::new(io), response).await
    }
}

/// A stream whose silence is an error.
struct Heeded<'a, T> {
    io: &'a mut T,
    silent: Pin<Box<Sleep>>,
}

impl<'a, T> Heeded<'a, T> {
    fn new(io: &'a mut T) -> Self {
        Self { io, silent: Box::pin(sleep(SILENCE)) }
    }

    /// Passes on what came of an attempt to move bytes; an error if that has been impossible for too long.
    fn heed<R>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if moved.is_pending() {
            ready!(self.silent.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.silent.as_mut().reset(Instant::now() + SILENCE);
        moved
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Heeded<'_, T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut *self.io).poll_read(cx, buf);
        self.heed(cx, read)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Heeded<'_, T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut *self.io).poll_write(cx, buf);
        self.heed(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut *self.io).poll_flush(cx);
        self.heed(cx, flushed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = Pin::new(&mut *self.io).poll_close(cx);
        self.heed(cx, closed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{AsyncReadExt, AsyncWriteExt};
    use shoal_wire::query::QueryErrorCode;
    use tokio_util::compat::TokioAsyncReadCompatExt;

    const PROTOCOL: StreamProtocol = StreamProtocol::new("/test");

    /// Writes an answer with a pause before each byte; returns what the codec made of it, and after how long.
    async fn answered_with_pauses(pause: Duration, bytes: usize) -> (io::Result<QueryResponse>, Duration) {
        let (ours, theirs) = tokio::io::duplex(1);
        let (mut ours, mut theirs) = (ours.compat(), theirs.compat());
        let mut whole = Vec::new();
        let answer = QueryResponse::Error { code: QueryErrorCode::NotFound };
        shoal_framing::write_frame(&mut whole, &answer).await.unwrap();
        whole.truncate(bytes);
        let start = Instant::now();
        let writes = async move {
            for byte in whole {
                sleep(pause).await;
                theirs.write_all(&[byte]).await.unwrap();
            }
            // The stream stays open.
            let _ = theirs.read(&mut [0]).await;
        };
        let read = async { QueryCodec::default().read_response(&PROTOCOL, &mut ours).await };
        tokio::select! {
            _ = writes => unreachable!("the reader neither writes nor goes"),
            read = read => (read, start.elapsed()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_may_take_minutes_as_long_as_bytes_come() {
        let (read, took) = answered_with_pauses(SILENCE - Duration::from_secs(1), usize::MAX).await;
        read.unwrap();
        assert!(took > SILENCE, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_within_an_answer_and_before_it_is_an_error() {
        for bytes in [0, 1] {
            let (read, took) = answered_with_pauses(Duration::from_secs(1), bytes).await;
            assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert!(took < SILENCE + Duration::from_secs(2), "{took:?}");
        }
    }
}
