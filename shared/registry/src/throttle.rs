//! How often each of many (peers, or networks) may do something, with bounded memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;

/// What happens with one that is not remembered while there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It takes the place of the one that has most nearly recovered.
    Replace,
    /// It must wait, so that their number bounds what all do together.
    Wait,
}

/// A token bucket for each, kept as one time each: when the bucket is full again (the generic cell rate
/// algorithm, ITU-T I.371). A bucket that is full is as good as none and is forgotten.
#[derive(Debug)]
pub struct Throttle<K = PeerId> {
    burst: u32,
    interval: Duration,
    most: usize,
    when_full: WhenFull,
    full_at: BTreeMap<K, Duration>,
    order: BTreeSet<(Duration, K)>,
}

impl<K: Ord + Copy> Throttle<K> {
    /// `burst` at once, one more each `interval`; `most` are remembered.
    pub fn new(burst: u32, interval: Duration, most: usize, when_full: WhenFull) -> Self {
        Self { burst, interval, most, when_full, full_at: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Whether this one may do it now; if so, that is counted.
    pub fn allow(&mut self, now: Duration, key: K) -> bool {
        self.forget(now);
        let full_at = self.full_at.get(&key).copied().unwrap_or(now);
        let next = full_at.saturating_add(self.interval);
        let fits = next - now <= self.interval.saturating_mul(self.burst);
        if !fits || !self.make_room(&key) {
            return false;
        }
        self.order.remove(&(full_at, key));
        self.full_at.insert(key, next);
        self.order.insert((next, key));
        true
    }

    /// When this one last did it, as long as that is remembered; exact with a burst of one.
    pub fn last(&self, key: &K) -> Option<Duration> {
        self.full_at.get(key).map(|at| at.saturating_sub(self.interval))
    }

    fn forget(&mut self, now: Duration) {
        while let Some((_, key)) = self.order.first().filter(|(at, _)| *at <= now).copied() {
            self.order.pop_first();
            self.full_at.remove(&key);
        }
    }

    fn make_room(&mut self, key: &K) -> bool {
        if self.full_at.contains_key(key) || self.full_at.len() < self.most {
            return true;
        }
        if self.when_full == WhenFull::Replace
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.full_at.remove(&oldest);
        }
        self.full_at.len() < self.most
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.full_at.len(), self.order.len());
        self.full_at.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_burst_and_then_one_per_interval() {
        let mut throttle = Throttle::new(3, secs(10), 9, WhenFull::Wait);
        let allowed =
            |throttle: &mut Throttle<_>, at| (0..9).filter(|_| throttle.allow(secs(at), peer(1))).count();
        assert_eq!(allowed(&mut throttle, 100), 3);
        assert_eq!(allowed(&mut throttle, 109), 0);
        assert_eq!(allowed(&mut throttle, 110), 1);
        assert_eq!(allowed(&mut throttle, 130), 2);
        assert_eq!(allowed(&mut throttle, 1_000), 3, "no more than a burst is saved up");
        assert!(throttle.allow(secs(1_000), peer(2)), "each for itself");
    }

    #[test]
    fn what_has_recovered_is_forgotten() {
        let mut throttle = Throttle::new(3, secs(10), 1_000, WhenFull::Wait);
        (0..500).for_each(|n| assert!(throttle.allow(secs(1), peer(n))));
        assert_eq!(throttle.len(), 500);
        assert!(throttle.allow(secs(11), peer(501)));
        assert_eq!(throttle.len(), 1);
    }

    #[test]
    fn a_newcomer_to_a_full_throttle_waits_or_replaces() {
        for (when_full, answer) in [(WhenFull::Wait, false), (WhenFull::Replace, true)] {
            let mut throttle = Throttle::new(2, secs(10), 2, when_full);
            assert!(throttle.allow(secs(0), peer(1)));
            assert!(throttle.allow(secs(0), peer(1)));
            assert!(throttle.allow(secs(0), peer(2)));
            assert_eq!(throttle.allow(secs(1), peer(3)), answer);
            assert!(!throttle.allow(secs(1), peer(1)), "the busiest is not forgotten");
            assert_eq!(throttle.len(), 2);
        }
    }
}
