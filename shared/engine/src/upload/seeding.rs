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

use rand::RngExt;

use super::holders::Holders;
use crate::{PeerName, SeededRng};
use shoal_content::{ChunkIndex, ChunkSet};

const ABSENT: u32 = u32::MAX;
/// The largest of so many fresh chunks is taken, so that the small ones are left for the end, when
/// everybody waits for the last.
const DRAWS: usize = 3;

/// What is fresh of one content, and what became of the rest.
#[derive(Debug)]
pub(super) struct InitialSeeding<P> {
    /// Bytes of each chunk.
    lengths: Arc<[u32]>,
    fresh: Vec<ChunkIndex>,
    /// Where each chunk stands in `fresh`.
    place: Vec<u32>,
    /// Given to a peer that has not said that it has it.
    given: BTreeMap<P, BTreeSet<ChunkIndex>>,
    /// How many peers each chunk is given to, likewise.
    given_to: Vec<u16>,
    /// Who was given a chunk first, until a second peer has it.
    first: BTreeMap<ChunkIndex, P>,
    /// How many chunks each peer was given first that it has not passed on.
    unspread: BTreeMap<P, usize>,
}

impl<P: PeerName> InitialSeeding<P> {
    /// Starts with those chunks fresh that nobody has.
    pub(super) fn new(lengths: Arc<[u32]>, holders: &Holders<P>) -> Self {
        let chunks = lengths.len();
        let mut seeding = Self {
            fresh: Vec::new(),
            place: vec![ABSENT; chunks],
            given: BTreeMap::new(),
            given_to: vec![0; chunks],
            first: BTreeMap::new(),
            unspread: BTreeMap::new(),
            lengths,
        };
        (0..chunks as ChunkIndex).for_each(|chunk| seeding.update(chunk, holders));
        seeding
    }

    /// Whether there is something fresh to give.
    pub(super) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// A fresh chunk, at random, large ones rather than small ones.
    pub(super) fn pick(&self, rng: &mut SeededRng) -> Option<ChunkIndex> {
        if self.fresh.is_empty() {
            return None;
        }
        let draws = (0..DRAWS).map(|_| self.fresh[rng.random_range(0..self.fresh.len())]);
        draws.max_by_key(|chunk| self.lengths[*chunk as usize])
    }

    /// A chunk is being sent to a peer.
    pub(super) fn give(&mut self, peer: P, chunk: ChunkIndex, holders: &Holders<P>) {
        let at = chunk as usize;
        if at >= self.lengths.len() {
            return;
        }
        if holders.of(chunk) == 0 && self.given_to[at] == 0 && self.first.insert(chunk, peer).is_none() {
            *self.unspread.entry(peer).or_default() += 1;
        }
        if self.given.entry(peer).or_default().insert(chunk) {
            self.given_to[at] += 1;
            self.update(chunk, holders);
        }
    }

    /// A peer said that it has chunks that it did not have before; `holders` knows already.
    pub(super) fn gained(&mut self, peer: P, news: &ChunkSet, holders: &Holders<P>) {
        let chunks = self.lengths.len();
        for chunk in news.ones().take_while(|at| *at < chunks).map(|at| at as ChunkIndex) {
            self.forget_given(&peer, chunk);
            if holders.of(chunk) >= 2 {
                self.spread(chunk);
            }
            self.update(chunk, holders);
        }
    }

    /// A peer is gone; `had` is what it had said, and `holders` knows already.
    pub(super) fn gone(&mut self, peer: &P, had: &ChunkSet, holders: &Holders<P>) {
        let chunks = self.lengths.len();
        for chunk in self.given.remove(peer).unwrap_or_default() {
            self.given_to[chunk as usize] -= 1;
            self.update(chunk, holders);
        }
        had.ones().take_while(|at| *at < chunks).for_each(|at| self.update(at as ChunkIndex, holders));
        self.unspread.remove(peer);
        self.first.retain(|_, first| first != peer);
    }

    /// How many chunks were given to a peer first and are with nobody else yet.
    pub(super) fn unspread(&self, peer: &P) -> usize {
        self.unspread.get(peer).copied().unwrap_or(0)
    }

