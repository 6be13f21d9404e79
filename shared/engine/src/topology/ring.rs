//! The state machine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;

use super::place::RingPlace;
use super::ring_config::{RingConfig, RingInput, RingMember, RingOutput, RingSide};

/// Where a connection to a peer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Free,
    Sought,
    Connected,
}

/// A peer that is known.
#[derive(Debug)]
struct Candidate {
    peer: PeerId,
    standing: Standing,
    /// Not sought before this time.
    not_before: Duration,
    /// Whether the last try failed; such are forgotten first.
    failed: bool,
    rtt: Option<Duration>,
    lost: u32,
    /// When to ping it next; none while an answer is waited for.
    ping_at: Option<Duration>,
}

/// With which peers a long-lived node stays connected.
///
/// Of either side the nearest [`places`](RingConfig::places) that can be reached are held and pinged. One that is gone gives its
/// place to the next; one that is nearer and can be reached takes its place from the farthest. Peers that are named are
/// held beside them. Always holds: at most `2 × places` more are sought at a time, and at most
/// `2 × most_known + most_named` are remembered.
#[derive(Debug)]
pub struct Ring {
    local: RingPlace,
    config: RingConfig,
    known: BTreeMap<RingPlace, Candidate>,
    named: BTreeSet<RingPlace>,
    /// Who was asked last for its neighbours.
    asked: Option<RingPlace>,
    ask_at: Duration,
    /// The time of the last input.
    now: Duration,
    outputs: VecDeque<RingOutput>,
}

impl Ring {
    /// Starts with nobody known.
    pub fn new(local: &PeerId, config: RingConfig) -> Self {
        Self {
            local: RingPlace::of(local),
            config,
            known: BTreeMap::new(),
            named: BTreeSet::new(),
            asked: None,
            ask_at: Duration::ZERO,
            now: Duration::ZERO,
            outputs: VecDeque::new(),
        }
    }

