//! How much each peer has sent us of late, for tit-for-tat.
//!
//! What always holds: at most [`MAX_REMEMBERED`] peers are remembered.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::PeerName;

/// After this many seconds, what a peer has sent us counts for half.
const HALF_LIFE: f64 = 10.0;
/// Peers that are remembered.
const MAX_REMEMBERED: usize = 1024;

/// Bytes that count for less and less as time goes by.
#[derive(Debug, Clone, Copy)]
struct Decaying {
    bytes: f64,
    at: Duration,
}

impl Decaying {
    fn at(&self, now: Duration) -> f64 {
        let halves = now.saturating_sub(self.at).as_secs_f64() / HALF_LIFE;
        self.bytes * libm::exp2(-halves)
    }
}

/// What peers have sent us.
#[derive(Debug)]
pub(super) struct Reciprocity<P> {
    received: BTreeMap<P, Decaying>,
}

impl<P> Default for Reciprocity<P> {
    fn default() -> Self {
        Self { received: BTreeMap::new() }
    }
}

impl<P: PeerName> Reciprocity<P> {
    /// A peer sent us good bytes.
    pub(super) fn received(&mut self, now: Duration, peer: P, bytes: u64) {
        if self.received.len() >= MAX_REMEMBERED && !self.received.contains_key(&peer) {
            self.received.retain(|_, received| received.at(now) > 1.0);
            if self.received.len() >= MAX_REMEMBERED {
                return;
            }
        }
        let before = self.received.get(&peer).map_or(0.0, |received| received.at(now));
        self.received.insert(peer, Decaying { bytes: before + bytes as f64, at: now });
    }

    /// What a peer has sent us, in bytes that count for less the older they are.
    pub(super) fn of(&self, now: Duration, peer: &P) -> u64 {
        self.received.get(peer).map_or(0, |received| received.at(now) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_was_sent_counts_for_half_after_the_half_life() {
        let mut reciprocity = Reciprocity::default();
        reciprocity.received(SECOND, peer(1), 800);
        assert_eq!(reciprocity.of(SECOND, &peer(1)), 800);
        assert_eq!(reciprocity.of(11 * SECOND, &peer(1)), 400);
        reciprocity.received(11 * SECOND, peer(1), 100);
        assert_eq!(reciprocity.of(21 * SECOND, &peer(1)), 250);
        assert_eq!(reciprocity.of(SECOND, &peer(2)), 0);
    }

    #[test]
    fn a_peer_that_sent_next_to_nothing_makes_room() {
        let mut reciprocity = Reciprocity::default();
        (0..MAX_REMEMBERED).for_each(|n| reciprocity.received(SECOND, peer(n), 100));
        reciprocity.received(SECOND, peer(MAX_REMEMBERED), 100);
        assert_eq!(
            reciprocity.of(SECOND, &peer(MAX_REMEMBERED)),
            0,
            "all that are remembered count for more"
        );
        reciprocity.received(200 * SECOND, peer(MAX_REMEMBERED), 100);
        assert_eq!(reciprocity.of(200 * SECOND, &peer(MAX_REMEMBERED)), 100);
        assert_eq!(reciprocity.received.len(), 1);
    }
}
