//! A map by peers' names that is looked into with almost every input.
//!
//! Names lie apart from values, in rising order: those of some dozen peers fill two lines of the caches, which are known
//! before anything is looked up, so they can be fetched ahead and are shared by all that is looked up. To add or remove a
//! peer moves the others, which happens far more rarely.
//!
//! What this is not: it is not for more peers than a node has connections.

use crate::PeerName;
use crate::prefetch::prefetch_all;

/// See the module.
#[derive(Debug, Clone)]
pub struct PeerTable<P, V> {
    names: Vec<P>,
    /// At the same places.
    values: Vec<V>,
}

impl<P, V> Default for PeerTable<P, V> {
    fn default() -> Self {
        Self { names: Vec::new(), values: Vec::new() }
    }
}

impl<P: PeerName, V> PeerTable<P, V> {
    /// How many peers.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no peer.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// What there is of a peer.
    pub fn get(&self, peer: &P) -> Option<&V> {
        Some(&self.values[self.place(peer).ok()?])
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, peer: &P) -> Option<&mut V> {
        let place = self.place(peer).ok()?;
        Some(&mut self.values[place])
    }

    /// The same; what there is of a peer that is new is the default.
    pub fn entry(&mut self, peer: P) -> &mut V
    where
        V: Default,
    {
        let place = self.place(&peer).unwrap_or_else(|place| {
            self.names.insert(place, peer);
            self.values.insert(place, V::default());
            place
        });
        &mut self.values[place]
    }

    /// Adds a peer, or replaces what there was of it.
    pub fn insert(&mut self, peer: P, value: V) {
        match self.place(&peer) {
            Ok(place) => self.values[place] = value,
            Err(place) => {
                self.names.insert(place, peer);
                self.values.insert(place, value);
            }
        }
    }

    /// Forgets a peer; returns what there was of it.
    pub fn remove(&mut self, peer: &P) -> Option<V> {
        let place = self.place(peer).ok()?;
        self.names.remove(place);
        Some(self.values.remove(place))
    }

    /// Has the caches fetch all of it.
    pub fn prefetch(&self) {
        prefetch_all(&self.names);
        prefetch_all(&self.values);
    }

    fn place(&self, peer: &P) -> Result<usize, usize> {
        self.names.binary_search(peer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a map of the standard library.
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0u8..3, 0u32..8, any::<u16>()), 0..100)) {
            let (mut table, mut map) = (PeerTable::default(), BTreeMap::new());
            for (what, peer, value) in steps {
                match what {
                    0 => {
                        table.insert(peer, value);
                        map.insert(peer, value);
                    }
                    1 => *table.entry(peer) = *map.entry(peer).and_modify(|it: &mut u16| *it /= 2).or_default(),
                    _ => prop_assert_eq!(table.remove(&peer), map.remove(&peer)),
                }
                prop_assert!((0..8).all(|peer| table.get(&peer) == map.get(&peer)));
                prop_assert!((0..8).all(|peer| table.get_mut(&peer).copied() == map.get(&peer).copied()));
                prop_assert_eq!((table.len(), table.is_empty()), (map.len(), map.is_empty()));
            }
        }
    }
}
