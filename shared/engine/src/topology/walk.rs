//! Whom to ask next when the map of the swarm is drawn.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;

/// How far a [`MapWalk`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkLimits {
    /// Peers are asked that are at most so many connections away; 0: nobody is.
    pub hops: u8,
    /// Peers that are asked.
    pub most_asked: usize,
    /// Peers on the map.
    pub most_known: usize,
    /// Links of one peer that are looked at.
    pub most_links: usize,
    /// Peers that are asked at once.
    pub at_once: usize,
    /// How long it may take in all.
    pub time: Duration,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            hops: 4,
            most_asked: 256,
            most_known: 1024,
            most_links: 50,
            at_once: 8,
            time: Duration::from_secs(20),
        }
    }
}

/// A walk through the swarm, breadth first: the neighbours are asked for theirs, and those in turn.
///
/// Always holds: nobody is asked twice; who is nearer is asked before who is farther.
#[derive(Debug)]
pub struct MapWalk {
    limits: WalkLimits,
    deadline: Duration,
    /// How many connections away each peer is, as far as was told.
    known: BTreeMap<PeerId, u8>,
    line: VecDeque<PeerId>,
    under_way: usize,
    asked: usize,
    cut: bool,
}

impl MapWalk {
    /// Begins at `local`, whose neighbours are these.
    pub fn new(
        now: Duration,
        limits: WalkLimits,
        local: PeerId,
        neighbours: impl IntoIterator<Item = PeerId>,
    ) -> Self {
        let mut walk = Self {
            limits,
            deadline: now.saturating_add(limits.time),
            known: BTreeMap::from([(local, 0)]),
            line: VecDeque::new(),
            under_way: 0,
            asked: 0,
            cut: false,
        };
        walk.add(0, neighbours);
        walk
    }

    /// Whom to ask now; its answer is told by [`answered`](Self::answered) or [`failed`](Self::failed).
    pub fn next(&mut self, now: Duration) -> Option<PeerId> {
        if now >= self.deadline || self.under_way >= self.limits.at_once {
            return None;
        }
        if self.asked >= self.limits.most_asked {
            self.cut |= !self.line.is_empty();
            self.line.clear();
        }
        let peer = self.line.pop_front()?;
        self.under_way += 1;
        self.asked += 1;
        Some(peer)
    }

    /// A peer that was asked names its neighbours.
    pub fn answered(&mut self, peer: &PeerId, links: impl IntoIterator<Item = PeerId>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(at) = self.known.get(peer).copied() {
            self.add(at, links);
        }
    }

    /// A peer that was asked does not answer.
    pub fn failed(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Whether there is nothing more to ask or to wait for.
    pub fn is_done(&self, now: Duration) -> bool {
        now >= self.deadline || (self.under_way == 0 && self.line.is_empty())
    }

    /// When it is over, whatever is still to come.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// How many connections away a peer is, as far as was told; `None` if it is not on the map.
    pub fn distance(&self, peer: &PeerId) -> Option<u8> {
        self.known.get(peer).copied()
    }

    /// Whether there was more than the limits allow, time included.
    pub fn was_cut(&self, now: Duration) -> bool {
        self.cut || (now >= self.deadline && (self.under_way > 0 || !self.line.is_empty()))
    }

    fn add(&mut self, from: u8, peers: impl IntoIterator<Item = PeerId>) {
        for (n, peer) in peers.into_iter().enumerate() {
            if self.known.contains_key(&peer) {
                continue;
            }
            if n >= self.limits.most_links || self.known.len() >= self.limits.most_known {
                self.cut = true;
                return;
            }
            let at = from.saturating_add(1);
            self.known.insert(peer, at);
            if at <= self.limits.hops {
                self.line.push_back(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;
    use proptest::prelude::*;

    /// Walks through a network; returns whom it asked, in order.
    fn walk(limits: WalkLimits, near: impl Fn(usize) -> Vec<usize>) -> (Vec<usize>, MapWalk) {
        let numbers: BTreeMap<PeerId, usize> = (0..5000).map(|n| (peer(n), n)).collect();
        let peers = |of: Vec<usize>| of.into_iter().map(peer).collect::<Vec<_>>();
        let mut it = MapWalk::new(Duration::ZERO, limits, peer(0), peers(near(0)));
        let (mut asked, mut waiting) = (vec![], VecDeque::new());
        while !it.is_done(Duration::ZERO) {
            while let Some(next) = it.next(Duration::ZERO) {
                waiting.push_back(next);
                asked.push(numbers[&next]);
            }
            assert!(waiting.len() <= limits.at_once);
            let next = waiting.pop_front().expect("something is under way");
            match near(numbers[&next]) {
                links if links.is_empty() => it.failed(),
                links => it.answered(&next, peers(links)),
            }
        }
        (asked, it)
    }

    #[test]
    fn a_line_is_walked_as_far_as_told() {
        let near =
            |n: usize| [n.checked_sub(1), Some(n + 1).filter(|n| *n < 9)].into_iter().flatten().collect();
        for hops in 0..12 {
            let (asked, it) = walk(WalkLimits { hops, ..WalkLimits::default() }, near);
            assert_eq!(asked, (1..9).take(hops.into()).collect::<Vec<_>>());
            assert_eq!(it.distance(&peer(8)), (hops >= 7).then_some(8));
            assert!(!it.was_cut(Duration::ZERO));
        }
    }

    #[test]
    fn one_that_names_thousands_is_cut() {
        let near = |n: usize| {
            if n == 0 {
                vec![1, 2]
            } else if n == 1 {
                (3..4000).collect()
            } else {
                vec![0, 1]
            }
        };
        let limits = WalkLimits::default();
        let (asked, it) = walk(limits, near);
        assert_eq!(asked.len(), 2 + limits.most_links);
        assert!(it.was_cut(Duration::ZERO));
        let few = WalkLimits { most_asked: 10, ..limits };
        let (asked, it) = walk(few, near);
        assert!(asked.len() == 10 && it.was_cut(Duration::ZERO));
        assert_eq!(asked[..2], [1, 2], "who is nearer comes first");
    }

    #[test]
    fn it_ends_when_its_time_is_over() {
        let limits = WalkLimits { time: Duration::from_secs(3), ..WalkLimits::default() };
        let now = Duration::from_secs(10);
        let mut it = MapWalk::new(now, limits, peer(0), [peer(1), peer(2)]);
        assert!(it.next(now).is_some() && !it.is_done(now));
        let over = it.deadline();
        assert_eq!(over, Duration::from_secs(13));
        assert!(it.next(over).is_none() && it.is_done(over) && it.was_cut(over));
    }

    proptest! {
        /// Whatever is told, nobody is asked twice, and the bounds hold.
        #[test]
        fn bounds_hold(links in prop::collection::vec(prop::collection::vec(0usize..200, 0..30), 200), hops in 0u8..6) {
            let limits = WalkLimits { hops, most_asked: 40, most_known: 100, at_once: 3, ..WalkLimits::default() };
            let (asked, it) = walk(limits, |n| links[n].clone());
            let distinct: std::collections::BTreeSet<_> = asked.iter().collect();
            prop_assert!(distinct.len() == asked.len() && asked.len() <= 40 && it.known.len() <= 100);
            prop_assert!(asked.iter().all(|n| it.distance(&peer(*n)).is_some_and(|at| at <= hops)));
        }
    }
}
