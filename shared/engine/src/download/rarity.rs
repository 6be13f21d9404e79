//! The chunks still to be asked for, in order of how many peers have them.

use prefetch_index::prefetch_index;
use rand::RngExt;

use crate::SeededRng;
use shoal_content::{ChunkIndex, ChunkSet};

const ABSENT: u32 = u32::MAX;

/// One chunk.
#[derive(Debug, Clone, Copy)]
struct Availability {
    /// Where it stands in the order, or [`ABSENT`].
    place: u32,
    /// How many peers have it.
    count: u16,
}

/// A table of availability with an order: every *open* chunk (wanted, not stored, not asked for) stands
/// in a bucket with the others that as many peers have.
///
/// Always holds: `order` is the open chunks sorted by count; bucket `c` is
/// `order[starts[c]..starts[c + 1]]`; each chunk knows its place there. A change of a count
/// by one moves a chunk over one border, so it costs O(1); opening and closing cost O(buckets).
///
/// Peers that have everything do not count here: they would raise every count alike.
#[derive(Debug)]
pub(super) struct Rarity {
    /// Side by side, because news of a chunk needs both.
    chunks: Vec<Availability>,
    order: Vec<ChunkIndex>,
    starts: Vec<usize>,
}

impl Rarity {
    pub(super) fn new(chunks: usize) -> Self {
        let chunks = vec![Availability { place: ABSENT, count: 0 }; chunks];
        Self { chunks, order: Vec::new(), starts: vec![0, 0] }
    }

    pub(super) fn prefetch(&self, chunk: ChunkIndex) {
        prefetch_index(&self.chunks, chunk as usize);
    }

    pub(super) fn is_open(&self, chunk: ChunkIndex) -> bool {
        self.chunks[chunk as usize].place != ABSENT
    }

    pub(super) fn open_count(&self) -> usize {
        self.order.len()
    }

    /// How many open chunks no peer has.
    pub(super) fn unheld_count(&self) -> usize {
        self.starts[1]
    }

    /// Whether some peer has a chunk.
    pub(super) fn is_held(&self, chunk: ChunkIndex) -> bool {
        self.chunks[chunk as usize].count > 0
    }

    /// Adds a chunk to the order. No effect if it is there.
    pub(super) fn open(&mut self, chunk: ChunkIndex) {
        if self.is_open(chunk) {
            return;
        }
        let count = usize::from(self.chunks[chunk as usize].count);
        self.grow(count);
        // Make room at the end of the bucket: move the first of every higher bucket to its end.
        let mut hole = self.order.len();
        self.order.push(chunk);
        for bucket in (count + 1..self.starts.len() - 1).rev() {
            let first = self.starts[bucket];
            if first != hole {
                self.put(self.order[first], hole);
            }
            hole = first;
            self.starts[bucket] += 1;
        }
        *self.starts.last_mut().expect("never empty") = self.order.len();
        self.put(chunk, hole);
    }

    /// Takes a chunk out of the order. No effect if it is not there.
    pub(super) fn close(&mut self, chunk: ChunkIndex) {
        if !self.is_open(chunk) {
            return;
        }
        let Availability { place, count } = self.chunks[chunk as usize];
        let mut hole = place as usize;
        // Fill the hole with the last of the bucket, that one's with the last of the next, and so on.
        for bucket in usize::from(count)..self.starts.len() - 1 {
            let last = self.starts[bucket + 1] - 1;
            if last != hole {
                self.put(self.order[last], hole);
            }
            hole = last;
            self.starts[bucket + 1] -= 1;
        }
        self.order.pop();
        self.chunks[chunk as usize].place = ABSENT;
    }

    /// One more peer has the chunk.
    pub(super) fn gain(&mut self, chunk: ChunkIndex) {
        let count = self.chunks[chunk as usize].count;
        let Some(more) = count.checked_add(1) else { return };
        if self.is_open(chunk) {
            self.grow(usize::from(more));
            let last = self.starts[usize::from(more)] - 1;
            self.swap(chunk, last);
            self.starts[usize::from(more)] -= 1;
        }
        self.chunks[chunk as usize].count = more;
    }

