//! When something that keeps changing is looked at: after it was quiet for some time, and at the latest after a longer
//! one.
//!
//! What this is not: a clock. It is told the time, as the time since any moment.

use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug)]
struct Open {
    first: Duration,
    last: Duration,
}

/// Collects changes by key.
#[derive(Debug)]
pub(crate) struct Debounce<K> {
    quiet: Duration,
    most: Duration,
    open: BTreeMap<K, Open>,
}

impl<K: Ord + Clone> Debounce<K> {
    /// A key is due once it was quiet for `quiet`, and at the latest `most` after its first change.
    pub(crate) fn new(quiet: Duration, most: Duration) -> Self {
        Self { quiet, most, open: BTreeMap::new() }
    }

    /// Something of a key has changed.
    pub(crate) fn touch(&mut self, now: Duration, key: K) {
        self.open.entry(key).or_insert(Open { first: now, last: now }).last = now;
    }

    /// The keys that are due; each change makes its key due once.
    pub(crate) fn due(&mut self, now: Duration) -> Vec<K> {
        let (quiet, most) = (self.quiet, self.most);
        let is_due = |open: &Open| due_at(open, quiet, most) <= now;
        let due: Vec<K> =
            self.open.iter().filter(|(_, open)| is_due(open)).map(|(key, _)| key.clone()).collect();
        self.open.retain(|_, open| !is_due(open));
        due
    }

    /// When the next key is due, if nothing more changes.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.open.values().map(|open| due_at(open, self.quiet, self.most)).min()
    }
}

fn due_at(open: &Open, quiet: Duration, most: Duration) -> Duration {
    (open.last + quiet).min(open.first + most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn debounce() -> Debounce<&'static str> {
        Debounce::new(secs(2), secs(30))
    }

    #[test]
    fn it_waits_for_quiet() {
        let mut debounce = debounce();
        assert_eq!(debounce.next(), None);
        debounce.touch(secs(10), "a");
        debounce.touch(secs(11), "a");
        debounce.touch(secs(12), "b");
        assert_eq!(debounce.next(), Some(secs(13)));
        assert!(debounce.due(Duration::from_millis(12_999)).is_empty());
        assert_eq!(debounce.due(secs(13)), ["a"]);
        assert!(debounce.due(secs(13)).is_empty(), "once for each change");
        assert_eq!(debounce.due(secs(14)), ["b"]);
        assert_eq!(debounce.next(), None);
    }

    #[test]
    fn what_never_rests_is_looked_at_all_the_same() {
        let mut debounce = debounce();
        let mut looked = vec![];
        for now in 0..100 {
            debounce.touch(secs(now), "a");
            looked.extend(debounce.due(secs(now)).iter().map(|_| now));
        }
        assert_eq!(looked, [30, 61, 92]);
    }
}
