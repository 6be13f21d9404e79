//! Initial seeding: which chunk to hand out while this peer is the only source of it.
//!
//! A chunk is *fresh* while nobody whom we know has it and it has been given to nobody who is still here.
//! A seed that gives only fresh chunks to whoever leaves the choice to it sends each about once; peers
//! pass them on among themselves. A peer that does not pass on what it was given gets less.
//!
//! What always holds: memory is bounded by the content's chunks; a chunk that was given to a peer that
//! left before it told that it has it is fresh again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use libp2p_identity::PeerId;
use rand::RngExt;

use crate::content::{ChunkIndex, ChunkSet};
use crate::engine::SeededRng;

const ABSENT: u32 = u32::MAX;
/// The largest of so many fresh chunks is taken, so that the small ones are left for the end, when
/// everybody waits for the last.
const DRAWS: usize = 3;

/// What others have of one content, as far as we know.
#[derive(Debug)]
pub struct InitialSeeding {
    /// Bytes of each chunk.
    lengths: Arc<[u32]>,
    fresh: Vec<ChunkIndex>,
    /// Where each chunk stands in `fresh`.
    place: Vec<u32>,
    /// How many peers said that they have each chunk.
    held: Vec<u16>,
    /// Given to a peer that has not said that it has it.
    given: BTreeMap<PeerId, BTreeSet<ChunkIndex>>,
    /// How many peers each chunk is given to, likewise.
    given_to: Vec<u16>,
    /// Who was given a chunk first, until a second peer has it.
    first: BTreeMap<ChunkIndex, PeerId>,
    /// How many chunks each peer was given first that it has not passed on.
    unspread: BTreeMap<PeerId, usize>,
}

impl InitialSeeding {
    /// Starts with every chunk fresh.
    pub fn new(lengths: Arc<[u32]>) -> Self {
        let chunks = lengths.len();
        Self {
            lengths,
            fresh: (0..chunks as ChunkIndex).collect(),
            place: (0..chunks as u32).collect(),
            held: vec![0; chunks],
            given: BTreeMap::new(),
            given_to: vec![0; chunks],
            first: BTreeMap::new(),
            unspread: BTreeMap::new(),
        }
    }

    /// Whether there is something fresh to give.
    pub fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// A fresh chunk, at random, large ones rather than small ones.
    pub fn pick(&self, rng: &mut SeededRng) -> Option<ChunkIndex> {
        if self.fresh.is_empty() {
            return None;
        }
        let draws = (0..DRAWS).map(|_| self.fresh[rng.random_range(0..self.fresh.len())]);
        draws.max_by_key(|chunk| self.lengths[*chunk as usize])
    }

    /// A chunk is being sent to a peer.
    pub fn give(&mut self, peer: PeerId, chunk: ChunkIndex) {
        let at = chunk as usize;
        if at >= self.held.len() {
            return;
        }
        if self.held[at] == 0 && self.given_to[at] == 0 && self.first.insert(chunk, peer).is_none() {
            *self.unspread.entry(peer).or_default() += 1;
        }
        if self.given.entry(peer).or_default().insert(chunk) {
            self.given_to[at] += 1;
            self.update(chunk);
        }
    }

    /// A peer said that it has chunks that it did not have before.
    pub fn gained(&mut self, peer: PeerId, news: &ChunkSet) {
        let chunks = self.held.len();
        for at in news.ones().take_while(|at| *at < chunks) {
            self.held[at] = self.held[at].saturating_add(1);
            let chunk = at as ChunkIndex;
            self.forget_given(&peer, chunk);
            if self.held[at] >= 2 {
                self.spread(chunk);
            }
            self.update(chunk);
        }
    }

    /// A peer is gone; `had` is what it had said.
    pub fn gone(&mut self, peer: &PeerId, had: &ChunkSet) {
        let chunks = self.held.len();
        for at in had.ones().take_while(|at| *at < chunks) {
            self.held[at] = self.held[at].saturating_sub(1);
            self.update(at as ChunkIndex);
        }
        for chunk in self.given.remove(peer).unwrap_or_default() {
            self.given_to[chunk as usize] -= 1;
            self.update(chunk);
        }
        self.unspread.remove(peer);
        self.first.retain(|_, first| first != peer);
    }

    /// How many chunks were given to a peer first and are with nobody else yet.
    pub fn unspread(&self, peer: &PeerId) -> usize {
        self.unspread.get(peer).copied().unwrap_or(0)
    }

    /// How many copies of the whole the others have together: of the rarest chunk as many as that.
    pub fn copies(&self) -> usize {
        self.held.iter().copied().min().map_or(usize::MAX, usize::from)
    }

    fn forget_given(&mut self, peer: &PeerId, chunk: ChunkIndex) {
        if let Some(given) = self.given.get_mut(peer)
            && given.remove(&chunk)
        {
            self.given_to[chunk as usize] -= 1;
            if given.is_empty() {
                self.given.remove(peer);
            }
        }
    }