    /// One peer less has the chunk.
    pub(super) fn lose(&mut self, chunk: ChunkIndex) {
        let count = self.chunks[chunk as usize].count;
        let Some(less) = count.checked_sub(1) else { return };
        if self.is_open(chunk) {
            let first = self.starts[usize::from(count)];
            self.swap(chunk, first);
            self.starts[usize::from(count)] += 1;
        }
        self.chunks[chunk as usize].count = less;
    }

    /// The rarest open chunk in `have`, ties at random.
    pub(super) fn rarest(&self, have: &ChunkSet, rng: &mut SeededRng) -> Option<ChunkIndex> {
        for bucket in self.starts.windows(2).map(|w| &self.order[w[0]..w[1]]).filter(|b| !b.is_empty()) {
            let from = rng.random_range(0..bucket.len());
            let (before, after) = bucket.split_at(from);
            if let Some(chunk) = after.iter().chain(before).find(|c| have.contains(**c as usize)) {
                return Some(*chunk);
            }
        }
        None
    }

    /// Some open chunk in `have`, whichever.
    pub(super) fn any(&self, have: &ChunkSet, rng: &mut SeededRng) -> Option<ChunkIndex> {
        if self.order.is_empty() {
            return None;
        }
        let (before, after) = self.order.split_at(rng.random_range(0..self.order.len()));
        after.iter().chain(before).find(|c| have.contains(**c as usize)).copied()
    }

    /// Makes sure that bucket `count` exists.
    fn grow(&mut self, count: usize) {
        while self.starts.len() < count + 2 {
            self.starts.push(self.order.len());
        }
    }

    fn put(&mut self, chunk: ChunkIndex, at: usize) {
        self.order[at] = chunk;
        self.chunks[chunk as usize].place = at as u32;
    }

    fn swap(&mut self, chunk: ChunkIndex, with: usize) {
        let at = self.chunks[chunk as usize].place as usize;
        let other = self.order[with];
        self.put(other, at);
        self.put(chunk, with);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;

    impl Rarity {
        fn check(&self) {
            assert_eq!(*self.starts.last().unwrap(), self.order.len());
            for (count, w) in self.starts.windows(2).enumerate() {
                for at in w[0]..w[1] {
                    let chunk = self.order[at] as usize;
                    assert_eq!(usize::from(self.chunks[chunk].count), count);
                    assert_eq!(self.chunks[chunk].place as usize, at);
                }
            }
            let open = self.chunks.iter().filter(|chunk| chunk.place != ABSENT).count();
            assert_eq!(open, self.order.len());
        }
    }

    proptest! {
        #[test]
        fn the_order_always_holds(steps in prop::collection::vec((0u8..4, 0u32..12), 0..300)) {
            let mut rarity = Rarity::new(12);
            let mut counts = [0u16; 12];
            let mut open = [false; 12];
            for (what, chunk) in steps {
                let at = chunk as usize;
                match what {
                    0 => { rarity.open(chunk); open[at] = true }
                    1 => { rarity.close(chunk); open[at] = false }
                    2 => { rarity.gain(chunk); counts[at] += 1 }
                    _ => { rarity.lose(chunk); counts[at] = counts[at].saturating_sub(1) }
                }
                rarity.check();
            }
            let mut all = ChunkSet::with_capacity(12);
            all.insert_range(..);
            let unheld = (0..12).filter(|c| open[*c] && counts[*c] == 0).count();
            prop_assert_eq!(rarity.unheld_count(), unheld);
            let fewest = (0..12).filter(|c| open[*c]).map(|c| counts[c]).min();
            let got = rarity.rarest(&all, &mut SeededRng::seed_from_u64(1)).map(|c| counts[c as usize]);
            prop_assert_eq!(got, fewest);
        }
    }
}
