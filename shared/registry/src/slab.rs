//! Things under small numbers, and things under names.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::{Bound, Index, IndexMut};

/// Values under `u32` keys that stay the same while the value is there and are used again later.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { slots: vec![], free: vec![] }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The key that the next value will have.
    fn next_key(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.slots.len() as u32)
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        let key = self.next_key();
        match self.free.pop() {
            Some(key) => self.slots[key as usize] = Some(value),
            None => self.slots.push(Some(value)),
        }
        key
    }

    pub(super) fn remove(&mut self, key: u32) -> Option<T> {
        let value = self.slots.get_mut(key as usize)?.take()?;
        self.free.push(key);
        Some(value)
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().enumerate().filter_map(|(key, value)| Some((key as u32, value.as_ref()?)))
    }

    /// Slots, used or free: what the memory is proportional to.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, key: u32) -> &T {
        self.slots[key as usize].as_ref().expect("keys within the table are of values that are there")
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, key: u32) -> &mut T {
        self.slots[key as usize].as_mut().expect("keys within the table are of values that are there")
    }
}

/// Values that are found by name and have a short key too.
#[derive(Debug)]
pub(super) struct Named<N, T> {
    keys: BTreeMap<N, u32>,
    values: Slab<(N, T)>,
}

impl<N: Ord + Clone, T> Named<N, T> {
    pub(super) const fn new() -> Self {
        Self { keys: BTreeMap::new(), values: Slab::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn key<Q: Ord + ?Sized>(&self, name: &Q) -> Option<u32>
    where
        N: Borrow<Q>,
    {
        self.keys.get(name).copied()
    }

    /// Names behind `name` (from the first one without) in their order, with their keys.
    pub(super) fn after(&self, name: Option<&N>) -> impl Iterator<Item = (&N, u32)> {
        let start = name.map_or(Bound::Unbounded, Bound::Excluded);
        self.keys.range((start, Bound::Unbounded)).map(|(name, key)| (name, *key))
    }

    pub(super) fn name(&self, key: u32) -> &N {
        &self.values[key].0
    }

    /// Adds a value; the name must not be there yet.
    pub(super) fn insert(&mut self, name: N, value: T) -> u32 {
        let key = self.values.insert((name.clone(), value));
        let old = self.keys.insert(name, key);
        debug_assert!(old.is_none());
        key
    }

    pub(super) fn remove(&mut self, key: u32) -> Option<T> {
        let (name, value) = self.values.remove(key)?;
        self.keys.remove(&name);
        Some(value)
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.values.capacity()
    }
}

impl<N, T> Index<u32> for Named<N, T> {
    type Output = T;

    fn index(&self, key: u32) -> &T {
        &self.values[key].1
    }
}

impl<N, T> IndexMut<u32> for Named<N, T> {
    fn index_mut(&mut self, key: u32) -> &mut T {
        &mut self.values[key].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_used_again() {
        let mut slab = Slab::new();
        assert_eq!([slab.insert('a'), slab.insert('b'), slab.insert('c')], [0, 1, 2]);
        assert_eq!(slab.remove(1), Some('b'));
        assert_eq!(slab.remove(1), None);
        assert_eq!(slab.len(), 2);
        assert_eq!(slab.insert('d'), 1);
        assert_eq!(slab.iter().collect::<Vec<_>>(), [(0, &'a'), (1, &'d'), (2, &'c')]);
        assert_eq!(slab.capacity(), 3);
    }

    #[test]
    fn a_removed_name_is_unknown() {
        let mut named: Named<String, u8> = Named::new();
        let key = named.insert("a".to_owned(), 1);
        assert_eq!((named.key("a"), named.name(key).as_str(), named[key]), (Some(key), "a", 1));
        assert_eq!(named.remove(key), Some(1));
        assert_eq!((named.key("a"), named.len()), (None, 0));
    }
}
