//! All registered peers, whatever their namespaces: each once, with its newest record.

use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;

use super::Registry;

/// A peer that is registered somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerListing {
    /// The peer.
    pub peer: PeerId,
    /// The signed record that it registered or renewed with last.
    pub record: Arc<[u8]>,
    /// When that was.
    pub seen: Duration,
}

impl Registry {
    /// At most `limit` peers in random order: all, if they are no more, else a random sample. Costs
    /// O(answer · log n).
    pub fn sample_peers(&mut self, now: Duration, limit: usize) -> Vec<PeerListing> {
        self.expire(now);
        let keys = self.everyone.sample(limit, None, &mut self.rng);
        keys.into_iter().map(|key| self.peer_listing(key)).collect()
    }

    /// At most `limit` peers in the order of their ids: those behind `after`, or the first ones without. Costs
    /// O(answer + log n).
    pub fn peers_after(&mut self, now: Duration, after: Option<&PeerId>, limit: usize) -> Vec<PeerListing> {
        self.expire(now);
        self.peers.after(after).take(limit).map(|(_, key)| self.peer_listing(key)).collect()
    }

    fn peer_listing(&self, key: u32) -> PeerListing {
        let peer = &self.peers[key];
        let record = self.entries[peer.latest].record.clone();
        PeerListing { peer: *self.peers.name(key), record, seen: peer.seen }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::RegistryLimits;
    use crate::testing::peer;
    use crate::testing::{registration, registry, secs};

    fn ids(listings: &[PeerListing]) -> Vec<PeerId> {
        listings.iter().map(|listing| listing.peer).collect()
    }

    #[test]
    fn a_walk_sees_each_peer_once_however_often_it_is_registered() {
        let mut registry = registry(RegistryLimits::default());
        for n in 0..10 {
            for namespace in ["a", "b", "c"] {
                registry.register(secs(1), registration(n, namespace)).unwrap();
            }
        }
        let mut seen = vec![];
        while let page = registry.peers_after(secs(2), seen.last(), 3)
            && !page.is_empty()
        {
            assert!(page.len() <= 3);
            seen.extend(ids(&page));
        }
        let mut all: Vec<_> = (0..10).map(peer).collect();
        all.sort();
        assert_eq!(seen, all);
        assert!(registry.peers_after(secs(62), None, 3).is_empty(), "the time of all has run out");
    }

    #[test]
    fn few_are_given_whole_and_of_many_another_sample_each_time() {
        let mut registry = registry(RegistryLimits::default());
        (0..5).for_each(|n| assert!(registry.register(secs(1), registration(n, "a")).is_ok()));
        let all: BTreeSet<_> = (0..5).map(peer).collect();
        assert_eq!(ids(&registry.sample_peers(secs(2), 5)).into_iter().collect::<BTreeSet<_>>(), all);
        (5..50).for_each(|n| assert!(registry.register(secs(1), registration(n, "a")).is_ok()));
        let sample = |registry: &mut Registry| {
            let page = registry.sample_peers(secs(2), 5);
            ids(&page).into_iter().collect::<BTreeSet<_>>()
        };
        let (one, other) = (sample(&mut registry), sample(&mut registry));
        assert_eq!((one.len(), other.len()), (5, 5));
        assert_ne!(one, other);
    }

    #[test]
    fn the_newest_record_is_told_and_when_it_came() {
        let mut registry = registry(RegistryLimits::default());
        registry.register(secs(1), registration(1, "a")).unwrap();
        let newer = crate::Registration { record: vec![9; 10].into(), ..registration(1, "b") };
        registry.register(secs(5), newer).unwrap();
        let listing = registry.sample_peers(secs(6), 9).remove(0);
        assert_eq!((listing.record.as_ref(), listing.seen), (&[9; 10][..], secs(5)));
        assert!(registry.is_registered(&peer(1), "b") && !registry.is_registered(&peer(1), "c"));
        registry.unregister(&peer(1), "b");
        assert!(!registry.is_registered(&peer(1), "b"));
    }
}