    fn forget_given(&mut self, peer: &P, chunk: ChunkIndex) {
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
    fn update(&mut self, chunk: ChunkIndex, holders: &Holders<P>) {
        let at = chunk as usize;
        let is = self.place[at] != ABSENT;
        let should = holders.of(chunk) == 0 && self.given_to[at] == 0;
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
    use crate::testing::peer;
    use libp2p_identity::PeerId;
    use proptest::prelude::*;
    use rand::SeedableRng;

    /// Keeps the holders with it, as the queue does.
    struct Content {
        seeding: InitialSeeding<PeerId>,
        holders: Holders<PeerId>,
    }

    impl Content {
        fn new(chunks: usize) -> Self {
            let holders = Holders::new(chunks);
            Self { seeding: InitialSeeding::new(vec![1; chunks].into(), &holders), holders }
        }

        fn give(&mut self, peer: PeerId, chunk: ChunkIndex) {
            self.seeding.give(peer, chunk, &self.holders);
        }

        fn gained(&mut self, peer: PeerId, news: &ChunkSet) {
            self.holders.gained(peer, news);
            self.seeding.gained(peer, news, &self.holders);
        }

        fn gone(&mut self, peer: &PeerId, had: &ChunkSet) {
            self.holders.gone(peer, had);
            self.seeding.gone(peer, had, &self.holders);
        }
    }

    fn set(chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(8);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn each_chunk_is_given_once() {
        let mut content = Content::new(8);
        let mut rng = SeededRng::seed_from_u64(1);
        let mut given = ChunkSet::with_capacity(8);
        for n in 0..8 {
            let chunk = content.seeding.pick(&mut rng).unwrap();
            assert!(!given.put(chunk as usize));
            content.give(peer(n % 3), chunk);
        }
        assert!(content.seeding.pick(&mut rng).is_none() && given.is_full());
    }

    #[test]
    fn what_a_peer_took_away_with_it_is_fresh_again() {
        let mut content = Content::new(8);
        content.give(peer(1), 5);
        assert_eq!(content.seeding.fresh.len(), 7);
        content.gained(peer(1), &set(&[5]));
        assert_eq!(content.seeding.fresh.len(), 7);
        content.gone(&peer(1), &set(&[5]));
        assert_eq!(content.seeding.fresh.len(), 8);
    }

    #[test]
    fn who_passes_nothing_on_is_known() {
        let mut content = Content::new(8);
        content.give(peer(1), 0);
        content.give(peer(1), 1);
        content.give(peer(2), 2);
        content.gained(peer(1), &set(&[0, 1]));
        assert_eq!((content.seeding.unspread(&peer(1)), content.seeding.unspread(&peer(2))), (2, 1));
        content.gained(peer(2), &set(&[0, 2]));
        assert_eq!((content.seeding.unspread(&peer(1)), content.seeding.unspread(&peer(2))), (1, 1));
    }

    proptest! {
        #[test]
        fn the_fresh_ones_are_those_that_nobody_has(steps in prop::collection::vec((0u8..3, 0usize..4, 0usize..8), 0..200)) {
            let mut content = Content::new(8);
            let mut have = vec![ChunkSet::with_capacity(8); 4];
            let mut given = have.clone();
            for (what, who, chunk) in steps {
                let (id, at) = (peer(who), who);
                match what {
                    0 if !have[at].contains(chunk) => {
                        content.give(id, chunk as ChunkIndex);
                        given[at].insert(chunk);
                    }
                    1 if !have[at].contains(chunk) => {
                        content.gained(id, &set(&[chunk]));
                        have[at].insert(chunk);
                        given[at].remove(chunk);
                    }
                    2 => {
                        content.gone(&id, &have[at]);
                        have[at].clear();
                        given[at].clear();
                    }
                    _ => {}
                }
                let free = |c: &usize| !have.iter().chain(&given).any(|s| s.contains(*c));
                let mut fresh: Vec<_> = content.seeding.fresh.iter().map(|c| *c as usize).collect();
                fresh.sort_unstable();
                prop_assert_eq!(fresh, (0..8).filter(free).collect::<Vec<_>>());
                let sum: usize = content.seeding.unspread.values().sum();
                prop_assert_eq!(sum, content.seeding.first.len());
            }
        }
    }
}
