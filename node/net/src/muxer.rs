//! Many streams on one connection: yamux, with larger frames, and flushed once a turn.
//!
//! The protocol is `/yamux/1.0.0` of the [specification](https://github.com/libp2p/specs/blob/master/yamux/README.md), and the crate
//! `yamux` speaks it. libp2p's own wrapper of that crate leaves two things as they are that cost most of what a fast transfer
//! costs: frames of 16 KiB at most, each of which is copied, queued and taken over by another task, and a flush after each
//! frame, which becomes TLS records and a system call.
//!
//! What always holds: what a stream has flushed is on its way as soon as the connection's task was polled; at most
//! [`COALESCED`] bytes wait to be flushed.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use yamux::{Connection, ConnectionError, Mode};

/// Most bytes in one frame. A stream that has little to say waits for no more than one frame of another one.
const FRAME: usize = 64 << 10;
/// Bytes that are collected before they go to the connection, at most, unless one frame is larger.
const COALESCED: usize = 128 << 10;
/// Streams that the other side has opened and that nobody has taken yet. One more is closed. That many can be
/// opened without a word from this side (`yamux`).
const MAX_WAITING: usize = 256;

/// The upgrade.
#[derive(Debug, Clone)]
pub(super) struct Config(yamux::Config);

impl Default for Config {
    fn default() -> Self {
        let mut config = yamux::Config::default();
        config.set_split_send_size(FRAME);
        Self(config)
    }
}

