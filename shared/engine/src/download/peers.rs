//! The peers of a download, each in a seat.
//!
//! What always holds: a peer keeps its seat while it is known; a seat that became free is given to another peer, so
//! whoever remembers seats forgets them when a peer goes. Iteration is in the order of the seats, which follows
//! from the inputs alone.

use std::ops::{Index, IndexMut};

use super::peer::Peer;
use crate::{PeerMap, PeerName};

/// A peer's place in the table. Cheaper to look up than a name, which matters because every piece of news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat(u32);

/// All peers of a download.
#[derive(Debug)]
pub(super) struct Peers<P> {
    seats: Vec<Option<Peer<P>>>,
    free: Vec<Seat>,
    by_name: PeerMap<P, Seat>,
    /// Seats in use, to draw from at random.
    taken: Vec<Seat>,
}

impl<P> Default for Peers<P> {
    fn default() -> Self {
        Self { seats: Vec::new(), free: Vec::new(), by_name: PeerMap::default(), taken: Vec::new() }
    }
}

impl<P: PeerName> Peers<P> {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// Where a peer sits.
    pub(super) fn seat(&self, id: &P) -> Option<Seat> {
        self.by_name.get(id).copied()
    }

    /// Seats a peer that is not known yet.
    pub(super) fn insert(&mut self, peer: Peer<P>) -> Seat {
        let seat = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            Seat(self.seats.len() as u32 - 1)
        });
        self.by_name.insert(peer.id, seat);
        self.taken.push(seat);
        self.seats[seat.0 as usize] = Some(peer);
        seat
    }

    /// Forgets a peer.
    pub(super) fn remove(&mut self, seat: Seat) -> Option<Peer<P>> {
        let gone = self.seats.get_mut(seat.0 as usize)?.take()?;
        self.by_name.remove(&gone.id);
        self.taken.retain(|other| *other != seat);
        self.free.push(seat);
        Some(gone)
    }

    pub(super) fn get(&self, seat: Seat) -> Option<&Peer<P>> {
        self.seats.get(seat.0 as usize)?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Seat, &Peer<P>)> {
        (0..).map(Seat).zip(&self.seats).filter_map(|(seat, peer)| Some((seat, peer.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Seat, &mut Peer<P>)> {
        (0..).map(Seat).zip(&mut self.seats).filter_map(|(seat, peer)| Some((seat, peer.as_mut()?)))
    }

    /// All of them.
    pub(super) fn values(&self) -> impl Iterator<Item = &Peer<P>> {
        self.seats.iter().flatten()
    }

    /// All of them, beginning with the `first`th.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = (Seat, &Peer<P>)> {
        let (before, after) = self.taken.split_at(first.min(self.taken.len()));
        after.iter().chain(before).map(|seat| (*seat, &self[*seat]))
    }
}

impl<P> Index<Seat> for Peers<P> {
    type Output = Peer<P>;

    fn index(&self, seat: Seat) -> &Peer<P> {
        self.seats[seat.0 as usize].as_ref().expect("seats that are remembered are taken")
    }
}

impl<P> IndexMut<Seat> for Peers<P> {
    fn index_mut(&mut self, seat: Seat) -> &mut Peer<P> {
        self.seats[seat.0 as usize].as_mut().expect("seats that are remembered are taken")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::peer;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn who_comes_is_found_until_it_goes(steps in prop::collection::vec((any::<bool>(), 0usize..6), 0..60)) {
            let mut peers = Peers::default();
            let mut known = std::collections::BTreeSet::new();
            for (comes, n) in steps {
                match peers.seat(&peer(n)) {
                    None if comes => {
                        peers.insert(Peer::new(peer(n), Duration::ZERO, 1, Duration::ZERO));
                        known.insert(peer(n));
                    }
                    Some(seat) if !comes => {
                        prop_assert_eq!(peers.remove(seat).map(|p| p.id), Some(peer(n)));
                        known.remove(&peer(n));
                    }
                    seat => prop_assert_eq!(seat.is_some(), known.contains(&peer(n))),
                }
                prop_assert!(known.iter().all(|id| peers.seat(id).is_some_and(|seat| peers[seat].id == *id)));
                let from: std::collections::BTreeSet<_> = peers.from(n).map(|(_, p)| p.id).collect();
                let all: std::collections::BTreeSet<_> = peers.iter().map(|(_, p)| p.id).collect();
                prop_assert_eq!((&from, &all, peers.len()), (&known, &known, known.len()));
                prop_assert!(peers.seats.len() <= 6, "free seats are used again");
            }
        }
    }
}
