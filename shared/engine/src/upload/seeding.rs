//! Initial seeding: which chunk to send while this peer is the only source of it.
//!
//! A chunk is *undistributed* while no known peer has it and it was sent to no peer that is still here. A seed that
//! answers peers that leave the choice to it with undistributed chunks alone sends each chunk about once; the peers
//! relay them among themselves. A peer that does not relay what it was sent gets less.
//!
//! What always holds: memory is bounded by the content's chunks; a chunk that was sent to a peer that left before it
//! said that it has the chunk is undistributed again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::RngExt;
use shoal_content::{ChunkIndex, ChunkSet};

use super::holders::Holders;
use crate::{ChunkNews, PeerName, SeededRng};

const ABSENT: u32 = u32::MAX;
/// The largest of so many undistributed chunks is taken, so that the small ones are left for the end, when every
/// peer waits for the last.
const DRAWS: usize = 3;

/// What of one content is undistributed, and what became of the rest.
#[derive(Debug)]
pub(super) struct InitialSeeding<P> {
    /// Bytes of each chunk.
    lengths: Arc<[u32]>,
    /// Chunks that are undistributed as long as no peer has everything.
    undistributed: Vec<ChunkIndex>,
    /// Where each chunk stands in `undistributed`.
    place: Vec<u32>,
    /// Chunks sent to each peer that the peer has not said that it has.
    unconfirmed: BTreeMap<P, BTreeSet<ChunkIndex>>,
    /// How many peers each chunk is unconfirmed of.
    unconfirmed_count: Vec<u16>,
    /// The peer that was sent a chunk first, until a second peer has the chunk.
    first: BTreeMap<ChunkIndex, P>,
    /// How many chunks each peer was sent first that no second peer has.
    unrelayed: BTreeMap<P, usize>,
}

impl<P: PeerName> InitialSeeding<P> {
    /// Starts with those chunks undistributed that no peer has.
    pub(super) fn new(lengths: Arc<[u32]>, holders: &Holders<P>) -> Self {
        let chunks = lengths.len();
        let mut seeding = Self {
            undistributed: Vec::new(),
            place: vec![ABSENT; chunks],
            unconfirmed: BTreeMap::new(),
            unconfirmed_count: vec![0; chunks],
            first: BTreeMap::new(),
            unrelayed: BTreeMap::new(),
            lengths,
        };
        (0..chunks as ChunkIndex).for_each(|chunk| seeding.update(chunk, holders));
        seeding
    }

    /// Whether some chunk is undistributed.
    pub(super) fn has_undistributed(&self, holders: &Holders<P>) -> bool {
        holders.complete() == 0 && !self.undistributed.is_empty()
    }

    /// An undistributed chunk at random, rather a large one than a small one.
    pub(super) fn pick(&self, holders: &Holders<P>, rng: &mut SeededRng) -> Option<ChunkIndex> {
        if !self.has_undistributed(holders) {
            return None;
        }
        let draws = (0..DRAWS).map(|_| self.undistributed[rng.random_range(0..self.undistributed.len())]);
        draws.max_by_key(|chunk| self.lengths[*chunk as usize])
    }

    /// A chunk is being sent to a peer.
    pub(super) fn sent(&mut self, peer: P, chunk: ChunkIndex, holders: &Holders<P>) {
        let at = chunk as usize;
        if at >= self.lengths.len() {
            return;
        }
        let is_first = holders.of(chunk) == 0 && self.unconfirmed_count[at] == 0;
        if is_first && self.first.insert(chunk, peer).is_none() {
            *self.unrelayed.entry(peer).or_default() += 1;
        }
        if self.unconfirmed.entry(peer).or_default().insert(chunk) {
            self.unconfirmed_count[at] += 1;
            self.update(chunk, holders);
        }
    }

