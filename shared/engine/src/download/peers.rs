//! The peers of a download, each with an index.
//!
//! What always holds: a peer keeps its index while it is known. A free index is used again for another peer, so an
//! index must be forgotten when its peer goes. Iteration is in the order of the indices, which follows from the inputs
//! alone.

use std::ops::{Index, IndexMut};

use prefetch_index::prefetch_index;

use super::peer::Peer;
use crate::{PeerName, PeerTable};

/// A peer's place in the table of peers. Cheaper to look up than a name, which matters because every piece of news is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PeerIndex(u32);

/// All peers of a download.
#[derive(Debug)]
pub(super) struct Peers<P> {
    entries: Vec<Option<Peer<P>>>,
    free: Vec<PeerIndex>,
    by_name: PeerTable<P, PeerIndex>,
    /// Indices in use, to draw from at random.
    taken: Vec<PeerIndex>,
}

impl<P> Default for Peers<P> {
    fn default() -> Self {
        Self { entries: Vec::new(), free: Vec::new(), by_name: PeerTable::default(), taken: Vec::new() }
    }
}

impl<P: PeerName> Peers<P> {
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// The index of a peer.
    pub(super) fn index_of(&self, id: &P) -> Option<PeerIndex> {
        self.by_name.get(id).copied()
    }

    /// Has the caches fetch the beginning of what is known of a peer.
    pub(super) fn prefetch(&self, index: PeerIndex) {
        prefetch_index(&self.entries, index.0 as usize);
    }

    /// Has the caches fetch where each peer is.
    pub(super) fn prefetch_names(&self) {
        self.by_name.prefetch();
    }

    /// Has the caches fetch the beginning of what is known of all: one of them is chosen soon.
    pub(super) fn prefetch_all(&self) {
        self.taken.iter().for_each(|index| self.prefetch(*index));
    }

    /// Adds a peer that is not known yet.
    pub(super) fn insert(&mut self, peer: Peer<P>) -> PeerIndex {
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            PeerIndex(self.entries.len() as u32 - 1)
        });
        self.by_name.insert(peer.id, index);
        self.taken.push(index);
        self.entries[index.0 as usize] = Some(peer);
        index
    }

    /// Forgets a peer.
    pub(super) fn remove(&mut self, index: PeerIndex) -> Option<Peer<P>> {
        let gone = self.entries.get_mut(index.0 as usize)?.take()?;
        self.by_name.remove(&gone.id);
        self.taken.retain(|other| *other != index);
        self.free.push(index);
        Some(gone)
    }

    pub(super) fn get(&self, index: PeerIndex) -> Option<&Peer<P>> {
        self.entries.get(index.0 as usize)?.as_ref()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerIndex, &Peer<P>)> {
        (0..).map(PeerIndex).zip(&self.entries).filter_map(|(index, peer)| Some((index, peer.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (PeerIndex, &mut Peer<P>)> {
        (0..).map(PeerIndex).zip(&mut self.entries).filter_map(|(index, peer)| Some((index, peer.as_mut()?)))
    }

    /// All of them.
    pub(super) fn values(&self) -> impl Iterator<Item = &Peer<P>> {
        self.entries.iter().flatten()
    }

    /// All of them, beginning with the `first`th.
    pub(super) fn from(&self, first: usize) -> impl Iterator<Item = (PeerIndex, &Peer<P>)> {
        let (before, after) = self.taken.split_at(first.min(self.taken.len()));
        after.iter().chain(before).map(|index| (*index, &self[*index]))
    }
}

impl<P> Index<PeerIndex> for Peers<P> {
    type Output = Peer<P>;

    fn index(&self, index: PeerIndex) -> &Peer<P> {
        self.entries[index.0 as usize].as_ref().expect("indices are forgotten when their peer goes")
    }
}

impl<P> IndexMut<PeerIndex> for Peers<P> {
    fn index_mut(&mut self, index: PeerIndex) -> &mut Peer<P> {
        self.entries[index.0 as usize].as_mut().expect("indices are forgotten when their peer goes")
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
        fn a_peer_is_found_until_it_goes(steps in prop::collection::vec((any::<bool>(), 0usize..6), 0..60)) {
            let mut peers = Peers::default();
            let mut known = std::collections::BTreeSet::new();
            for (comes, n) in steps {
                match peers.index_of(&peer(n)) {
                    None if comes => {
                        peers.insert(Peer::new(peer(n), Duration::ZERO, 1, Duration::ZERO));
                        known.insert(peer(n));
                    }
                    Some(index) if !comes => {
                        prop_assert_eq!(peers.remove(index).map(|p| p.id), Some(peer(n)));
                        known.remove(&peer(n));
                    }
                    index => prop_assert_eq!(index.is_some(), known.contains(&peer(n))),
                }
                prop_assert!(known.iter().all(|id| peers.index_of(id).is_some_and(|index| peers[index].id == *id)));
                let from: std::collections::BTreeSet<_> = peers.from(n).map(|(_, p)| p.id).collect();
                let all: std::collections::BTreeSet<_> = peers.iter().map(|(_, p)| p.id).collect();
                prop_assert_eq!((&from, &all, peers.len()), (&known, &known, known.len()));
                prop_assert!(peers.entries.len() <= 6, "free indices are used again");
            }
        }
    }
}
