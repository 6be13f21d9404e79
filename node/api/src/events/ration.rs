//! How often each content is told of: what changes more often is told together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

/// How long after one line the next one about the same content may come.
pub(crate) const INTERVAL: Duration = Duration::from_millis(250);

/// Which contents changed, and when each may be told of. Times are those since some moment.
#[derive(Debug)]
pub(crate) struct Ration<K> {
    /// When each was told of last, if that is less than the interval ago, and whether it has changed since.
    known: BTreeMap<K, Note>,
}

#[derive(Debug, Clone, Copy)]
struct Note {
    told: Option<Duration>,
    changed: bool,
}

impl<K> Default for Ration<K> {
    fn default() -> Self {
        Self { known: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Ration<K> {
    /// Something changed.
    pub(crate) fn changed(&mut self, key: K) {
        match self.known.entry(key) {
            Entry::Vacant(entry) => drop(entry.insert(Note { told: None, changed: true })),
            Entry::Occupied(mut entry) => entry.get_mut().changed = true,
        }
    }

    /// Takes what may be told now; it counts as told.
    pub(crate) fn take(&mut self, now: Duration) -> Vec<K> {
        let due = |note: &Note| note.told.is_none_or(|told| now.saturating_sub(told) >= INTERVAL);
        // What was told long ago and did not change needs no note.
        self.known.retain(|_, note| note.changed || !due(note));
        let mut taken = vec![];
        for (key, note) in &mut self.known {
            if note.changed && due(note) {
                *note = Note { told: Some(now), changed: false };
                taken.push(*key);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_change_is_told_at_once_and_many_are_told_together() {
        let mut ration = Ration::default();
        ration.changed(1);
        assert_eq!(ration.take(Duration::ZERO), [1]);
        let told = (1..=1000_u32)
            .filter(|ms| {
                ration.changed(1);
                !ration.take(*ms * MS).is_empty()
            })
            .count();
        assert_eq!(told, 4);
    }

    #[test]
    fn the_last_change_is_told_in_the_end() {
        let mut ration = Ration::default();
        ration.changed(1);
        ration.take(Duration::ZERO);
        ration.changed(1);
        assert_eq!(ration.take(249 * MS), [0; 0]);
        assert_eq!(ration.take(250 * MS), [1]);
        assert_eq!(ration.take(1000 * MS), [0; 0]);
    }

    #[test]
    fn one_that_changes_often_keeps_no_other_back_and_nothing_is_kept_for_ever() {
        let mut ration = Ration::default();
        (0..1000).for_each(|key| ration.changed(key));
        assert_eq!(ration.take(Duration::ZERO).len(), 1000);
        ration.changed(7);
        ration.changed(2000);
        assert_eq!(ration.take(MS), [2000]);
        assert_eq!(ration.take(500 * MS), [7]);
        assert_eq!(ration.take(1000 * MS), [0; 0]);
        assert!(ration.known.is_empty());
    }
}
