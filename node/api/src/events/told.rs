//! What was told of each thing last, so that only what differs is told.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Remembers, of each thing, the hash of what was told last.
#[derive(Debug)]
pub(crate) struct Told<K> {
    hashes: BTreeMap<K, u64>,
}

impl<K> Default for Told<K> {
    fn default() -> Self {
        Self { hashes: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Told<K> {
    /// Whether this differs from what was told last; from now on, it counts as told.
    pub(crate) fn differs(&mut self, key: K, now: &impl Hash) -> bool {
        let mut hasher = DefaultHasher::new();
        now.hash(&mut hasher);
        let hash = hasher.finish();
        self.hashes.insert(key, hash) != Some(hash)
    }

    /// Forgets a thing that is gone; `false` if it was not told of.
    pub(crate) fn forget(&mut self, key: K) -> bool {
        self.hashes.remove(&key).is_some()
    }

    /// Forgets, and returns, all things that are not there.
    pub(crate) fn forget_others(&mut self, there: &BTreeSet<K>) -> Vec<K> {
        let gone: Vec<K> = self.hashes.keys().filter(|key| !there.contains(key)).copied().collect();
        self.hashes.retain(|key, _| there.contains(key));
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let mut told = Told::default();
        assert!(told.differs(1, &"a"));
        assert!(!told.differs(1, &"a"));
        assert!(told.differs(1, &"b"));
        assert!(told.differs(1, &"a"), "back again differs from what was told last");
        assert!(told.differs(2, &"a"));
    }

    #[test]
    fn what_is_gone_is_told_once() {
        let mut told = Told::default();
        (0..5).for_each(|key| assert!(told.differs(key, &key)));
        assert!(told.forget(0) && !told.forget(0));
        assert_eq!(told.forget_others(&BTreeSet::from([1, 3])), [2, 4]);
        assert_eq!(told.forget_others(&BTreeSet::from([1, 3])), [0; 0]);
        assert!(told.differs(2, &2), "and is new when it comes again");
    }
}
