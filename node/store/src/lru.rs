//! A small map that forgets the entry that was used longest ago. Keeps the number of open files bounded.

use std::collections::HashMap;
use std::hash::Hash;

/// At most `room` entries. Forgetting looks at all of them, so `room` should be small.
#[derive(Debug)]
pub(crate) struct Lru<K, V> {
    room: usize,
    clock: u64,
    entries: HashMap<K, (u64, V)>,
}

impl<K: Hash + Eq + Copy, V: Clone> Lru<K, V> {
    /// An empty map for `room` entries, at least 1.
    pub(crate) fn new(room: usize) -> Self {
        Self { room: room.max(1), clock: 0, entries: HashMap::new() }
    }

    /// The value of a key, which is now the one used last.
    pub(crate) fn get(&mut self, key: K) -> Option<V> {
        self.clock += 1;
        let (used, value) = self.entries.get_mut(&key)?;
        *used = self.clock;
        Some(value.clone())
    }

    /// Adds or replaces a value; if there is no room, the one used longest ago goes.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.clock += 1;
        if self.entries.len() >= self.room && !self.entries.contains_key(&key) {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            oldest.map(|key| self.entries.remove(&key));
        }
        self.entries.insert(key, (self.clock, value));
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes() {
        let mut lru = Lru::new(2);
        lru.insert(1, 'a');
        lru.insert(2, 'b');
        assert_eq!(lru.get(1), Some('a'));
        lru.insert(3, 'c');
        assert_eq!((lru.get(1), lru.get(2), lru.get(3)), (Some('a'), None, Some('c')));
        lru.clear();
        assert_eq!(lru.get(3), None);
    }
}
