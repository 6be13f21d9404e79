//! A content's chunks in the order of their hashes.

use shoal_content::{ChunkEntry, ChunkIndex, Hash};

/// For each chunk the start of its hash, and its number: eight bytes, in rising order. The manifest has the rest.
#[derive(Debug)]
pub(super) struct SortedChunks(Box<[(u32, ChunkIndex)]>);

impl SortedChunks {
    pub(super) fn new(chunks: &[ChunkEntry]) -> Self {
        let mut all: Vec<_> = chunks.iter().map(|chunk| start(&chunk.hash)).zip(0..).collect();
        all.sort_unstable();
        Self(all.into())
    }

    /// The memory that it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// Tells `each` all pairs of chunks, here and in `other`, whose hashes start alike. Long stretches of which the
    /// other has nothing are leapt over.
    pub(super) fn intersect(&self, other: &Self, mut each: impl FnMut(ChunkIndex, ChunkIndex)) {
        let mut at = 0;
        for (start, theirs) in &other.0 {
            at = self.leap(at, *start);
            for (_, ours) in self.0[at..].iter().take_while(|(here, _)| here == start) {
                each(*ours, *theirs);
            }
        }
    }

    /// The first place, at or after `from`, whose hash does not start lower: found by doubling steps, so that near ones
    /// are found at once.
    fn leap(&self, mut from: usize, start: u32) -> usize {
        let mut step = 1;
        while self.0.get(from + step).is_some_and(|(here, _)| *here < start) {
            from += step;
            step *= 2;
        }
        let until = self.0.len().min(from + step + 1);
        from + self.0[from..until].partition_point(|(here, _)| *here < start)
    }
}

fn start(hash: &Hash) -> u32 {
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunks(of: &[u8]) -> Vec<ChunkEntry> {
        of.iter().map(|n| ChunkEntry { hash: Hash::of(&[*n]), length: 1 }).collect()
    }

    proptest! {
        #[test]
        fn all_pairs_are_found(ours: Vec<u8>, theirs: Vec<u8>) {
            let (one, other) = (chunks(&ours), chunks(&theirs));
            let mut found = Vec::new();
            SortedChunks::new(&one).intersect(&SortedChunks::new(&other), |a, b| found.push((a, b)));
            let mut pairs = Vec::new();
            for (a, x) in (0..).zip(&ours) {
                pairs.extend((0..).zip(&theirs).filter(|(_, y)| x == *y).map(|(b, _)| (a, b)));
            }
            found.sort_unstable();
            prop_assert_eq!(found, pairs);
        }
    }
}
