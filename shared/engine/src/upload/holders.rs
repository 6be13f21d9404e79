//! Which peers have how much of one content, as far as they told.
//!
//! What always holds: a peer that is gone does not count; memory is bounded by the content's chunks and the peers.
//! A peer that has every chunk when it comes costs the same however many chunks there are, when it comes and
//! when it goes.

use prefetch_index::prefetch_index;
use shoal_content::{ChunkIndex, ChunkSet};

use crate::{ChunkNews, PeerName, PeerTable};

/// What one peer has.
#[derive(Debug, Clone, Copy, Default)]
struct Holder {
    /// How many chunks.
    chunks: u32,
    /// Whether it had all of them when it came, so that it is in none of the counts by chunk.
    complete: bool,
}

/// How many peers have each chunk, without those that had all when they came.
#[derive(Debug)]
struct Counts {
    each: Vec<u16>,
    /// How many chunks have each count: `each` as a histogram.
    histogram: Vec<u32>,
    /// The least of `each`; 0 without chunks.
    least: u16,
}

impl Counts {
    /// Counts one peer more or less for a chunk.
    fn step(&mut self, at: usize, step: fn(u16, u16) -> Option<u16>) {
        let before = self.each[at];
        let Some(after) = step(before, 1) else { return };
        self.each[at] = after;
        if self.histogram.len() <= usize::from(after) {
            self.histogram.push(0);
        }
        self.histogram[usize::from(before)] -= 1;
        self.histogram[usize::from(after)] += 1;
        if after < self.least || self.histogram[usize::from(self.least)] == 0 {
            self.least = after;
        }
    }
}

/// For each chunk the number of peers that have it, and for each peer the number of its chunks.
#[derive(Debug)]
pub(super) struct Holders<P> {
    counts: Counts,
    /// Peers that had everything when they came.
    complete: usize,
    peers: PeerTable<P, Holder>,
}

