//! Which peers have chunk streams open to this node, and when they last sent something there.
//!
//! As long as a peer uses this node, its connection is not closed under it. Streams are served by tasks of their
//! own, so they count themselves: while it lives, an [`InboundStream`] is one of its peer's.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::{PeerId, Stream};
use tokio::sync::Notify;

use crate::clock::Clock;

/// The counts; cheap to clone. Always holds: there is an entry only for a peer that has a stream open, or had one
/// since the last look.
#[derive(Debug, Clone)]
pub(crate) struct RemoteStreams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    counts: Mutex<Counts>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    peers: HashMap<PeerId, PeerStreams>,
    /// Peers whose number of streams has changed.
    changed: BTreeSet<PeerId>,
}

#[derive(Debug, Default)]
struct PeerStreams {
    open: usize,
    /// When something last came, in milliseconds of the node's clock.
    active: Arc<AtomicU64>,
}

impl RemoteStreams {
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Shared { clock, counts: Mutex::default(), changed: Notify::new() }))
    }

    /// Counts a stream that a peer has opened, for as long as it lives.
    pub(crate) fn count(&self, peer: PeerId, stream: Stream) -> InboundStream {
        InboundStream { stream, using: self.using(peer) }
    }

    fn using(&self, peer: PeerId) -> Using {
        let mut counts = self.0.counts();
        let streams = counts.peers.entry(peer).or_default();
        streams.open += 1;
        let using = Using { shared: self.0.clone(), peer, active: streams.active.clone() };
        counts.changed.insert(peer);
        drop(counts);
        using.note_activity();
        self.0.changed.notify_one();
        using
    }

    /// Waits until some peer's number of streams has changed. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// The peers whose number of streams has changed since the last call, and how many they have open now.
    pub(crate) fn take_changes(&self) -> Vec<(PeerId, usize)> {
        let mut counts = self.0.counts();
        let changed = std::mem::take(&mut counts.changed);
        let open = |peer: PeerId| (peer, counts.peers.get(&peer).map_or(0, |streams| streams.open));
        changed.into_iter().map(open).collect()
    }

    /// When each peer that has a stream open last sent something on one.
    pub(crate) fn activity(&self) -> Vec<(PeerId, Duration)> {
        let counts = self.0.counts();
        let of = |streams: &PeerStreams| Duration::from_millis(streams.active.load(Ordering::Relaxed));
        counts.peers.iter().map(|(peer, streams)| (*peer, of(streams))).collect()
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Using {
    shared: Arc<Shared>,
    peer: PeerId,
    active: Arc<AtomicU64>,
}

impl Using {
    fn note_activity(&self) {
        let now = self.shared.clock.now().as_millis();
        self.active.store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        let mut counts = self.shared.counts();
        if let Some(streams) = counts.peers.get_mut(&self.peer) {
            streams.open -= 1;
            if streams.open == 0 {
                counts.peers.remove(&self.peer);
            }
        }
        counts.changed.insert(self.peer);
        drop(counts);
        self.shared.changed.notify_one();
    }
}

/// A stream that a peer has opened. It counts as open until it is dropped.
#[derive(Debug)]
pub(crate) struct InboundStream {
    stream: Stream,
    using: Using,
}

impl AsyncRead for InboundStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if read.is_ready() {
            self.using.note_activity();
        }
        read
    }
}

impl AsyncWrite for InboundStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn streams_count_while_they_live() {
        let (streams, peer) = (RemoteStreams::new(Clock::start()), PeerId::random());
        let (first, second) = (streams.using(peer), streams.using(peer));
        streams.changed().await;
        assert_eq!(streams.take_changes(), [(peer, 2)]);
        assert_eq!(streams.take_changes(), []);
        drop(first);
        streams.changed().await;
        assert_eq!(streams.take_changes(), [(peer, 1)]);
        assert_eq!(streams.activity().len(), 1);
        drop(second);
        streams.changed().await;
        assert_eq!(streams.take_changes(), [(peer, 0)]);
        assert_eq!(streams.activity(), [], "nothing is kept of a peer without streams");
    }
}
