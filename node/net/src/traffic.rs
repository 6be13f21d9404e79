//! How many chunk bytes went to and came from each peer.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::ContentId;

/// Peers of a content that are counted apart; what comes later is only counted in the total.
const MAX_PEERS: usize = 4096;

/// Bytes of chunks exchanged with one peer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerTraffic {
    /// Verified bytes that came from it.
    pub received: u64,
    /// Bytes that came from it and were here already.
    pub duplicate: u64,
    /// Bytes sent to it.
    pub sent: u64,
}

/// A rate that follows what happens now: about the last two seconds.
#[derive(Debug, Default)]
pub(super) struct Meter {
    rate: f64,
    bytes: u64,
    since: Duration,
}

impl Meter {
    const SAMPLE: Duration = Duration::from_millis(500);
    const MEMORY: f64 = 2.0;

    pub(super) fn add(&mut self, now: Duration, bytes: u64) {
        self.bytes += bytes;
        self.rate(now);
    }

    /// Bytes per second.
    pub(super) fn rate(&mut self, now: Duration) -> u64 {
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

impl AddAssign for PeerTraffic {
    fn add_assign(&mut self, more: Self) {
        self.received += more.received;
        self.duplicate += more.duplicate;
        self.sent += more.sent;
    }
}

/// The counters of one content.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentTraffic {
    /// With all peers together, also those that `peers` has no room for.
    pub(super) total: PeerTraffic,
    /// With each peer.
    pub(super) peers: BTreeMap<PeerId, PeerTraffic>,
}

/// The counters of a node, for the contents that it has.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    contents: Mutex<BTreeMap<ContentId, ContentTraffic>>,
}

impl Traffic {
    /// Begins to count for a content.
    pub(super) fn open(&self, content: ContentId) {
        self.contents().entry(content).or_default();
    }

    /// Forgets what was counted for a content.
    pub(super) fn close(&self, content: ContentId) {
        self.contents().remove(&content);
    }

    /// Counts what was exchanged with a peer.
    pub(super) fn count(&self, content: ContentId, peer: PeerId, more: PeerTraffic) {
        let mut contents = self.contents();
        let Some(content) = contents.get_mut(&content) else { return };
        content.total += more;
        if content.peers.len() < MAX_PEERS || content.peers.contains_key(&peer) {
            *content.peers.entry(peer).or_default() += more;
        }
    }

    /// What was counted for a content with all peers together.
    pub(super) fn total(&self, content: ContentId) -> PeerTraffic {
        self.contents().get(&content).map(|content| content.total).unwrap_or_default()
    }

    /// What was counted for a content.
    pub(super) fn of(&self, content: ContentId) -> ContentTraffic {
        self.contents().get(&content).cloned().unwrap_or_default()
    }

    fn contents(&self) -> MutexGuard<'_, BTreeMap<ContentId, ContentTraffic>> {
        self.contents.lock().expect("no panic while counting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_follows_and_forgets() {
        let mut meter = Meter::default();
        for tenths in 1..=200 {
            meter.add(Duration::from_millis(100 * tenths), 100_000);
        }
        assert!((950_000..=1_000_000).contains(&meter.rate(Duration::from_secs(20))));
        assert!(meter.rate(Duration::from_secs(60)) < 1000);
    }

    #[test]
    fn peers_beyond_the_bound_count_in_the_total_and_nothing_outlasts_its_content() {
        let content = shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"any"));
        let traffic = Traffic::default();
        let one = PeerTraffic { sent: 1, ..PeerTraffic::default() };
        traffic.open(content);
        (0..MAX_PEERS + 10).for_each(|_| traffic.count(content, PeerId::random(), one));
        let counted = traffic.of(content);
        assert_eq!((counted.total.sent, counted.peers.len()), (MAX_PEERS as u64 + 10, MAX_PEERS));
        traffic.close(content);
        traffic.count(content, PeerId::random(), one);
        assert_eq!(traffic.of(content).total, PeerTraffic::default());
    }
}