    /// Tells what happened. Afterwards, drain [`poll_output`](Self::poll_output).
    pub fn handle(&mut self, now: Duration, input: RingInput) {
        self.now = now;
        match input {
            RingInput::Named(peer) => self.name(now, peer),
            RingInput::Known(peers) if self.config.places > 0 => {
                peers.into_iter().for_each(|peer| self.learn(now, peer));
                self.forget_surplus();
            }
            RingInput::Known(_) | RingInput::Timeout => {}
            RingInput::Connected(peer) => self.connected(now, &peer),
            RingInput::Unreachable(peer) | RingInput::Disconnected(peer) => {
                self.lose(now + self.config.retry, &peer, false);
            }
            RingInput::Foreign(peer) => self.lose(now + self.config.retry_foreign, &peer, true),
            RingInput::Pong { peer, rtt } => {
                let next = now + self.config.ping_every;
                if let Some(it) = self.held(&peer) {
                    (it.rtt, it.lost, it.ping_at, it.failed) = (Some(rtt), 0, Some(next), false);
                }
            }
            RingInput::Missed(peer) => self.missed(now, &peer),
        }
        self.settle(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<RingOutput> {
        self.outputs.pop_front()
    }

    /// When to tell [`RingInput::Timeout`].
    pub fn next_timeout(&self) -> Option<Duration> {
        let pings = self.known.values().filter_map(|it| it.ping_at);
        let retries = self.known.values().filter(|it| it.standing == Standing::Free);
        let retries = retries.map(|it| it.not_before).filter(|at| *at > self.now);
        let ask = self.known.values().any(|it| it.standing == Standing::Connected).then_some(self.ask_at);
        pings.chain(retries).chain(ask.filter(|_| self.config.places > 0)).min()
    }

    /// The neighbours of either side, the nearest first; successors first.
    pub fn members(&self) -> Vec<RingMember> {
        let of = |side| {
            let held = self.side(side).filter(|(_, it)| it.standing != Standing::Free);
            let held = held.take(self.config.places).enumerate();
            held.map(move |(at, (_, it))| RingMember {
                peer: it.peer,
                side,
                rank: at + 1,
                connected: it.standing == Standing::Connected,
                rtt: it.rtt,
                lost: it.lost,
            })
        };
        of(RingSide::Successor).chain(of(RingSide::Predecessor)).collect()
    }

    fn name(&mut self, now: Duration, peer: PeerId) {
        let place = RingPlace::of(&peer);
        if place != self.local && (self.named.len() < self.config.most_named || self.named.contains(&place)) {
            self.learn(now, peer);
            self.named.insert(place);
        }
    }

    fn learn(&mut self, now: Duration, peer: PeerId) {
        let place = RingPlace::of(&peer);
        if place != self.local {
            self.known.entry(place).or_insert_with(|| Candidate {
                peer,
                standing: Standing::Free,
                not_before: now,
                failed: false,
                rtt: None,
                lost: 0,
                ping_at: None,
            });
        }
    }

    fn held(&mut self, peer: &PeerId) -> Option<&mut Candidate> {
        let it = self.known.get_mut(&RingPlace::of(peer))?;
        (it.standing == Standing::Connected).then_some(it)
    }

    fn connected(&mut self, now: Duration, peer: &PeerId) {
        let Some(it) = self.known.get_mut(&RingPlace::of(peer)) else { return };
        if it.standing == Standing::Sought {
            (it.standing, it.lost, it.ping_at) = (Standing::Connected, 0, Some(now));
            if self.config.places > 0 {
                // Whoever is new to the ring finds its place by this.
                self.outputs.push_back(RingOutput::Ask(*peer));
            }
        }
    }

    /// A peer is of no use before some time. `release`: its connection stands.
    fn lose(&mut self, not_before: Duration, peer: &PeerId, release: bool) {
        let Some(it) = self.known.get_mut(&RingPlace::of(peer)) else { return };
        if it.standing == Standing::Free {
            return;
        }
        (it.standing, it.failed, it.not_before) = (Standing::Free, true, not_before);
        (it.rtt, it.lost, it.ping_at) = (None, 0, None);
        if release {
            self.outputs.push_back(RingOutput::Release(*peer));
        }
    }

    fn missed(&mut self, now: Duration, peer: &PeerId) {
        let most = self.config.lost;
        let Some(it) = self.held(peer) else { return };
        it.lost += 1;
        if it.lost >= most {
            self.lose(now + self.config.retry, peer, true);
        } else {
            // At once: whoever is gone should not keep its place for long.
            it.ping_at = Some(now);
        }
    }

    /// All known peers of one side, the nearest first.
    fn side(&self, side: RingSide) -> Box<dyn Iterator<Item = (RingPlace, &Candidate)> + '_> {
        let (after, before) = (self.known.range(self.local..), self.known.range(..self.local));
        match side {
            RingSide::Successor => Box::new(after.chain(before).map(|(place, it)| (*place, it))),
            RingSide::Predecessor => {
                Box::new(before.rev().chain(after.rev()).map(|(place, it)| (*place, it)))
            }
        }
    }

    /// Those that are to be held or sought: of either side the nearest that are connected, and before them those that may
    /// be reached; and all that are named.
    fn wanted(&self, now: Duration) -> BTreeSet<RingPlace> {
        let mut wanted = self.named.clone();
        for side in [RingSide::Successor, RingSide::Predecessor] {
            let (mut connected, mut others) = (0, 0);
            for (place, it) in self.side(side) {
                if connected == self.config.places {
                    break;
                }
                match it.standing {
                    Standing::Connected => connected += 1,
                    Standing::Free if it.not_before > now => continue,
                    Standing::Free | Standing::Sought if others < self.config.places => others += 1,
                    Standing::Free | Standing::Sought => continue,
                }
                wanted.insert(place);
            }
        }
        wanted
    }

    /// Says what follows from how things stand.
    fn settle(&mut self, now: Duration) {
        let wanted = self.wanted(now);
        for (place, it) in &mut self.known {
            match (it.standing, wanted.contains(place)) {
                (Standing::Free, true) if it.not_before <= now => {
                    it.standing = Standing::Sought;
                    self.outputs.push_back(RingOutput::Seek(it.peer));
                }
                (Standing::Sought | Standing::Connected, false) => {
                    (it.standing, it.ping_at, it.rtt, it.lost) = (Standing::Free, None, None, 0);
                    self.outputs.push_back(RingOutput::Release(it.peer));
                }
                (Standing::Connected, true) if it.ping_at.is_some_and(|at| at <= now) => {
                    it.ping_at = None;
                    self.outputs.push_back(RingOutput::Ping(it.peer));
                }
                _ => {}
            }
        }
        self.ask(now);
    }

    /// Asks the connected neighbours in turn for theirs.
    fn ask(&mut self, now: Duration) {
        if self.config.places == 0 || now < self.ask_at {
            return;
        }
        self.ask_at = now + self.config.ask_every;
        let connected = |(_, it): &(&RingPlace, &Candidate)| it.standing == Standing::Connected;
        let all = self.known.iter().filter(connected);
        let next = all.clone().find(|(place, _)| self.asked.is_none_or(|last| **place > last));
        if let Some((place, it)) = next.or_else(|| all.clone().next()) {
            self.asked = Some(*place);
            self.outputs.push_back(RingOutput::Ask(it.peer));
        }
    }

    /// Keeps the nearest of either side, those that are held, and those that are named.
    fn forget_surplus(&mut self) {
        let most = self.config.most_known;
        if self.known.len() <= 2 * most {
            return;
        }
        let mut kept = self.named.clone();
        for side in [RingSide::Successor, RingSide::Predecessor] {
            // Those that failed come last, so that lies about near peers displace nobody for long.
            let (good, bad): (Vec<_>, Vec<_>) = self.side(side).partition(|(_, it)| !it.failed);
            kept.extend(good.into_iter().chain(bad).take(most).map(|(place, _)| place));
        }
        self.known.retain(|place, it| kept.contains(place) || it.standing != Standing::Free);
    }

    /// Peers that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }
}
