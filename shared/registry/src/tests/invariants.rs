//! What must be true of the table after every call.

use std::collections::{BTreeMap, BTreeSet};

use crate::Registry;

/// Checks that all indexes tell the same as the entries, and hold nothing else.
pub(super) fn check(registry: &Registry) {
    let entries: BTreeMap<_, _> = registry.entries.iter().collect();
    let expiries: BTreeSet<_> = entries.iter().map(|(key, entry)| (entry.expires, *key)).collect();
    assert_eq!(registry.expiries, expiries);
    let mut prefixes = BTreeMap::new();
    entries.values().flat_map(|e| &e.prefixes).for_each(|p| *prefixes.entry(*p).or_insert(0) += 1);
    assert_eq!(registry.prefixes.counts(), &prefixes);
    for (key, entry) in &entries {
        let swarm = &registry.namespaces[entry.namespace];
        assert_eq!(swarm.member_at(entry.role, entry.seat), Some(*key));
        assert_eq!(swarm.since(entry.number - 1).next(), Some((entry.number, *key)));
        let peer = registry.peers.name(entry.peer);
        assert_eq!(registry.find(peer, registry.namespaces.name(entry.namespace)), Some(*key));
        assert!(entry.number <= registry.last_number);
    }
    let namespaces: BTreeSet<_> = entries.values().map(|entry| entry.namespace).collect();
    assert_eq!((registry.len(), registry.is_empty()), (entries.len(), entries.is_empty()));
    assert_eq!(registry.namespaces(), namespaces.len());
    let members = |key: &u32| {
        let swarm = &registry.namespaces[*key];
        assert_eq!(swarm.counts().total(), swarm.len());
        swarm.len()
    };
    assert_eq!(namespaces.iter().map(members).sum::<usize>(), entries.len());
    check_peers(registry);
}

fn check_peers(registry: &Registry) {
    let keys: BTreeSet<_> = registry.entries.iter().map(|(_, entry)| entry.peer).collect();
    assert_eq!(registry.peers(), keys.len());
    assert_eq!((registry.everyone.len(), registry.everyone.counts().unknown), (keys.len(), keys.len()));
    let mut entries = 0;
    for key in keys {
        let peer = &registry.peers[key];
        entries += peer.entries.len();
        assert!(peer.entries.is_sorted());
        assert!(peer.entries.iter().any(|(_, entry)| *entry == peer.latest));
        assert_eq!(registry.everyone.member_at(Default::default(), peer.seat), Some(key));
        assert_eq!(registry.everyone.since(peer.number - 1).next(), Some((peer.number, key)));
    }
    assert_eq!(entries, registry.entries.len());
}

/// Everything that memory is proportional to.
pub(super) fn footprint(registry: &Registry) -> Vec<usize> {
    vec![
        registry.entries.capacity(),
        registry.peers.capacity(),
        registry.namespaces.capacity(),
        registry.expiries.len(),
        registry.prefixes.counts().len(),
        registry.everyone.len(),
        registry.report_limits.reporters.len(),
        registry.report_limits.probed.len(),
    ]
}