    /// A peer said that it has chunks that it did not have before; `holders` knows already.
    pub(super) fn gained(&mut self, peer: P, news: &ChunkNews, holders: &Holders<P>) {
        let chunks = self.lengths.len();
        for chunk in news.iter().take_while(|chunk| (*chunk as usize) < chunks) {
            self.confirmed(&peer, chunk);
            if holders.of(chunk) >= 2 {
                self.relayed(chunk);
            }
            self.update(chunk, holders);
        }
    }

    /// A peer came that has everything; `holders` knows already.
    pub(super) fn complete_came(&mut self, peer: &P, holders: &Holders<P>) {
        self.forget_unconfirmed(peer, holders);
        let relayed: Vec<_> = self.first.keys().copied().filter(|chunk| holders.of(*chunk) >= 2).collect();
        relayed.into_iter().for_each(|chunk| self.relayed(chunk));
    }

    /// A peer is gone; `had` is what `holders` counted chunk by chunk, and counts no more.
    pub(super) fn gone(&mut self, peer: &P, had: Option<&ChunkSet>, holders: &Holders<P>) {
        self.forget_unconfirmed(peer, holders);
        let chunks = self.lengths.len();
        let had = had.into_iter().flat_map(ChunkSet::ones).take_while(|at| *at < chunks);
        had.for_each(|at| self.update(at as ChunkIndex, holders));
        self.unrelayed.remove(peer);
        self.first.retain(|_, first| first != peer);
    }

    /// How many chunks were sent to a peer first and are with no second peer yet.
    pub(super) fn unrelayed(&self, peer: &P) -> usize {
        self.unrelayed.get(peer).copied().unwrap_or(0)
    }

    /// Whether every chunk that was sent was confirmed by its receiver, or the receiver is gone.
    pub(super) fn all_confirmed(&self) -> bool {
        self.unconfirmed.is_empty()
    }

    fn forget_unconfirmed(&mut self, peer: &P, holders: &Holders<P>) {
        for chunk in self.unconfirmed.remove(peer).unwrap_or_default() {
            self.unconfirmed_count[chunk as usize] -= 1;
            self.update(chunk, holders);
        }
    }

    fn confirmed(&mut self, peer: &P, chunk: ChunkIndex) {
        if let Some(unconfirmed) = self.unconfirmed.get_mut(peer)
            && unconfirmed.remove(&chunk)
        {
            self.unconfirmed_count[chunk as usize] -= 1;
            if unconfirmed.is_empty() {
                self.unconfirmed.remove(peer);
            }
        }
    }

    fn relayed(&mut self, chunk: ChunkIndex) {
        let Some(first) = self.first.remove(&chunk) else { return };
        if let Some(count) = self.unrelayed.get_mut(&first) {
            *count -= 1;
            if *count == 0 {
                self.unrelayed.remove(&first);
            }
        }
    }

