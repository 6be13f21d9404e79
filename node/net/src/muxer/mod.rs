//! Many streams on one connection: yamux, without copies between a stream and the connection.
//!
//! The protocol is `/yamux/1.0.0` of the [specification](https://github.com/libp2p/specs/blob/master/yamux/README.md). What it is not: it is
//! not the crate `yamux`, which libp2p uses. That copies each frame when it is written and once more when it is read, and
//! a task takes all of them over from the streams by queues; on a fast line this was a fifth of what the whole transfer cost. Both
//! talk to each other (see the tests).
//!
//! A task moves the frames, and the Swarm, which looks at each of some twenty protocols whenever it is woken, hears of new
//! streams and of the end alone. [`Session`](shoal_yamux::Session) is what the protocol says, and reads and writes nothing;
//! [`State`] is the connection around it.
//!
//! What always holds: what a stream has written is on its way as soon as that task was polled; the task ends with the
//! connection or when the Swarm drops the muxer.

mod arrival;
mod connection;
mod ends;
mod output;
mod reading;
mod state;
mod stream;
#[cfg(test)]
mod tests;
mod writing;

use std::future::{Ready, poll_fn, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use shoal_yamux::Side;

use self::state::{Shared, State, lock};
use self::stream::Stream;

/// The upgrade.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Config;

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
        ready(Ok(Muxer::new(connection, Side::Listener)))
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Config {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Self::Output>>;

    fn upgrade_outbound(self, connection: C, _: Self::Info) -> Self::Future {
        ready(Ok(Muxer::new(connection, Side::Dialer)))
    }
}

/// See the module.
pub(super) struct Muxer<C: AsyncRead + AsyncWrite + Unpin>(Shared<C>);

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> Muxer<C> {
    /// Within a runtime of tokio.
    fn new(connection: C, side: Side) -> Self {
        let shared = Arc::new(Mutex::new(State::new(connection, side)));
        let moved = shared.clone();
        tokio::spawn(poll_fn(move |cx| lock(&moved).turn(cx)));
        Self(shared)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Drop for Muxer<C> {
    fn drop(&mut self) {
        lock(&self.0).end(None);
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = Stream<C>;
    type Error = io::Error;

    fn poll_inbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        lock(&self.0).accept(cx).map_ok(|id| Stream::new(id, &self.0))
    }

    fn poll_outbound(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Self::Substream>> {
        lock(&self.0).open(cx).map_ok(|id| Stream::new(id, &self.0))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).close(cx)
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        lock(&self.0).stand(cx).map(Err)
    }
}
