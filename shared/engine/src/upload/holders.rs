//! Who else has how much of one content, as far as they told.
//!
//! What always holds: nobody who is gone counts; memory is bounded by the content's chunks and the peers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

use crate::PeerName;
use shoal_content::{ChunkIndex, ChunkSet};

/// Counts of others who have a chunk, and of chunks that others have.
#[derive(Debug)]
pub(super) struct Holders<P> {
    /// How many peers said that they have each chunk.
    held: Vec<u16>,
    /// How many chunks each peer said that it has. Never walked through, so its order decides nothing.
    chunks: HashMap<P, usize, BuildHasherDefault<DefaultHasher>>,
}

impl<P: PeerName> Holders<P> {
    /// Nobody has any of so many chunks.
    pub(super) fn new(chunks: usize) -> Self {
        Self { held: vec![0; chunks], chunks: HashMap::default() }
    }

    /// A peer said that it has chunks that it did not have before.
    pub(super) fn gained(&mut self, peer: P, news: &ChunkSet) {
        let mut count = 0;
        for at in news.ones() {
            let Some(held) = self.held.get_mut(at) else { break };
            *held = held.saturating_add(1);
            count += 1;
        }
        *self.chunks.entry(peer).or_default() += count;
    }

    /// A peer is gone; `had` is what it had said.
    pub(super) fn gone(&mut self, peer: &P, had: &ChunkSet) {
        for at in had.ones() {
            let Some(held) = self.held.get_mut(at) else { break };
            *held = held.saturating_sub(1);
        }
        self.chunks.remove(peer);
    }

    /// How many peers have a chunk.
    pub(super) fn of(&self, chunk: ChunkIndex) -> u16 {
        self.held.get(chunk as usize).copied().unwrap_or(0)
    }

    /// How many chunks a peer has.
    pub(super) fn chunks(&self, peer: &P) -> usize {
        self.chunks.get(peer).copied().unwrap_or(0)
    }

    /// How many copies of the whole the others have together: of the rarest chunk as many as that.
    pub(super) fn copies(&self) -> usize {
        self.held.iter().copied().min().map_or(usize::MAX, usize::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn set(chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(8);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn copies_are_counted_across_peers_chunk_by_chunk() {
        let mut holders = Holders::new(8);
        holders.gained(peer(1), &set(&[0, 1, 2, 3, 4]));
        assert_eq!(holders.copies(), 0);
        holders.gained(peer(2), &set(&[4, 5, 6, 7]));
        assert_eq!(holders.copies(), 1);
        holders.gained(peer(3), &set(&[0, 1, 2, 3, 5, 6, 7]));
        assert_eq!(holders.copies(), 2);
        holders.gone(&peer(2), &set(&[4, 5, 6, 7]));
        assert_eq!(holders.copies(), 1);
    }

    #[test]
    fn what_each_has_is_counted() {
        let mut holders = Holders::new(8);
        holders.gained(peer(1), &set(&[0, 1]));
        holders.gained(peer(1), &set(&[5]));
        assert_eq!((holders.chunks(&peer(1)), holders.chunks(&peer(2)), holders.of(5)), (3, 0, 1));
        holders.gone(&peer(1), &set(&[0, 1, 5]));
        assert_eq!((holders.chunks(&peer(1)), holders.of(5)), (0, 0));
    }
}