    /// Puts a chunk among the undistributed ones, or takes it from there.
    fn update(&mut self, chunk: ChunkIndex, holders: &Holders<P>) {
        let at = chunk as usize;
        let is = self.place[at] != ABSENT;
        let should = holders.counted(chunk) == 0 && self.unconfirmed_count[at] == 0;
        if should && !is {
            self.place[at] = self.undistributed.len() as u32;
            self.undistributed.push(chunk);
        } else if is && !should {
            let hole = self.place[at] as usize;
            self.undistributed.swap_remove(hole);
            if let Some(moved) = self.undistributed.get(hole) {
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

        fn sent(&mut self, peer: PeerId, chunk: ChunkIndex) {
            self.seeding.sent(peer, chunk, &self.holders);
        }

        fn gained(&mut self, peer: PeerId, news: &ChunkSet) {
            let news = &news.clone().into();
            if self.holders.gained(peer, news) {
                self.seeding.complete_came(&peer, &self.holders);
            } else {
                self.seeding.gained(peer, news, &self.holders);
            }
        }

        fn gone(&mut self, peer: &PeerId, had: &ChunkSet) {
            let counted = self.holders.gone(peer, had);
            self.seeding.gone(peer, counted.then_some(had), &self.holders);
        }

        /// In their order; none while some peer has everything.
        fn undistributed(&self) -> Vec<usize> {
            let mut all: Vec<_> = self.seeding.undistributed.iter().map(|c| *c as usize).collect();
            all.retain(|_| self.seeding.has_undistributed(&self.holders));
            all.sort_unstable();
            all
        }

        fn unrelayed(&self, peers: [usize; 2]) -> [usize; 2] {
            peers.map(|n| self.seeding.unrelayed(&peer(n)))
        }
    }

    fn set(chunks: &[usize]) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(8);
        chunks.iter().for_each(|c| set.insert(*c));
        set
    }

    #[test]
    fn each_chunk_is_picked_once() {
        let mut content = Content::new(8);
        let mut rng = SeededRng::seed_from_u64(1);
        let mut picked = ChunkSet::with_capacity(8);
        for n in 0..8 {
            let chunk = content.seeding.pick(&content.holders, &mut rng).unwrap();
            assert!(!picked.put(chunk as usize));
            content.sent(peer(n % 3), chunk);
        }
        assert!(content.seeding.pick(&content.holders, &mut rng).is_none() && picked.is_full());
    }

    #[test]
    fn what_a_peer_took_away_with_it_is_undistributed_again() {
        let mut content = Content::new(8);
        content.sent(peer(1), 5);
        assert_eq!(content.undistributed().len(), 7);
        content.gained(peer(1), &set(&[5]));
        assert_eq!(content.undistributed().len(), 7);
        content.gone(&peer(1), &set(&[5]));
        assert_eq!(content.undistributed().len(), 8);
    }

    #[test]
    fn peers_that_relay_nothing_are_known() {
        let mut content = Content::new(8);
        content.sent(peer(1), 0);
        content.sent(peer(1), 1);
        content.sent(peer(2), 2);
        content.gained(peer(1), &set(&[0, 1]));
        assert_eq!(content.unrelayed([1, 2]), [2, 1]);
        content.gained(peer(2), &set(&[0, 2]));
        assert_eq!(content.unrelayed([1, 2]), [1, 1]);
        content.gained(peer(3), &set(&[0, 1, 2, 3, 4, 5, 6, 7]));
        assert_eq!(content.unrelayed([1, 2]), [0, 0]);
    }

    proptest! {
        #[test]
        fn undistributed_are_those_that_no_peer_has(steps in prop::collection::vec((0u8..4, 0usize..4, 0usize..8), 0..200)) {
            let mut content = Content::new(8);
            let mut have = vec![ChunkSet::with_capacity(8); 4];
            let mut sent = have.clone();
            for (what, who, chunk) in steps {
                let (id, at) = (peer(who), who);
                match what {
                    0 if !have[at].contains(chunk) => {
                        content.sent(id, chunk as ChunkIndex);
                        sent[at].insert(chunk);
                    }
                    1 if !have[at].contains(chunk) => {
                        content.gained(id, &set(&[chunk]));
                        have[at].insert(chunk);
                        sent[at].remove(chunk);
                    }
                    2 => {
                        content.gone(&id, &have[at]);
                        have[at].clear();
                        sent[at].clear();
                    }
                    3 => {
                        have[at].toggle_range(..);
                        content.gained(id, &have[at].clone());
                        have[at].insert_range(..);
                        sent[at].clear();
                    }
                    _ => {}
                }
                let free = |c: &usize| !have.iter().chain(&sent).any(|s| s.contains(*c));
                prop_assert_eq!(content.undistributed(), (0..8).filter(free).collect::<Vec<_>>());
                let sum: usize = content.seeding.unrelayed.values().sum();
                prop_assert_eq!(sum, content.seeding.first.len());
                prop_assert_eq!(content.seeding.all_confirmed(), sent.iter().all(ChunkSet::is_clear));
            }
        }
    }
}
