//! Counts what the node exchanges with peers, for each content and for all.
//!
//! Each content has a [`TrafficCounter`], which counts for its node too. A content's figures end with it, the node's do not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libp2p::PeerId;
use shoal_content::ChunkIndex;
use tokio::sync::Notify;

use crate::traffic::{Exchanged, Traffic};

/// Chunks that were sent and that nobody has asked after.
const MAX_SENT: usize = 4096;

/// What a node has done since it was started.
#[derive(Debug, Default)]
pub(crate) struct NodeTally {
    traffic: Mutex<Traffic>,
    questions_answered: AtomicU64,
    questions_refused: AtomicU64,
}

impl NodeTally {
    /// A question of a peer was answered, or refused.
    pub(crate) fn question(&self, answered: bool) {
        let of = if answered { &self.questions_answered } else { &self.questions_refused };
        of.fetch_add(1, Ordering::Relaxed);
    }

    /// How many questions were answered, and how many refused.
    pub(crate) fn questions(&self) -> (u64, u64) {
        let [answered, refused] =
            [&self.questions_answered, &self.questions_refused].map(|it| it.load(Ordering::Relaxed));
        (answered, refused)
    }

    /// Counts something that concerns no content that is here.
    pub(crate) fn add(&self, peer: PeerId, more: Exchanged) {
        self.traffic().add(peer, more);
    }

    pub(crate) fn snapshot(&self) -> Traffic {
        self.traffic().clone()
    }

    /// With everybody, and with one peer.
    pub(crate) fn total_and(&self, peer: &PeerId) -> (Exchanged, Exchanged) {
        let traffic = self.traffic();
        (traffic.total, traffic.with(peer))
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts for one content, and for its node.
#[derive(Debug, Default)]
pub(crate) struct TrafficCounter {
    node: Arc<NodeTally>,
    traffic: Mutex<Traffic>,
    /// Chunks that were sent and not asked after. Where there are too many, the later ones are left out.
    sent: Mutex<Vec<(PeerId, ChunkIndex)>>,
    /// Bytes that have gone out, also of chunks that are not sent as a whole yet.
    gone: AtomicU64,
    /// Whether it was told that bytes have gone out since that was asked last.
    gone_told: AtomicBool,
    changed: Notify,
}

impl TrafficCounter {
    /// For a content of the node that counts there.
    pub(crate) fn new(node: Arc<NodeTally>) -> Self {
        Self { node, ..Self::default() }
    }

    /// A verified chunk came; `duplicate` if it was here already.
    pub(crate) fn received(&self, peer: PeerId, bytes: u64, duplicate: bool) {
        self.add(peer, Exchanged::received(bytes, duplicate));
    }

    /// A chunk did not match.
    pub(crate) fn corrupt(&self, peer: PeerId) {
        self.add(peer, Exchanged::corrupt());
    }

    /// A chunk of so many bytes was sent.
    pub(crate) fn sent(&self, peer: PeerId, chunk: ChunkIndex, bytes: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() < MAX_SENT {
            sent.push((peer, chunk));
        }
        drop(sent);
        self.add(peer, Exchanged::sent(bytes));
    }

    /// Bytes of a chunk go out. Whoever waits is told of the first since the last look.
    pub(crate) fn goes(&self, bytes: u64) {
        self.gone.fetch_add(bytes, Ordering::Relaxed);
        if !self.gone_told.swap(true, Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }

    /// How many bytes have gone out since this was asked last.
    pub(crate) fn take_gone(&self) -> u64 {
        self.gone_told.store(false, Ordering::Relaxed);
        self.gone.swap(0, Ordering::Relaxed)
    }

    /// Which chunks were sent since this was asked last.
    pub(crate) fn take_sent(&self) -> Vec<(PeerId, ChunkIndex)> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, peer: PeerId, more: Exchanged) {
        self.node.add(peer, more);
        self.traffic().add(peer, more);
        self.changed.notify_one();
    }

    pub(crate) fn total(&self) -> Exchanged {
        self.traffic().total
    }

    /// With everybody, and with one peer.
    pub(crate) fn total_and(&self, peer: &PeerId) -> (Exchanged, Exchanged) {
        let traffic = self.traffic();
        (traffic.total, traffic.with(peer))
    }

    pub(crate) fn snapshot(&self) -> Traffic {
        self.traffic().clone()
    }

    /// Waits until something was counted since the last time. For one that waits. Cancel-safe.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_waiting_task_learns_that_something_was_counted() {
        let counter = TrafficCounter::default();
        let idle = async || tokio::time::timeout(Duration::ZERO, counter.changed()).await.is_err();
        assert!(idle().await);
        counter.sent(PeerId::random(), 0, 1);
        counter.sent(PeerId::random(), 0, 1);
        counter.changed().await;
        assert!(idle().await, "told once");
        counter.goes(1);
        counter.changed().await;
        counter.goes(2);
        assert!(idle().await, "nobody has looked since");
        assert_eq!(counter.take_gone(), 3);
        counter.goes(4);
        counter.changed().await;
        assert_eq!(counter.take_gone(), 4);
    }

    #[test]
    fn the_node_remembers_what_its_contents_counted() {
        let (node, peer) = (Arc::new(NodeTally::default()), PeerId::random());
        for _ in 0..2 {
            let counter = TrafficCounter::new(node.clone());
            counter.received(peer, 5, false);
            counter.corrupt(peer);
            assert_eq!((counter.total().received, counter.total().chunks_corrupt), (5, 1));
        }
        let (all, with_peer) = node.total_and(&peer);
        assert_eq!((all.received, all.chunks_corrupt, with_peer), (10, 2, all));
    }
}
