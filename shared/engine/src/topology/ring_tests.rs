//! Rings of many nodes that find their places, lose neighbours and repair themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::{Ring, RingConfig, RingInput, RingMember, RingOutput, RingPlace, RingSide};
use crate::SeededRng;
use crate::testing::peer;

/// A network of rings: connections stand while either side holds them; questions are answered at once.
struct Net {
    now: Duration,
    rings: BTreeMap<PeerId, Ring>,
    /// Who holds a connection to whom.
    held: BTreeSet<(PeerId, PeerId)>,
    /// Nodes that are there, connect, and answer nothing.
    hung: BTreeSet<PeerId>,
    pings: usize,
}

impl Net {
    fn new() -> Self {
        let now = Duration::from_secs(1);
        Self { now, rings: BTreeMap::new(), held: BTreeSet::new(), hung: BTreeSet::new(), pings: 0 }
    }

    fn add(&mut self, node: PeerId, named: Option<PeerId>) {
        self.rings.insert(node, Ring::new(&node, RingConfig::default()));
        named.into_iter().for_each(|peer| self.tell(node, RingInput::Named(peer)));
    }

    fn neighbours(&self, of: PeerId) -> Vec<PeerId> {
        let pairs = self.held.iter().filter(|(a, b)| *a == of || *b == of);
        pairs.map(|(a, b)| if *a == of { *b } else { *a }).collect()
    }

    fn tell(&mut self, node: PeerId, input: RingInput) {
        let mut line = vec![(node, input)];
        while let Some((node, input)) = line.pop() {
            let Some(ring) = self.rings.get_mut(&node) else { continue };
            ring.handle(self.now, input);
            let outputs: Vec<_> = std::iter::from_fn(|| ring.poll_output()).collect();
            for output in outputs {
                match output {
                    RingOutput::Seek(peer) if self.rings.contains_key(&peer) => {
                        self.held.insert((node, peer));
                        line.push((node, RingInput::Connected(peer)));
                        line.push((peer, RingInput::Known(vec![node])));
                    }
                    RingOutput::Seek(peer) => line.push((node, RingInput::Unreachable(peer))),
                    RingOutput::Release(peer) => drop(self.held.remove(&(node, peer))),
                    RingOutput::Ping(peer) if self.hung.contains(&peer) => {
                        line.push((node, RingInput::Missed(peer)))
                    }
                    RingOutput::Ping(peer) => {
                        self.pings += 1;
                        line.push((node, RingInput::Pong { peer, rtt: Duration::from_millis(3) }));
                    }
                    RingOutput::Ask(peer) if self.hung.contains(&peer) => {}
                    RingOutput::Ask(peer) => line.push((node, RingInput::Known(self.neighbours(peer)))),
                }
            }
        }
    }

    /// Lets time pass.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.rings.values().filter_map(Ring::next_timeout).min().filter(|at| *at <= end)
        {
            assert!(at >= self.now, "what is due is done");
            self.now = at;
            let due: Vec<PeerId> = self.rings.keys().copied().collect();
            for node in due {
                if self.rings[&node].next_timeout().is_some_and(|due| due <= self.now) {
                    self.tell(node, RingInput::Timeout);
                }
            }
        }
        self.now = end;
    }

    fn kill(&mut self, node: PeerId) {
        self.rings.remove(&node);
        let others = self.neighbours(node);
        self.held.retain(|(a, b)| *a != node && *b != node);
        others.into_iter().for_each(|other| self.tell(other, RingInput::Disconnected(node)));
    }

    /// Checks that everybody has those next to it, on either side.
    fn assert_in_order(&self) {
        let all = self.rings.keys().filter(|peer| !self.hung.contains(peer));
        let mut all: Vec<PeerId> = all.copied().collect();
        all.sort_by_key(RingPlace::of);
        let (count, places) = (all.len(), RingConfig::default().places);
        for (at, peer) in all.iter().enumerate().filter(|_| count > 1) {
            let next = |side: RingSide, rank: usize| match side {
                RingSide::Successor => all[(at + rank) % count],
                RingSide::Predecessor => all[(at + count * rank - rank) % count],
            };
            for side in [RingSide::Successor, RingSide::Predecessor] {
                let members = self.rings[peer].members();
                let of: Vec<&RingMember> =
                    members.iter().filter(|it| it.side == side && it.connected).collect();
                let wanted: Vec<_> = (1..=places.min(count - 1)).map(|rank| next(side, rank)).collect();
                assert_eq!(
                    of.iter().map(|it| it.peer).collect::<Vec<_>>(),
                    wanted,
                    "{at} of {count}, {side:?}"
                );
            }
        }
    }

    /// Whether everybody can be reached from anybody.
    fn is_one(&self) -> bool {
        let mut seen = BTreeSet::new();
        let mut line: Vec<PeerId> = self.rings.keys().take(1).copied().collect();
        while let Some(node) = line.pop() {
            if seen.insert(node) {
                line.extend(self.neighbours(node));
            }
        }
        seen.len() == self.rings.len()
    }
}

fn grown(count: usize) -> Net {
    let mut net = Net::new();
    for n in 0..count {
        // Everybody is told of one member, another each time.
        net.add(peer(n), n.checked_sub(1).map(|_| peer(n / 3)));
        net.run(Duration::from_secs(2));
    }
    net.run(Duration::from_secs(120));
    net
}

