//! Changes that wait to be written. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::{MAX_KEY, MAX_VALUE, StoreChange, Table};

/// The most bytes that wait: rows of some 100 000 registrations.
pub const MAX_PENDING: usize = 64 << 20;
/// What a waiting change takes beside its key and value, roughly.
const OVERHEAD: usize = 96;

type Key = (Table, Vec<u8>);
/// When the row ends, and its value; `None` removes the row.
type Value = Option<(u64, Vec<u8>)>;
/// A row's table, its key, and its new value.
type RowChange<'a> = (Table, &'a [u8], Option<(u64, &'a [u8])>);

/// A batch. Prefixes are removed first, then rows are written: what came after the removal of a prefix stays.
#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: BTreeMap<Key, Value>,
    prefixes: BTreeSet<Key>,
    bytes: usize,
}

impl Pending {
    /// Takes a change in; `false` if it is too large or there is no room.
    pub(super) fn add(&mut self, change: StoreChange) -> bool {
        match change {
            StoreChange::Put { table, key, value, expires } => self.put((table, key), Some((expires, value))),
            StoreChange::Remove { table, key } => self.put((table, key), None),
            StoreChange::RemovePrefix { table, prefix } => self.remove_prefix((table, prefix)),
        }
    }

    /// Puts back changes that could not be written, older than those that came since. Returns how many of the later ones
    /// found no room.
    pub(super) fn put_back(&mut self, older: Self) -> u64 {
        let newer = std::mem::replace(self, older);
        let prefixes = newer.prefixes.into_iter().map(|prefix| self.remove_prefix(prefix));
        let dropped = prefixes.filter(|added| !added).count();
        let rows = newer.rows.into_iter().map(|(key, value)| self.put(key, value));
        (dropped + rows.filter(|added| !added).count()) as u64
    }

    /// The removals that come first: of all rows of a table whose key begins so.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = (Table, &[u8])> {
        self.prefixes.iter().map(|(table, prefix)| (*table, prefix.as_slice()))
    }

    /// The rows to write after that, by table and key.
    pub(super) fn rows(&self) -> impl Iterator<Item = RowChange<'_>> {
        self.rows.iter().map(|((table, key), new)| (*table, key.as_slice(), borrowed(new)))
    }

    /// How many changes wait.
    pub(super) fn len(&self) -> usize {
        self.rows.len() + self.prefixes.len()
    }

    /// What they take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn put(&mut self, key: Key, value: Value) -> bool {
        let new = size(&key, &value);
        let old = self.rows.get(&key).map_or(0, |old| size(&key, old));
        let fits = key.1.len() <= MAX_KEY && value.as_ref().is_none_or(|(_, value)| value.len() <= MAX_VALUE);
        if !fits || self.bytes - old + new > MAX_PENDING {
            return false;
        }
        self.bytes = self.bytes - old + new;
        self.rows.insert(key, value);
        true
    }

    fn remove_prefix(&mut self, prefix: Key) -> bool {
        let covered = |key: &Key| key.0 == prefix.0 && key.1.starts_with(&prefix.1);
        let doomed: Vec<Key> =
            self.rows.range(prefix.clone()..).map(|(key, _)| key.clone()).take_while(covered).collect();
        for key in doomed {
            let old = self.rows.remove(&key);
            self.bytes -= old.map_or(0, |old| size(&key, &old));
        }
        let new = size(&prefix, &None);
        if self.prefixes.contains(&prefix) {
            return true;
        }
        if prefix.1.len() > MAX_KEY || self.bytes + new > MAX_PENDING {
            return false;
        }
        self.bytes += new;
        self.prefixes.insert(prefix)
    }
}

fn borrowed(value: &Value) -> Option<(u64, &[u8])> {
    value.as_ref().map(|(expires, value)| (*expires, value.as_slice()))
}

