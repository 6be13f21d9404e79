//! The stamp that is recorded of each file of a content.
//!
//! A download has one stamp for all files that only we write to, and knows none of the others until they are served. So
//! there is a bit for each file, and room for stamps of their own only once a file has one: with a million files that is
//! 48 MB.

use fixedbitset::FixedBitSet;
use shoal_content::FileIndex;

use crate::stamp::Stamp;

/// See the module.
#[derive(Debug)]
pub(crate) struct RecordedStamps {
    /// Files whose stamp is [`Stamp::OURS`].
    ours: FixedBitSet,
    /// The stamps of the others; empty as long as none is known.
    others: Vec<Option<Stamp>>,
}

impl RecordedStamps {
    /// No stamp of so many files is known.
    pub(crate) fn none(files: usize) -> Self {
        Self { ours: FixedBitSet::with_capacity(files), others: Vec::new() }
    }

    /// The stamp of a file, if it is known.
    pub(crate) fn get(&self, file: FileIndex) -> Option<Stamp> {
        let file = file as usize;
        if self.ours.contains(file) { Some(Stamp::OURS) } else { self.others.get(file).copied().flatten() }
    }

    /// Records the stamp of a file, or that it is not known.
    pub(crate) fn set(&mut self, file: FileIndex, stamp: Option<Stamp>) {
        let file = file as usize;
        let is_ours = stamp == Some(Stamp::OURS);
        self.ours.set(file, is_ours);
        let other = stamp.filter(|_| !is_ours);
        if other.is_some() && self.others.is_empty() {
            self.others = vec![None; self.ours.len()];
        }
        if let Some(recorded) = self.others.get_mut(file) {
            *recorded = other;
        }
    }

    /// Records the stamp of each file.
    pub(crate) fn set_each(&mut self, stamp: impl Fn(FileIndex) -> Option<Stamp>) {
        *self = Self::none(self.ours.len());
        (0..self.ours.len() as FileIndex).for_each(|file| self.set(file, stamp(file)));
    }

    /// The stamps of all files, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<Stamp>> {
        (0..self.ours.len() as FileIndex).map(|file| self.get(file))
    }
}

impl From<Vec<Option<Stamp>>> for RecordedStamps {
    /// Takes a stamp for each file, without a copy.
    fn from(others: Vec<Option<Stamp>>) -> Self {
        Self { ours: FixedBitSet::with_capacity(others.len()), others }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILES: u32 = 5;

    proptest! {
        /// Against a plain list.
        #[test]
        fn each_file_has_the_stamp_that_was_recorded_last(
            steps in prop::collection::vec((0..FILES, 0i64..4), 0..40),
            listed in any::<bool>(),
        ) {
            let stamp = |kind: i64| match kind {
                0 => None,
                1 => Some(Stamp::OURS),
                other => Some(Stamp::OURS.changed_at(other)),
            };
            let mut plain = vec![None; FILES as usize];
            let mut recorded = if listed { plain.clone().into() } else { RecordedStamps::none(plain.len()) };
            for (file, kind) in steps {
                plain[file as usize] = stamp(kind);
                recorded.set(file, stamp(kind));
                prop_assert_eq!(recorded.iter().collect::<Vec<_>>(), plain.clone());
            }
            recorded.set_each(|file| stamp(file.into()));
            prop_assert_eq!(recorded.iter().collect::<Vec<_>>(), (0..i64::from(FILES)).map(stamp).collect::<Vec<_>>());
        }
    }

    #[test]
    fn files_that_only_we_write_to_take_no_room() {
        let mut recorded = RecordedStamps::none(1000);
        recorded.set_each(|file| (file % 2 == 0).then_some(Stamp::OURS));
        assert!(recorded.others.is_empty());
        assert_eq!((recorded.get(2), recorded.get(3)), (Some(Stamp::OURS), None));
    }
}