#[test]
fn who_knows_one_member_finds_its_place() {
    for count in [1, 2, 3, 4, 7, 40] {
        grown(count).assert_in_order();
    }
}

#[test]
fn a_third_that_vanishes_at_once_leaves_one_ring() {
    for seed in 0..6 {
        let mut rng = SeededRng::seed_from_u64(seed);
        let count = rng.random_range(9..45);
        let mut net = grown(count);
        let mut all: Vec<usize> = (0..count).collect();
        all.shuffle(&mut rng);
        all[..count / 3].iter().for_each(|n| net.kill(peer(*n)));
        net.run(Duration::from_secs(120));
        assert!(net.is_one(), "seed {seed}, {count} nodes");
        net.assert_in_order();
    }
}

#[test]
fn one_that_hangs_loses_its_place_after_two_pings() {
    let mut net = grown(8);
    let hung = peer(3);
    net.hung.insert(hung);
    net.run(Duration::from_secs(11));
    for (node, ring) in net.rings.iter().filter(|(node, _)| **node != hung) {
        assert!(ring.members().iter().all(|it| it.peer != hung || !it.connected), "{node}");
    }
    net.run(Duration::from_secs(3));
    net.assert_in_order();
}

#[test]
fn neighbours_are_pinged_and_not_too_often() {
    let mut net = grown(12);
    net.pings = 0;
    net.run(Duration::from_secs(50));
    // 12 nodes with four neighbours each, and those that were named, every 5 s.
    assert!((12 * 4 * 9..12 * 6 * 11).contains(&net.pings), "{}", net.pings);
    let members = net.rings[&peer(0)].members();
    assert!(members.iter().all(|it| it.lost == 0 && it.rtt == Some(Duration::from_millis(3))), "{members:?}");
}

fn outputs(ring: &mut Ring) -> Vec<RingOutput> {
    std::iter::from_fn(|| ring.poll_output()).collect()
}

#[test]
fn without_places_only_who_is_named_is_held() {
    let config = RingConfig { places: 0, ..RingConfig::default() };
    let mut ring = Ring::new(&peer(0), config);
    let now = Duration::from_secs(1);
    ring.handle(now, RingInput::Known((1..9).map(peer).collect()));
    assert!(outputs(&mut ring).is_empty());
    ring.handle(now, RingInput::Named(peer(1)));
    ring.handle(now, RingInput::Named(peer(0)));
    assert_eq!(outputs(&mut ring), [RingOutput::Seek(peer(1))], "oneself is never sought");
    ring.handle(now, RingInput::Connected(peer(1)));
    assert_eq!(outputs(&mut ring), [RingOutput::Ping(peer(1))]);
    ring.handle(now, RingInput::Disconnected(peer(1)));
    assert!(outputs(&mut ring).is_empty());
    ring.handle(now + config.retry, RingInput::Timeout);
    assert_eq!(outputs(&mut ring), [RingOutput::Seek(peer(1))]);
}

#[test]
fn one_that_speaks_something_else_is_let_go_for_long() {
    let mut ring = Ring::new(&peer(0), RingConfig::default());
    let now = Duration::from_secs(1);
    ring.handle(now, RingInput::Known(vec![peer(1)]));
    ring.handle(now, RingInput::Connected(peer(1)));
    outputs(&mut ring);
    ring.handle(now, RingInput::Foreign(peer(1)));
    assert_eq!(outputs(&mut ring), [RingOutput::Release(peer(1))]);
    ring.handle(now + Duration::from_secs(500), RingInput::Known(vec![peer(1)]));
    assert!(outputs(&mut ring).is_empty());
}

proptest! {
    /// Whatever comes in whatever order: memory and what is sought are bounded, and what is held is given back once.
    #[test]
    fn bounds_hold(steps in prop::collection::vec((0u8..8, 0usize..200, 0u64..20_000), 0..300)) {
        let config = RingConfig { most_known: 4, most_named: 3, ..RingConfig::default() };
        let mut ring = Ring::new(&peer(0), config);
        let (mut now, mut held) = (Duration::ZERO, BTreeSet::new());
        for (what, n, wait) in steps {
            now += Duration::from_millis(wait);
            let it = peer(n);
            let input = match what {
                0 => RingInput::Named(it),
                1 => RingInput::Known((n..n + 40).map(peer).collect()),
                2 => RingInput::Connected(it),
                3 => RingInput::Unreachable(it),
                4 => RingInput::Disconnected(it),
                5 => RingInput::Pong { peer: it, rtt: Duration::ZERO },
                6 => RingInput::Missed(it),
                _ => RingInput::Foreign(it),
            };
            if matches!(input, RingInput::Unreachable(_) | RingInput::Disconnected(_)) {
                // The use ends with it.
                held.remove(&it);
            }
            ring.handle(now, input);
            for output in outputs(&mut ring) {
                match output {
                    RingOutput::Seek(peer) => prop_assert!(held.insert(peer), "sought twice"),
                    RingOutput::Release(peer) => prop_assert!(held.remove(&peer), "released twice"),
                    RingOutput::Ping(peer) => prop_assert!(held.contains(&peer)),
                    RingOutput::Ask(_) => {}
                }
            }
            prop_assert!(held.len() <= 2 * 2 * config.places + config.most_named);
            prop_assert!(ring.len() <= 2 * config.most_known + config.most_named + held.len());
            prop_assert!(ring.next_timeout().is_none_or(|at| at > now));
        }
    }
}