fn size(key: &Key, value: &Value) -> usize {
    OVERHEAD + key.1.len() + value.as_ref().map_or(0, |(_, value)| value.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn put(key: &[u8], value: &[u8]) -> StoreChange {
        StoreChange::Put { table: Table::Payloads, key: key.to_vec(), value: value.to_vec(), expires: 9 }
    }

    /// What a table becomes that had `before` in it, written the slow and obvious way.
    fn written(before: &BTreeMap<Vec<u8>, Vec<u8>>, pending: &Pending) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut after = before.clone();
        for (_, prefix) in pending.prefixes() {
            after.retain(|key, _| !key.starts_with(prefix));
        }
        for (_, key, value) in pending.rows() {
            match value {
                Some((_, value)) => after.insert(key.to_vec(), value.to_vec()),
                None => after.remove(key),
            };
        }
        after
    }

    fn one_by_one(table: &mut BTreeMap<Vec<u8>, Vec<u8>>, change: &StoreChange) {
        match change {
            StoreChange::Put { key, value, .. } => drop(table.insert(key.clone(), value.clone())),
            StoreChange::Remove { key, .. } => drop(table.remove(key)),
            StoreChange::RemovePrefix { prefix, .. } => table.retain(|key, _| !key.starts_with(prefix)),
        }
    }

    fn changes() -> impl Strategy<Value = Vec<StoreChange>> {
        let key = || prop::collection::vec(0u8..3, 1..4);
        let change = prop_oneof![
            3 => (key(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(key, value)| put(&key, &value)),
            1 => key().prop_map(|key| StoreChange::Remove { table: Table::Payloads, key }),
            1 => prop::collection::vec(0u8..3, 0..3)
                .prop_map(|prefix| StoreChange::RemovePrefix { table: Table::Payloads, prefix }),
        ];
        prop::collection::vec(change, 0..30)
    }

    proptest! {
        #[test]
        fn a_batch_does_what_its_changes_do_one_by_one(
            before in changes(), first in changes(), second in changes(), failed: bool
        ) {
            let mut table = BTreeMap::new();
            before.iter().for_each(|change| one_by_one(&mut table, change));
            let mut expected = table.clone();
            first.iter().chain(&second).for_each(|change| one_by_one(&mut expected, change));
            let (mut older, mut newer) = (Pending::default(), Pending::default());
            first.into_iter().for_each(|change| assert!(older.add(change)));
            second.into_iter().for_each(|change| assert!(newer.add(change)));
            if failed {
                prop_assert_eq!(newer.put_back(older), 0);
                prop_assert_eq!(written(&table, &newer), expected);
                let bytes: usize = newer.rows.iter().map(|(key, value)| size(key, value)).sum();
                let prefixes: usize = newer.prefixes.iter().map(|prefix| size(prefix, &None)).sum();
                prop_assert_eq!(newer.bytes(), bytes + prefixes);
            } else {
                prop_assert_eq!(written(&written(&table, &older), &newer), expected);
            }
        }
    }

    #[test]
    fn renewals_take_no_more_room() {
        let mut pending = Pending::default();
        assert!(pending.add(put(b"a", &[1; 100])));
        let bytes = pending.bytes();
        for n in 0..1000_u32 {
            assert!(pending.add(put(b"a", &[n as u8; 100])));
        }
        assert_eq!((pending.len(), pending.bytes()), (1, bytes));
    }

    #[test]
    fn when_full_only_what_replaces_fits() {
        let mut pending = Pending::default();
        let mut n = 0_u32;
        while pending.add(put(&n.to_be_bytes(), &[0; MAX_VALUE])) {
            n += 1;
        }
        assert!(pending.bytes() <= MAX_PENDING && n > 500);
        assert!(pending.add(put(&0_u32.to_be_bytes(), &[1; MAX_VALUE])));
        assert!(pending.add(StoreChange::RemovePrefix { table: Table::Payloads, prefix: vec![] }));
        assert_eq!(pending.len(), 1);
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let mut pending = Pending::default();
        assert!(!pending.add(put(&[0; MAX_KEY + 1], b"")));
        assert!(!pending.add(put(b"a", &[0; MAX_VALUE + 1])));
        assert_eq!(pending.len(), 0);
    }
}
