//! How many registrations came from each address prefix.

use std::collections::BTreeMap;

use shoal_addresses::Prefix;

/// Counts per prefix; what has none is not kept.
#[derive(Debug, Default)]
pub(super) struct PrefixCounts(BTreeMap<Prefix, usize>);

impl PrefixCounts {
    /// Whether each of the prefixes has less than `most`.
    pub(super) fn have_room(&self, prefixes: &[Prefix], most: usize) -> bool {
        prefixes.iter().all(|prefix| self.0.get(prefix).copied().unwrap_or(0) < most)
    }

    pub(super) fn add(&mut self, prefixes: &[Prefix]) {
        prefixes.iter().for_each(|prefix| *self.0.entry(*prefix).or_default() += 1);
    }

    pub(super) fn subtract(&mut self, prefixes: &[Prefix]) {
        for prefix in prefixes {
            let left = self.0.get_mut(prefix).map(|count| {
                *count -= 1;
                *count
            });
            if left == Some(0) {
                self.0.remove(prefix);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> &BTreeMap<Prefix, usize> {
        &self.0
    }
}
