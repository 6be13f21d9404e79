//! How many chunk bytes went to and came from each peer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::ContentId;

/// Pairs of peer and content that are counted apart; what comes later is counted under no name.
const MAX_COUNTED: usize = 4096;

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

/// The counters of a node.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    peers: Mutex<BTreeMap<(ContentId, PeerId), PeerTraffic>>,
}

impl Traffic {
    pub(super) fn count(&self, content: ContentId, peer: PeerId, add: impl FnOnce(&mut PeerTraffic)) {
        let mut peers = self.peers.lock().expect("no panic while counting");
        if peers.len() < MAX_COUNTED || peers.contains_key(&(content, peer)) {
            add(peers.entry((content, peer)).or_default());
        }
    }

    /// Everybody that bytes of this content were exchanged with.
    pub(super) fn of(&self, content: ContentId) -> BTreeMap<PeerId, PeerTraffic> {
        let peers = self.peers.lock().expect("no panic while counting");
        peers.iter().filter(|((c, _), _)| *c == content).map(|((_, p), t)| (*p, *t)).collect()
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
}
