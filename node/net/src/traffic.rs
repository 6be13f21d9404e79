//! How many chunk bytes of a content went to and came from each peer.
//!
//! What always holds: totals are exact; at most [`MAX_PEERS`] peers are listed, of the others there is the sum. Each
//! content counts by itself, and its figures end with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::ChunkIndex;
use tokio::sync::Notify;

/// Peers that are listed one by one.
const MAX_PEERS: usize = 1024;
/// Chunks that were sent and that nobody has asked after.
const MAX_SENT: usize = 4096;

/// Bytes of chunks exchanged with a peer, or with several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exchanged {
    /// Verified bytes that came.
    pub received: u64,
    /// Bytes that came and were here already.
    pub duplicate: u64,
    /// Bytes sent.
    pub sent: u64,
}

impl Exchanged {
    fn all(&self) -> u64 {
        self.received.saturating_add(self.duplicate).saturating_add(self.sent)
    }

    fn add(&mut self, more: Self) {
        self.received = self.received.saturating_add(more.received);
        self.duplicate = self.duplicate.saturating_add(more.duplicate);
        self.sent = self.sent.saturating_add(more.sent);
    }
}

/// Bytes of chunks of one content, exchanged since it was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traffic {
    /// With everybody; exact.
    pub total: Exchanged,
    /// With each of at most 1024 peers. Where there were more, those with the least are not listed.
    pub peers: BTreeMap<PeerId, Exchanged>,
    /// With all peers that are not listed.
    pub others: Exchanged,
}

impl Traffic {
    fn add(&mut self, peer: PeerId, more: Exchanged) {
        self.total.add(more);
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            let least = self.peers.iter().min_by_key(|(_, exchanged)| exchanged.all());
            if let Some(least) = least.map(|(peer, _)| *peer)
                && let Some(exchanged) = self.peers.remove(&least)
            {
                self.others.add(exchanged);
            }
        }
        self.peers.entry(peer).or_default().add(more);
    }
}

/// Counts the bytes of one content.
#[derive(Debug, Default)]
pub(crate) struct TrafficCounter {
    traffic: Mutex<Traffic>,
    /// Chunks that were sent and not asked after. Where there are too many, the later ones are left out.
    sent: Mutex<Vec<(PeerId, ChunkIndex)>>,
    changed: Notify,
}

impl TrafficCounter {
    /// Verified bytes came; `duplicate` if they were here already.
    pub(crate) fn received(&self, peer: PeerId, bytes: u64, duplicate: bool) {
        let (received, duplicate) = if duplicate { (0, bytes) } else { (bytes, 0) };
        self.add(peer, Exchanged { received, duplicate, sent: 0 });
    }

    /// A chunk of so many bytes was sent.
    pub(crate) fn sent(&self, peer: PeerId, chunk: ChunkIndex, bytes: u64) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.len() < MAX_SENT {
            sent.push((peer, chunk));
        }
        drop(sent);
        self.add(peer, Exchanged { sent: bytes, ..Exchanged::default() });
    }

    /// Which chunks were sent since this was asked last.
    pub(crate) fn take_sent(&self) -> Vec<(PeerId, ChunkIndex)> {
        std::mem::take(&mut self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, peer: PeerId, more: Exchanged) {
        self.traffic().add(peer, more);
        self.changed.notify_one();
    }

    pub(crate) fn total(&self) -> Exchanged {
        self.traffic().total
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

/// A rate that follows what happens now: about the last two seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    rate: f64,
    bytes: u64,
    since: Duration,
}

impl Meter {
    const SAMPLE: Duration = Duration::from_millis(500);
    const MEMORY: f64 = 2.0;

    pub(crate) fn add(&mut self, now: Duration, bytes: u64) {
        self.bytes += bytes;
        self.rate(now);
    }

    /// Bytes per second.
    pub(crate) fn rate(&mut self, now: Duration) -> u64 {
        let dt = now.saturating_sub(self.since);
        if dt >= Self::SAMPLE {
            let seconds = dt.as_secs_f64();
            let weight = 1.0 - (-seconds / Self::MEMORY).exp();
            self.rate += (self.bytes as f64 / seconds - self.rate) * weight;
            (self.bytes, self.since) = (0, now);
        }
        self.rate as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_exact_however_many_peers_there_are() {
        let counter = TrafficCounter::default();
        let large = PeerId::random();
        counter.received(large, 1 << 30, false);
        for n in 0..3 * MAX_PEERS as u64 {
            counter.sent(PeerId::random(), 0, 1000 + n);
        }
        counter.received(large, 7, true);
        let n = 3 * MAX_PEERS as u64;
        let sent = 1000 * n + n * (n - 1) / 2;
        let total = Exchanged { received: 1 << 30, duplicate: 7, sent };
        let traffic = counter.snapshot();
        assert_eq!((traffic.total, counter.total(), traffic.peers.len()), (total, total, MAX_PEERS));
        let mut sum = traffic.others;
        traffic.peers.values().for_each(|exchanged| sum.add(*exchanged));
        assert_eq!(sum, total);
        assert!(traffic.others.sent > 0 && traffic.others.received == 0);
        assert_eq!(traffic.peers[&large], Exchanged { received: 1 << 30, duplicate: 7, sent: 0 });
    }

    #[tokio::test]
    async fn a_waiting_task_learns_that_something_was_counted() {
        let counter = TrafficCounter::default();
        let idle = tokio::time::timeout(Duration::ZERO, counter.changed()).await;
        assert!(idle.is_err());
        counter.sent(PeerId::random(), 0, 1);
        counter.sent(PeerId::random(), 0, 1);
        counter.changed().await;
        let idle = tokio::time::timeout(Duration::ZERO, counter.changed()).await;
        assert!(idle.is_err(), "told once");
    }

    #[test]
    fn a_meter_follows_and_forgets() {
        let mut meter = Meter::default();
        for tenths in 1..=200 {
            meter.add(Duration::from_millis(100 * tenths), 100_000);
        }
        assert!((950_000..=1_000_000).contains(&meter.rate(Duration::from_secs(20))));
        assert!(meter.rate(Duration::from_secs(60)) < 1000);
    }
}