    fn spread(&mut self, chunk: ChunkIndex) {
        let Some(first) = self.first.remove(&chunk) else { return };
        if let Some(count) = self.unspread.get_mut(&first) {
            *count -= 1;
            if *count == 0 {
                self.unspread.remove(&first);
            }
        }
    }

    /// Puts a chunk among the fresh ones, or takes it from there.
    fn update(&mut self, chunk: ChunkIndex) {
        let at = chunk as usize;
        let is = self.place[at] != ABSENT;
        let should = self.held[at] == 0 && self.given_to[at] == 0;
        if should && !is {
            self.place[at] = self.fresh.len() as u32;
            self.fresh.push(chunk);
        } else if is && !should {
            let hole = self.place[at] as usize;
            self.fresh.swap_remove(hole);
            if let Some(moved) = self.fresh.get(hole) {
                self.place[*moved as usize] = hole as u32;
            }
            self.place[at] = ABSENT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::peer;
    use proptest::prelude::*;
    use rand::SeedableRng;

    fn seeding(chunks: usize) -> InitialSeeding {
        InitialSeeding::new(vec![1; chunks].into())
    }

    fn set(chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(8);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn each_chunk_is_given_once() {
        let mut seeding = seeding(8);
        let mut rng = SeededRng::seed_from_u64(1);
        let mut given = ChunkSet::with_capacity(8);
        for n in 0..8 {
            let chunk = seeding.pick(&mut rng).unwrap();
            assert!(!given.put(chunk as usize));
            seeding.give(peer(n % 3), chunk);
        }
        assert!(seeding.pick(&mut rng).is_none() && given.is_full());
    }

    #[test]
    fn what_a_peer_took_away_with_it_is_fresh_again() {
        let mut seeding = seeding(8);
        seeding.give(peer(1), 5);
        assert_eq!(seeding.fresh.len(), 7);
        seeding.gained(peer(1), &set(&[5]));
        assert_eq!(seeding.fresh.len(), 7);
        seeding.gone(&peer(1), &set(&[5]));
        assert_eq!(seeding.fresh.len(), 8);
    }

    #[test]
    fn who_passes_nothing_on_is_known() {
        let mut seeding = seeding(8);
        seeding.give(peer(1), 0);
        seeding.give(peer(1), 1);
        seeding.give(peer(2), 2);
        seeding.gained(peer(1), &set(&[0, 1]));
        assert_eq!((seeding.unspread(&peer(1)), seeding.unspread(&peer(2))), (2, 1));
        seeding.gained(peer(2), &set(&[0, 2]));
        assert_eq!((seeding.unspread(&peer(1)), seeding.unspread(&peer(2))), (1, 1));
    }

    #[test]
    fn copies_are_counted_across_peers_chunk_by_chunk() {
        let mut seeding = seeding(8);
        seeding.gained(peer(1), &set(&[0, 1, 2, 3, 4]));
        assert_eq!(seeding.copies(), 0);
        seeding.gained(peer(2), &set(&[4, 5, 6, 7]));
        assert_eq!(seeding.copies(), 1);
        seeding.gained(peer(3), &set(&[0, 1, 2, 3, 5, 6, 7]));
        assert_eq!(seeding.copies(), 2);
        seeding.gone(&peer(2), &set(&[4, 5, 6, 7]));
        assert_eq!(seeding.copies(), 1);
    }

    proptest! {
        #[test]
        fn the_fresh_ones_are_those_that_nobody_has(steps in prop::collection::vec((0u8..3, 0usize..4, 0usize..8), 0..200)) {
            let mut seeding = seeding(8);
            let mut have = vec![ChunkSet::with_capacity(8); 4];
            let mut given = have.clone();
            for (what, who, chunk) in steps {
                let (id, at) = (peer(who), who);
                match what {
                    0 if !have[at].contains(chunk) => {
                        seeding.give(id, chunk as ChunkIndex);
                        given[at].insert(chunk);
                    }
                    1 if !have[at].contains(chunk) => {
                        seeding.gained(id, &set(&[chunk]));
                        have[at].insert(chunk);
                        given[at].remove(chunk);
                    }
                    2 => {
                        seeding.gone(&id, &have[at]);
                        have[at].clear();
                        given[at].clear();
                    }
                    _ => {}
                }
                let free = |c: &usize| !have.iter().chain(&given).any(|s| s.contains(*c));
                let mut fresh: Vec<_> = seeding.fresh.iter().map(|c| *c as usize).collect();
                fresh.sort_unstable();
                prop_assert_eq!(fresh, (0..8).filter(free).collect::<Vec<_>>());
                let sum: usize = seeding.unspread.values().sum();
                prop_assert_eq!(sum, seeding.first.len());
            }
        }
    }
}