impl<P: PeerName> Holders<P> {
    /// No peer has any of so many chunks.
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            counts: Counts { each: vec![0; chunks], histogram: vec![chunks as u32], least: 0 },
            complete: 0,
            peers: PeerTable::default(),
        }
    }

    /// Has the caches fetch what is known of the peers.
    pub(super) fn prefetch_peers(&self) {
        self.peers.prefetch();
    }

    /// Has the caches fetch what counts the peers of a chunk.
    pub(super) fn prefetch(&self, chunk: ChunkIndex) {
        prefetch_index(&self.counts.each, chunk as usize);
    }

    /// A peer said that it has chunks that it did not have before. With none it is known from now on. Returns whether
    /// it came with everything.
    pub(super) fn gained(&mut self, peer: P, news: &ChunkNews) -> bool {
        let all = self.counts.each.len();
        let holder = self.peers.entry(peer);
        if holder.chunks == 0 && !holder.complete && news.is_whole(all) {
            *holder = Holder { chunks: all as u32, complete: true };
            self.complete += 1;
            return true;
        }
        for chunk in news.iter().take_while(|chunk| (*chunk as usize) < all) {
            self.counts.step(chunk as usize, u16::checked_add);
            holder.chunks += 1;
        }
        false
    }

    /// A peer is gone; `had` is all that it had said. Returns whether it was counted chunk by chunk.
    pub(super) fn gone(&mut self, peer: &P, had: &ChunkSet) -> bool {
        let Some(holder) = self.peers.remove(peer) else { return false };
        if holder.complete {
            self.complete -= 1;
        } else {
            let all = self.counts.each.len();
            had.ones().take_while(|at| *at < all).for_each(|at| self.counts.step(at, u16::checked_sub));
        }
        !holder.complete
    }

    /// How many peers have a chunk.
    pub(super) fn of(&self, chunk: ChunkIndex) -> usize {
        self.counted(chunk) + self.complete
    }

    /// How many peers have a chunk, without those that had all when they came.
    pub(super) fn counted(&self, chunk: ChunkIndex) -> usize {
        self.counts.each.get(chunk as usize).copied().unwrap_or(0).into()
    }

    /// For each stretch of so many chunks: how many peers have its rarest chunk.
    pub(super) fn rarity(&self, stretch: usize) -> Vec<u16> {
        let complete = u16::try_from(self.complete).unwrap_or(u16::MAX);
        let of = |chunks: &[u16]| chunks.iter().min().map_or(0, |least| least.saturating_add(complete));
        self.counts.each.chunks(stretch.max(1)).map(of).collect()
    }

    /// How many peers had everything when they came.
    pub(super) fn complete(&self) -> usize {
        self.complete
    }

    /// How many chunks a peer has.
    pub(super) fn chunks(&self, peer: &P) -> usize {
        self.peers.get(peer).map_or(0, |holder| holder.chunks as usize)
    }

    /// Whether a peer has said anything and is not gone.
    pub(super) fn knows(&self, peer: &P) -> bool {
        self.peers.get(peer).is_some()
    }

    /// Whether no peer is known.
    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many copies of the whole the peers have together: of the rarest chunk there are as many. Of a content
    /// without chunks every peer that is known has a copy.
    pub(super) fn copies(&self) -> usize {
        usize::from(self.counts.least) + self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;
    use proptest::prelude::*;

    fn set(chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(8);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn copies_are_counted_across_peers_chunk_by_chunk() {
        let mut holders = Holders::new(8);
        holders.gained(peer(1), &set(&[0, 1, 2, 3, 4]).into());
        assert_eq!(holders.copies(), 0);
        holders.gained(peer(2), &set(&[4, 5, 6, 7]).into());
        assert_eq!(holders.copies(), 1);
        holders.gained(peer(3), &set(&[0, 1, 2, 3, 5, 6, 7]).into());
        assert_eq!(holders.copies(), 2);
        assert_eq!(holders.rarity(3), [2, 2, 2]);
        let mut all = ChunkSet::with_capacity(8);
        all.insert_range(..);
        holders.gained(peer(4), &all.clone().into());
        assert_eq!((holders.rarity(1), holders.rarity(3)), (vec![3; 8], vec![3, 3, 3]));
        holders.gone(&peer(4), &all);
        holders.gone(&peer(2), &set(&[4, 5, 6, 7]));
        assert_eq!(holders.copies(), 1);
        assert_eq!(holders.rarity(1), [2, 2, 2, 2, 1, 1, 1, 1]);
        assert_eq!(holders.rarity(5), [1, 1], "a stretch is as rare as its rarest chunk");
    }

    #[test]
    fn what_each_has_is_counted() {
        let mut holders = Holders::new(8);
        holders.gained(peer(1), &set(&[0, 1]).into());
        holders.gained(peer(1), &set(&[5]).into());
        assert_eq!((holders.chunks(&peer(1)), holders.chunks(&peer(2)), holders.of(5)), (3, 0, 1));
        holders.gone(&peer(1), &set(&[0, 1, 5]));
        assert_eq!((holders.chunks(&peer(1)), holders.of(5)), (0, 0));
    }

    #[test]
    fn of_nothing_every_peer_has_a_copy() {
        let nothing = ChunkSet::with_capacity(0);
        let mut holders = Holders::new(0);
        assert_eq!(holders.copies(), 0);
        for n in [1, 2, 2] {
            holders.gained(peer(n), &ChunkNews::NOTHING);
        }
        assert_eq!(holders.copies(), 2);
        holders.gone(&peer(1), &nothing);
        assert_eq!(holders.copies(), 1);
    }

    proptest! {
        /// Against sets that are looked through each time.
        #[test]
        fn counts_are_those_of_the_sets(steps in prop::collection::vec((0usize..4, 0u8..12), 0..200)) {
            let mut holders = Holders::new(4);
            let mut have = vec![None; 4];
            for (who, what) in steps {
                let mut news = ChunkSet::with_capacity(4);
                match what {
                    0..8 => news.insert(usize::from(what) % 4),
                    8 => news.insert_range(..),
                    9 => {}
                    _ => {
                        let had = have[who].take().unwrap_or_default();
                        holders.gone(&peer(who), &had);
                        continue;
                    }
                }
                let had = have[who].get_or_insert_with(|| ChunkSet::with_capacity(4));
                news.difference_with(had);
                had.union_with(&news);
                holders.gained(peer(who), &news.into());
                let of = |c: usize| have.iter().flatten().filter(|set| set.contains(c)).count();
                prop_assert_eq!(holders.copies(), (0..4).map(of).min().unwrap());
                prop_assert!((0..4).all(|c| holders.of(c as ChunkIndex) == of(c)));
                for (n, had) in have.iter().enumerate() {
                    let count = had.as_ref().map_or(0, |set| set.count_ones(..));
                    prop_assert_eq!((holders.chunks(&peer(n)), holders.knows(&peer(n))), (count, had.is_some()));
                }
            }
        }
    }
}
