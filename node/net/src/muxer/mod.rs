//! Many streams on one connection: yamux, with larger frames, flushed once a turn, by a task of its own.
//!
//! The protocol is `/yamux/1.0.0` of the [specification](https://github.com/libp2p/specs/blob/master/yamux/README.md), and the crate
//! `yamux` speaks it. libp2p's own wrapper of that crate leaves three things as they are that cost most of what a fast transfer
//! costs: frames of 16 KiB at most, each of which is copied, queued and taken over by another task; a flush after each
//! frame, which becomes TLS records and a system call; and all of it in the task of the Swarm's connection, which looks at each
//! of some twenty protocols whenever a frame comes or goes. Here a task moves the frames, and the Swarm hears of new
//! streams and of the end.
//!
//! What always holds: what a stream has flushed is on its way as soon as that task was polled; at most 64 KiB
//! wait to be flushed; the task ends with the connection or when the Swarm drops the muxer.

mod collecting;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use yamux::{Connection, ConnectionError, Mode};

use self::collecting::Collecting;

/// Most bytes in one frame, so that with its header it fills four records of TLS. A stream that has little to say waits
/// for no more than one frame of another one.
const FRAME: usize = (64 << 10) - HEADER;
/// Bytes of a frame's header.
const HEADER: usize = 12;
/// Streams that the other side has opened and that nobody has taken yet. One more is closed. That many can be
/// opened without a word from this side (`yamux`).
const MAX_WAITING: usize = 256;

/// Streams of one connection, at most.
const STREAMS: usize = 512;
/// What each stream may be sent before it is read, in bytes: the protocol's start.
const WINDOW: usize = 256 << 10;
/// What all streams of a connection together may be sent beyond that, in bytes: twice a gigabit over 100 ms, since half of it
/// has to be read before more is granted. A peer decides how much of it is used, and what is sent and not read lies in memory; the
/// crate would allow most of a gigabyte.
const GROWTH: usize = 32 << 20;

/// The upgrade.
#[derive(Debug, Clone)]
pub(super) struct Config(yamux::Config);

impl Default for Config {
    fn default() -> Self {
        let mut config = yamux::Config::default();
        config.set_split_send_size(FRAME);
        config.set_max_num_streams(STREAMS);
        config.set_max_connection_receive_window(Some(STREAMS * WINDOW + GROWTH));
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
pub(super) struct Muxer<C>(Arc<Shared<C>>);

/// What the task and the Swarm share.
struct Shared<C>(Mutex<State<C>>);

struct State<C> {
    /// None once it has ended.
    yamux: Option<Connection<Collecting<C>>>,
    below: Collecting<C>,
    /// Streams that came while nobody asked for one.
    waiting: VecDeque<yamux::Stream>,
    /// Why it ended, until the Swarm has been told.
    failure: Option<io::Error>,
    /// The Swarm's task.
    swarm: Option<Waker>,
    /// The task that moves the frames.
    mover: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> Muxer<C> {
    /// Within a runtime of tokio.
    fn new(connection: C, config: yamux::Config, mode: Mode) -> Self {
        let below = Collecting::new(connection);
        let yamux = Some(Connection::new(below.clone(), config, mode));
        let waiting = VecDeque::new();
        let state = State { yamux, below, waiting, failure: None, swarm: None, mover: None };
        let shared = Arc::new(Shared(Mutex::new(state)));
        let moved = shared.clone();
        tokio::spawn(poll_fn(move |cx| moved.lock().turn(cx)));
        Self(shared)
    }
}

impl<C> Shared<C> {
    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Drop for Muxer<C> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.yamux = None;
        state.mover.take().into_iter().for_each(Waker::wake);
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> State<C> {
    /// Does what there is to do on the connection. What was collected goes out once there is nothing left to do.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        remember(&mut self.mover, cx);
        loop {
            let Some(yamux) = &mut self.yamux else { return Poll::Ready(()) };
            match yamux.poll_next_inbound(cx) {
                Poll::Ready(Some(Ok(stream))) => self.came(stream),
                Poll::Ready(Some(Err(error))) => return self.ended(broken(error)),
                Poll::Ready(None) => return self.ended(broken(ConnectionError::Closed)),
                Poll::Pending => {
                    let sent = self.below.collected().send(cx);
                    return match sent {
                        Poll::Ready(Err(error)) => self.ended(error),
                        _ => Poll::Pending,
                    };
                }
            }
        }
    }

    fn came(&mut self, stream: yamux::Stream) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(stream);
            self.swarm.take().into_iter().for_each(Waker::wake);
        }
    }

    fn ended(&mut self, why: io::Error) -> Poll<()> {
        (self.yamux, self.failure) = (None, Some(why));
        self.swarm.take().into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }

    /// Why there are no streams any more.
    fn end(&mut self) -> io::Error {
        self.failure.take().unwrap_or_else(|| broken(ConnectionError::Closed))
    }
}

/// Has a task woken later.
fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
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
        let mut state = self.0.lock();
        if let Some(stream) = state.waiting.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        remember(&mut state.swarm, cx);
        if state.yamux.is_some() { Poll::Pending } else { Poll::Ready(Err(state.end())) }
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        let mut state = self.0.lock();
        let Some(yamux) = &mut state.yamux else { return Poll::Ready(Err(state.end())) };
        let opened = yamux.poll_new_outbound(cx).map_err(broken);
        if opened.is_ready() {
            // It has a new stream to listen to.
            state.mover.iter().for_each(Waker::wake_by_ref);
        }
        opened
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        // The task may be the one that ends it.
        remember(&mut state.swarm, cx);
        let Some(yamux) = &mut state.yamux else { return Poll::Ready(Ok(())) };
        yamux.poll_close(cx).map_err(broken)
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        let mut state = self.0.lock();
        remember(&mut state.swarm, cx);
        if state.yamux.is_some() { Poll::Pending } else { Poll::Ready(Err(state.end())) }
    }
}
