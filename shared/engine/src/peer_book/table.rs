//! The peers that are remembered: their addresses, and when each may be dialled again.

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use super::addresses::Addresses;
use super::config::PeerBookConfig;
use super::output::Teller;
use crate::SeededRng;
use crate::backoff::{Backoff, jittered};

/// Failed dials after which a peer is worth less than one that was never tried.
const GIVEN_UP: u32 = 4;

/// What is remembered of one peer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) addresses: Addresses,
    /// Whether the user named it.
    pub(super) named: bool,
    /// Not dialled before this time.
    pub(super) retry_at: Duration,
    backoff: Backoff,
    /// When something new was learned of it.
    learned: Duration,
    /// Who told of it first, if that was not the user.
    introduced_by: Option<Introducer>,
}

impl Entry {
    fn new(now: Duration, teller: Option<Teller>, config: &PeerBookConfig) -> Self {
        Self {
            addresses: Addresses::default(),
            named: false,
            retry_at: now,
            backoff: config.backoff(),
            learned: now,
            introduced_by: teller.and_then(introducer),
        }
    }

    /// A dial failed, or a connection ended: waits ever longer, with jitter, so that peers that lost each other at
    /// once do not dial in the same moment again.
    pub(super) fn failed(&mut self, now: Duration, named_most: Duration, rng: &mut SeededRng) {
        let mut wait = self.backoff.fail();
        if self.named {
            wait = wait.min(named_most);
        }
        self.retry_at = now + jittered(wait, rng);
    }

    /// A connection stood long enough to count.
    pub(super) fn succeeded(&mut self) {
        self.backoff.succeed();
    }

    /// The peer that is dropped first is least: one that failed often, was only heard of, or was heard of long ago.
    fn worth(&self) -> (bool, bool, std::cmp::Reverse<u32>, Duration) {
        let failures = self.backoff.failures();
        let proven = self.addresses.is_proven();
        (failures < GIVEN_UP, proven, std::cmp::Reverse(failures), self.learned)
    }
}

/// Who told of a peer first, as far as that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Introducer {
    Peer(PeerId),
    Dht,
    Lan,
}

fn introducer(teller: Teller) -> Option<Introducer> {
    match teller {
        Teller::User | Teller::Remembered => None,
        Teller::Tracker(peer) | Teller::Peer(peer) => Some(Introducer::Peer(peer)),
        Teller::Dht => Some(Introducer::Dht),
        Teller::Lan => Some(Introducer::Lan),
    }
}

/// The peers that are remembered. Always holds: at most `max_peers` and those that are kept in any case; of one
/// teller at most `max_peers_per_teller`, unless more of them are kept.
#[derive(Debug)]
pub(super) struct Table {
    peers: BTreeMap<PeerId, Entry>,
    introduced: BTreeMap<Introducer, usize>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { peers: BTreeMap::new(), introduced: BTreeMap::new() }
    }

    /// Learns addresses of a peer. Room for a new one is made among those that are not to be kept; where there is
    /// none, nothing is learned. `true` if something is new.
    pub(super) fn learn(
        &mut self,
        now: Duration,
        peer: PeerId,
        told: (Vec<Multiaddr>, Teller),
        config: &PeerBookConfig,
        keep: impl Fn(&PeerId) -> bool,
    ) -> bool {
        let (addresses, teller) = told;
        if addresses.is_empty() && !self.peers.contains_key(&peer) {
            return false;
        }
        if !self.peers.contains_key(&peer) && !self.make_room(teller, config, keep) {
            return false;
        }
        let entry = self.entry(now, peer, Some(teller), config);
        entry.named |= teller == Teller::User;
        if teller == Teller::Peer(peer) {
            entry.addresses.own_are(&peer, &addresses);
        }
        let learn = |it| entry.addresses.learn(&peer, it, teller, config.max_addresses);
        let new = addresses.into_iter().map(learn).filter(|new| *new).count();
        if new > 0 {
            entry.learned = now;
        }
        new > 0
    }

    /// The entry of a peer that is connected; `None` if there is no room for a new one.
    pub(super) fn get_or_insert(
        &mut self,
        now: Duration,
        peer: PeerId,
        config: &PeerBookConfig,
        keep: impl Fn(&PeerId) -> bool,
    ) -> Option<&mut Entry> {
        let room = self.peers.contains_key(&peer) || self.make_room(Teller::User, config, keep);
        room.then(|| self.entry(now, peer, None, config))
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Entry> {
        self.peers.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Entry> {
        self.peers.get_mut(peer)
    }

    /// No peer waits for longer than until then.
    pub(super) fn retry_by(&mut self, at: Duration) {
        self.peers.values_mut().for_each(|entry| entry.retry_at = entry.retry_at.min(at));
    }

    pub(super) fn forget(&mut self, peer: &PeerId) {
        let Some(entry) = self.peers.remove(peer) else { return };
        let Some(teller) = entry.introduced_by else { return };
        if let Some(count) = self.introduced.get_mut(&teller) {
            *count -= 1;
            if *count == 0 {
                self.introduced.remove(&teller);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    #[cfg(test)]
    pub(super) fn lists(&self) -> impl Iterator<Item = &Addresses> {
        self.peers.values().map(|entry| &entry.addresses)
    }

    fn entry(
        &mut self,
        now: Duration,
        peer: PeerId,
        teller: Option<Teller>,
        config: &PeerBookConfig,
    ) -> &mut Entry {
        self.peers.entry(peer).or_insert_with(|| {
            let entry = Entry::new(now, teller, config);
            if let Some(teller) = entry.introduced_by {
                *self.introduced.entry(teller).or_default() += 1;
            }
            entry
        })
    }

    /// Makes room for one more that this teller brings. A teller that brought many replaces its own.
    fn make_room(&mut self, teller: Teller, config: &PeerBookConfig, keep: impl Fn(&PeerId) -> bool) -> bool {
        let teller = introducer(teller);
        let brought = teller.and_then(|it| self.introduced.get(&it)).copied().unwrap_or_default();
        let only_own = brought >= config.max_peers_per_teller;
        if !only_own && self.peers.len() < config.max_peers {
            return true;
        }
        let droppable = self
            .peers
            .iter()
            .filter(|(peer, entry)| !keep(peer) && (!only_own || entry.introduced_by == teller));
        let Some(worst) = droppable.min_by_key(|(_, entry)| entry.worth()).map(|(peer, _)| *peer) else {
            return false;
        };
        self.forget(&worst);
        true
    }
}