impl UpgradeInfo for Config {
    type Info = &'static str;
    type InfoIter = std::iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        std::iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for Config {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Output>>;

    fn upgrade_inbound(self, connection: C, _: Self::Info) -> Self::Future {
        ready(Ok(Muxer::new(connection, self.0, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Config {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Output>>;

    fn upgrade_outbound(self, connection: C, _: Self::Info) -> Self::Future {
        ready(Ok(Muxer::new(connection, self.0, Mode::Client)))
    }
}

/// See the module.
pub(super) struct Muxer<C> {
    yamux: Connection<Collecting<C>>,
    below: Collecting<C>,
    /// Streams that came while nobody asked for one.
    waiting: VecDeque<yamux::Stream>,
    /// Asked for one when there was none.
    asking: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn new(connection: C, config: yamux::Config, mode: Mode) -> Self {
        let below = Collecting::new(connection);
        let yamux = Connection::new(below.clone(), config, mode);
        Self { yamux, below, waiting: VecDeque::new(), asking: None }
    }

    /// Does what there is to do on the connection, until a stream comes. What was collected goes out once there is
    /// nothing left to do.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<yamux::Stream>> {
        match self.yamux.poll_next_inbound(cx) {
            Poll::Ready(Some(stream)) => Poll::Ready(stream.map_err(broken)),
            Poll::Ready(None) => Poll::Ready(Err(broken(ConnectionError::Closed))),
            Poll::Pending => match self.below.collected().send(cx) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Pending,
            },
        }
    }
}

fn broken(error: ConnectionError) -> io::Error {
    match error {
        ConnectionError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = io::Error;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        let this = self.get_mut();
        if let Some(stream) = this.waiting.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let turn = this.turn(cx);
        if turn.is_pending() {
            this.asking = Some(cx.waker().clone());
        }
        turn
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        self.get_mut().yamux.poll_new_outbound(cx).map_err(broken)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().yamux.poll_close(cx).map_err(broken)
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        let this = self.get_mut();
        let stream = ready!(this.turn(cx))?;
        if this.waiting.len() < MAX_WAITING {
            this.waiting.push_back(stream);
            this.asking.take().into_iter().for_each(Waker::wake);
        }
        // There may be more to do; others on this connection come first.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// A connection that two hold: yamux, which reads and writes, and the muxer, which flushes. What is written is collected until
/// then, or until there is much.
struct Collecting<C>(Arc<Mutex<Collected<C>>>);

impl<C> Clone for Collecting<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Collecting<C> {
    fn new(connection: C) -> Self {
        Self(Arc::new(Mutex::new(Collected { connection, bytes: Vec::new(), sent: 0, flushed: true })))
    }

    fn collected(&self) -> MutexGuard<'_, Collected<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Collected<C> {
    connection: C,
    bytes: Vec<u8>,
    /// How many of the bytes the connection has taken.
    sent: usize,
    flushed: bool,
}

impl<C: AsyncWrite + Unpin> Collected<C> {
    /// Gives to the connection what was collected.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.bytes.len() {
            let taken = ready!(Pin::new(&mut self.connection).poll_write(cx, &self.bytes[self.sent..]))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += taken;
        }
        self.bytes.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Sends what was collected. Costs nothing if there is nothing.
    fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.flushed {
            ready!(self.hand_over(cx))?;
            // Many connections say nothing for long.
            self.bytes = Vec::new();
            ready!(Pin::new(&mut self.connection).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Collecting<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.collected().connection).poll_read(cx, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Collecting<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut collected = self.collected();
        if collected.bytes.len() + bytes.len() > COALESCED {
            ready!(collected.hand_over(cx))?;
        }
        collected.bytes.extend_from_slice(bytes);
        collected.flushed = false;
        Poll::Ready(Ok(bytes.len()))
    }

    /// Says yes: [`Muxer::turn`] sends at the end of its turn.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut collected = self.collected();
        ready!(collected.send(cx))?;
        Pin::new(&mut collected.connection).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{AsyncReadExt, AsyncWriteExt};
    use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

    use super::*;

    /// Counts how often something is written.
    struct Counting(Compat<tokio::io::DuplexStream>, Arc<AtomicUsize>);

    impl AsyncRead for Counting {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            into: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_read(cx, into)
        }
    }

    impl AsyncWrite for Counting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_close(cx)
        }
    }

    /// Drives one end: echoes what comes on streams of the other side.
    async fn echo(mut muxer: Muxer<Counting>) {
        loop {
            let stream = poll_fn(|cx| {
                if let Poll::Ready(Err(error)) = Pin::new(&mut muxer).poll(cx) {
                    return Poll::Ready(Err(error));
                }
                Pin::new(&mut muxer).poll_inbound(cx)
            });
            let Ok(stream) = stream.await else { return };
            tokio::spawn(async move {
                let (input, mut output) = stream.split();
                futures::io::copy(input, &mut output).await.unwrap();
                output.close().await.unwrap();
            });
        }
    }

    async fn stream(muxer: &mut Muxer<Counting>) -> yamux::Stream {
        poll_fn(|cx| Pin::new(&mut *muxer).poll_outbound(cx)).await.unwrap()
    }

    /// One end, whose other end echoes, and how often it writes.
    fn pair() -> (Muxer<Counting>, Arc<AtomicUsize>) {
        let (one, other) = tokio::io::duplex(4 << 20);
        let writes = Arc::new(AtomicUsize::new(0));
        let config = Config::default().0;
        let other = Counting(other.compat(), Arc::default());
        tokio::spawn(echo(Muxer::new(other, config.clone(), Mode::Server)));
        (Muxer::new(Counting(one.compat(), writes.clone()), config, Mode::Client), writes)
    }

    /// Drives an end. Whoever opens a stream has to poll the connection afterwards, as a Swarm does, so all are open by now.
    fn drive(mut muxer: Muxer<Counting>) {
        tokio::spawn(poll_fn(move |cx| Pin::new(&mut muxer).poll(cx)));
    }

    async fn echoed(stream: yamux::Stream, bytes: Vec<u8>) {
        let (mut input, mut output) = stream.split();
        let expected = bytes.clone();
        let sent = async move {
            output.write_all(&bytes).await.unwrap();
            output.close().await.unwrap();
        };
        let mut came = Vec::new();
        let (_, read) = tokio::join!(sent, input.read_to_end(&mut came));
        read.unwrap();
        assert!(came == expected, "{} bytes came back of {}", came.len(), expected.len());
    }

    #[tokio::test]
    async fn what_goes_through_many_streams_comes_back() {
        let (mut muxer, _) = pair();
        let mut all = tokio::task::JoinSet::new();
        // A stream on which nothing is ever written is not opened for the other side.
        for n in 1..20_usize {
            let bytes = (0..n * 20_011).map(|at| (at * (n + 1)) as u8).collect();
            all.spawn(echoed(stream(&mut muxer).await, bytes));
        }
        drive(muxer);
        all.join_all().await;
    }

    #[tokio::test]
    async fn frames_go_out_together() {
        let (mut muxer, writes) = pair();
        let size = 4 << 20;
        let stream = stream(&mut muxer).await;
        drive(muxer);
        echoed(stream, vec![7; size]).await;
        let writes = writes.load(Ordering::Relaxed);
        assert!(writes < 2 * size / FRAME, "{writes} writes: a header and a body each time would be more");
    }
}
