//! The members that a node knows: who takes contents, and who is there.
//!
//! What always holds: at most [`MAX_PEERS`] are known, of whom those nearest to this node and those that have a copy of
//! something here stay; a peer that only others named is pinged and counts for nothing before it answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;

use super::place::{Distance, Place};

/// The most members that are known.
pub(super) const MAX_PEERS: usize = 96;
/// The most of them that were named and never heard.
const MAX_UNHEARD: usize = 32;
/// Pings in a row after which a peer may be gone.
const MAX_LOST: u32 = 2;
/// Pings in a row after which a peer is forgotten.
const FORGOTTEN: u32 = 12;

/// What is known of a member.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) place: Place,
    pub(super) willing: bool,
    pub(super) free: u64,
    heard: bool,
    lost: u32,
    /// When the last of those was.
    lost_at: Duration,
    /// When it is given up.
    doubt: Option<Duration>,
    /// It missed too many pings, and its time to come back is over.
    pub(super) dead: bool,
    /// When it is to be looked after: pinged, or given up.
    due: Duration,
}

/// What is to be done about a peer that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerDue {
    Ping,
    GiveUp,
}

/// The members that a node knows.
#[derive(Debug)]
pub(super) struct Peers {
    own: Place,
    peers: BTreeMap<PeerId, Peer>,
    due: BTreeSet<(Duration, PeerId)>,
}

impl Peers {
    pub(super) fn new(own: &PeerId) -> Self {
        Self { own: Place::of_peer(own), peers: BTreeMap::new(), due: BTreeSet::new() }
    }

    pub(super) fn own(&self) -> &Place {
        &self.own
    }

    pub(super) fn get(&self, peer: &PeerId) -> Option<&Peer> {
        self.peers.get(peer)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&PeerId, &Peer)> {
        self.peers.iter()
    }

    /// Whether a peer is there, as far as is known.
    pub(super) fn is_there(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|it| !it.dead)
    }

    /// Whether a peer would take a content of so many bytes.
    pub(super) fn takes(&self, peer: &PeerId, size: u64) -> bool {
        self.peers.get(peer).is_some_and(|it| it.heard && it.lost == 0 && it.willing && it.free >= size)
    }

    /// A peer was named. It is pinged soon, if there is room for it.
    pub(super) fn named(&mut self, now: Duration, peer: PeerId, partners: &BTreeMap<PeerId, u32>) -> bool {
        if self.peers.contains_key(&peer) {
            return true;
        }
        let unheard = self.peers.values().filter(|it| !it.heard).count();
        if unheard >= MAX_UNHEARD && !partners.contains_key(&peer) {
            return false;
        }
        self.insert(now, peer, partners)
    }

    fn insert(&mut self, now: Duration, peer: PeerId, partners: &BTreeMap<PeerId, u32>) -> bool {
        let place = Place::of_peer(&peer);
        if self.peers.len() >= MAX_PEERS && !self.make_room(&place, partners) {
            return false;
        }
        let it = Peer {
            place,
            willing: false,
            free: 0,
            heard: false,
            lost: 0,
            lost_at: now,
            doubt: None,
            dead: false,
            due: now,
        };
        self.due.insert((now, peer));
        self.peers.insert(peer, it);
        true
    }

    /// Lets the farthest one go that nothing is shared with, if the newcomer is nearer.
    fn make_room(&mut self, newcomer: &Place, partners: &BTreeMap<PeerId, u32>) -> bool {
        let free = self.peers.iter().filter(|(peer, _)| !partners.contains_key(peer));
        let last = free.max_by_key(|(_, it)| (it.dead, self.own.distance(&it.place)));
        let Some((peer, it)) = last.map(|(peer, it)| (*peer, it.clone())) else { return false };
        let nearer = self.own.distance(newcomer) < self.own.distance(&it.place);
        if it.dead || nearer {
            self.remove(&peer);
        }
        it.dead || nearer
    }

    pub(super) fn remove(&mut self, peer: &PeerId) {
        if let Some(it) = self.peers.remove(peer) {
            self.due.remove(&(it.due, *peer));
        }
    }

    fn schedule(&mut self, peer: &PeerId, due: Duration) {
        let Some(it) = self.peers.get_mut(peer) else { return };
        self.due.remove(&(it.due, *peer));
        it.due = due;
        self.due.insert((due, *peer));
    }

    /// A peer is to be looked after by then at the latest.
    pub(super) fn hasten(&mut self, peer: &PeerId, by: Duration) {
        if self.peers.get(peer).is_some_and(|it| it.due > by) {
            self.schedule(peer, by);
        }
    }

    /// A peer said how much it takes. Returns whether it was not there before.
    pub(super) fn hello(
        &mut self,
        now: Duration,
        peer: PeerId,
        offer: (bool, u64),
        again: Duration,
        partners: &BTreeMap<PeerId, u32>,
    ) -> bool {
        if !self.peers.contains_key(&peer) && !self.insert(now, peer, partners) {
            return false;
        }
        let Some(it) = self.peers.get_mut(&peer) else { return false };
        let is_news = !it.heard || it.dead || it.willing != offer.0;
        (it.willing, it.free) = offer;
        (it.heard, it.lost, it.dead, it.doubt) = (true, 0, false, None);
        self.schedule(&peer, now + again);
        is_news
    }

    /// A peer did not answer. What it misses within half the time to the next ping counts once.
    pub(super) fn silent(&mut self, now: Duration, peer: &PeerId, again: Duration, grace: Duration) {
        let Some(it) = self.peers.get_mut(peer) else { return };
        if it.lost > 0 && now < it.lost_at + again / 2 {
            return;
        }
        (it.lost, it.lost_at) = (it.lost + 1, now);
        if !it.heard && it.dead || it.lost >= FORGOTTEN {
            self.remove(peer);
        } else if it.dead {
            self.schedule(peer, now + again * 4);
        } else if it.lost >= MAX_LOST {
            let doubt = *it.doubt.get_or_insert(now + grace);
            self.schedule(peer, doubt);
        } else {
            self.schedule(peer, now + again);
        }
    }

    /// What is due next; a ping is due again after `again` if nothing is heard of it.
    pub(super) fn take_due(&mut self, now: Duration, again: Duration) -> Option<(PeerId, PeerDue)> {
        let (_, peer) = self.due.first().copied().filter(|(due, _)| *due <= now)?;
        let it = self.peers.get_mut(&peer)?;
        let over = it.doubt.is_some_and(|doubt| doubt <= now);
        let what = if over && !it.dead { PeerDue::GiveUp } else { PeerDue::Ping };
        it.dead |= over;
        // The answer, or that there is none, sets it anew.
        self.schedule(&peer, now + again * 4);
        Some((peer, what))
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The peers nearest to a place that pass a test, nearest first.
    pub(super) fn nearest(
        &self,
        place: &Place,
        count: usize,
        test: impl Fn(&PeerId, &Peer) -> bool,
    ) -> Vec<(Distance, PeerId)> {
        let of = |(peer, it): (&PeerId, &Peer)| (place.distance(&it.place), *peer);
        let mut all: Vec<_> = self.peers.iter().filter(|(peer, it)| test(peer, it)).map(of).collect();
        all.sort_unstable();
        all.truncate(count);
        all
    }
}
