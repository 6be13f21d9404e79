//! Peers that this member has nothing to do with: for good, or for some time.
//!
//! What always holds: at most [`MOST`] of each kind are remembered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::PeerName;

/// Peers of each kind that a member remembers; the node remembers more of those that are banned.
const MOST: usize = 1024;
/// How long a peer is left alone that sent a wrong chunk after many good ones; doubles each time.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, Copy)]
struct Suspension {
    until: Duration,
    length: Duration,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Offenders<P> {
    banned: BTreeSet<P>,
    suspended: BTreeMap<P, Suspension>,
}

impl<P> Default for Offenders<P> {
    fn default() -> Self {
        Self { banned: BTreeSet::new(), suspended: BTreeMap::new() }
    }
}

impl<P: PeerName> Offenders<P> {
    /// Whether a peer is left alone at this time.
    pub(super) fn contains(&self, now: Duration, peer: &P) -> bool {
        self.is_banned(peer) || self.suspended.get(peer).is_some_and(|it| now < it.until)
    }

    pub(super) fn is_banned(&self, peer: &P) -> bool {
        self.banned.contains(peer)
    }

    pub(super) fn was_suspended(&self, peer: &P) -> bool {
        self.suspended.contains_key(peer)
    }

    pub(super) fn ban(&mut self, peer: P) {
        if self.banned.len() >= MOST {
            self.banned.pop_first();
        }
        self.banned.insert(peer);
    }

    /// Leaves a peer alone, for twice as long as the last time. Returns for how long.
    pub(super) fn suspend(&mut self, now: Duration, peer: P) -> Duration {
        let before = self.suspended.get(&peer).map(|it| it.length);
        if before.is_none() && self.suspended.len() >= MOST {
            let oldest = self.suspended.iter().min_by_key(|(_, it)| it.until).map(|(peer, _)| *peer);
            oldest.and_then(|peer| self.suspended.remove(&peer));
        }
        let length = before.map_or(FIRST, |length| (length * 2).min(LONGEST));
        self.suspended.insert(peer, Suspension { until: now + length, length });
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suspension_ends_and_the_next_one_is_longer() {
        let mut offenders = Offenders::default();
        assert_eq!(offenders.suspend(Duration::ZERO, 7), FIRST);
        assert!(offenders.contains(FIRST / 2, &7) && !offenders.contains(FIRST, &7));
        assert_eq!(offenders.suspend(FIRST, 7), FIRST * 2);
        assert!(offenders.contains(FIRST * 2, &7) && !offenders.contains(FIRST * 3, &7));
        (0..100).for_each(|_| assert!(offenders.suspend(FIRST, 7) <= LONGEST));
        assert!(!offenders.contains(Duration::ZERO, &8));
        offenders.ban(8);
        assert!(offenders.contains(LONGEST * 10, &8));
    }

    #[test]
    fn memory_is_bounded() {
        let mut offenders = Offenders::default();
        (0..5_000).for_each(|peer| {
            offenders.ban(peer);
            offenders.suspend(Duration::ZERO, peer);
        });
        assert!(offenders.banned.len() <= MOST && offenders.suspended.len() <= MOST);
    }
}
