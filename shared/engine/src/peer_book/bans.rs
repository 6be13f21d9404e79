//! Peers that are never connected to again, as far as the list goes.

use std::collections::{BTreeMap, BTreeSet};

use libp2p_identity::PeerId;

/// A bounded list of bans. Always holds: at most as many as it may have; the oldest goes first.
#[derive(Debug)]
pub(super) struct Bans {
    most: usize,
    /// Bans so far; numbers them.
    count: u64,
    by_age: BTreeMap<u64, PeerId>,
    peers: BTreeSet<PeerId>,
}

impl Bans {
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), count: 0, by_age: BTreeMap::new(), peers: BTreeSet::new() }
    }

    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.contains(peer)
    }

    /// Adds a ban, if it is a new one. Returns the peer whose ban ends in exchange.
    pub(super) fn add(&mut self, peer: PeerId) -> Option<PeerId> {
        if !self.peers.insert(peer) {
            return None;
        }
        self.by_age.insert(self.count, peer);
        self.count += 1;
        if self.peers.len() <= self.most {
            return None;
        }
        let (_, oldest) = self.by_age.pop_first()?;
        self.peers.remove(&oldest);
        Some(oldest)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    #[test]
    fn a_full_list_lets_the_oldest_go() {
        let mut bans = Bans::new(2);
        assert_eq!(bans.add(peer(1)), None);
        assert_eq!(bans.add(peer(2)), None);
        assert_eq!(bans.add(peer(1)), None, "it is banned already");
        assert_eq!(bans.add(peer(3)), Some(peer(1)));
        assert!(!bans.contains(&peer(1)) && bans.contains(&peer(2)) && bans.contains(&peer(3)));
    }
}
