//! How many copies of a content others have for certain.
//!
//! What a peer says that it has is only its word. A chunk counts for a peer that was **sent** it by this node and then
//! said that it has it. The word of all others counts by **networks**, and one network less than there are, so that
//! whoever holds a single network can make up nothing.
//!
//! What this is not: proof. A peer may throw away what it was sent, and many networks may lie together.
//!
//! What always holds: a chunk counts at most once for each peer, so there are never more confirmed copies than claimed
//! ones; at most [`MOST_PEERS`] peers are remembered.

use std::collections::{BTreeMap, BTreeSet};

use shoal_content::{ChunkIndex, ChunkSet};

use crate::PeerName;

/// Peers that were sent something and are remembered, whether they are here or not.
const MOST_PEERS: usize = 1024;

/// What was sent to which peer.
#[derive(Debug)]
pub struct ConfirmedCopies<P> {
    chunks: usize,
    sent: BTreeMap<P, ChunkSet>,
}

/// What one peer says.
#[derive(Debug)]
pub struct PeerClaim<'a, P, N> {
    /// The peer.
    pub peer: P,
    /// The network in which it stands; `None`: one that nobody can be in who is far away, so it counts by itself.
    pub network: Option<N>,
    /// What it says that it has; of the content's length.
    pub have: &'a ChunkSet,
}

impl<P: PeerName> ConfirmedCopies<P> {
    /// Nothing of a content of so many chunks was sent.
    pub fn new(chunks: usize) -> Self {
        Self { chunks, sent: BTreeMap::new() }
    }

    /// A chunk was sent to a peer. One that the content does not have is ignored, and so are peers beyond 1024,
    /// which can only make this count too little.
    pub fn sent(&mut self, peer: P, chunk: ChunkIndex) {
        let room = self.sent.len() < MOST_PEERS || self.sent.contains_key(&peer);
        if room && (chunk as usize) < self.chunks {
            let none = || ChunkSet::with_capacity(self.chunks);
            self.sent.entry(peer).or_insert_with(none).insert(chunk as usize);
        }
    }

    /// Of every chunk there are at least so many confirmed copies with these peers, each of which is named once. 0 for
    /// a content without chunks. Takes a pass over the chunks for each peer.
    pub fn count<N: Ord + Copy>(&self, claims: &[PeerClaim<'_, P, N>]) -> usize {
        let mut proven = vec![0_u32; self.chunks];
        let mut networks: BTreeMap<N, ChunkSet> = BTreeMap::new();
        let mut vouching = vec![0_u32; self.chunks];
        let empty = ChunkSet::default();
        for claim in claims.iter().filter(|claim| claim.have.len() == self.chunks) {
            let sent = self.sent.get(&claim.peer).unwrap_or(&empty);
            claim.have.intersection(sent).for_each(|chunk| proven[chunk] += 1);
            let only_said = claim.have.difference(sent);
            match claim.network {
                Some(network) => {
                    let none = || ChunkSet::with_capacity(self.chunks);
                    let said = networks.entry(network).or_insert_with(none);
                    only_said.for_each(|chunk| said.insert(chunk));
                }
                None => only_said.for_each(|chunk| vouching[chunk] += 1),
            }
        }
        networks.values().flat_map(ChunkSet::ones).for_each(|chunk| vouching[chunk] += 1);
        let copies = proven.iter().zip(&vouching).map(|(proven, said)| proven + said.saturating_sub(1));
        copies.min().unwrap_or(0) as usize
    }

    /// Forgets what was sent to peers that are gone, if there are too many.
    pub fn keep(&mut self, here: &BTreeSet<P>) {
        if self.sent.len() >= MOST_PEERS {
            self.sent.retain(|peer, _| here.contains(peer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNKS: usize = 8;

    fn set(chunks: impl IntoIterator<Item = usize>) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(CHUNKS);
        chunks.into_iter().for_each(|chunk| set.insert(chunk));
        set
    }

    fn claim(peer: u32, network: Option<u8>, have: &ChunkSet) -> PeerClaim<'_, u32, u8> {
        PeerClaim { peer, network, have }
    }

    #[test]
    fn one_peers_word_is_worth_nothing_and_what_it_was_sent_is() {
        let all = set(0..CHUNKS);
        let mut copies = ConfirmedCopies::new(CHUNKS);
        let one = [claim(1, Some(1), &all)];
        assert_eq!(copies.count(&one), 0);
        assert_eq!(copies.count(&[claim(1, None, &all)]), 0);
        (0..CHUNKS as u32 - 1).for_each(|chunk| copies.sent(1, chunk));
        assert_eq!(copies.count(&one), 0, "one chunk is only said");
        copies.sent(1, CHUNKS as u32 - 1);
        assert_eq!(copies.count(&one), 1);
        assert_eq!(copies.count(&[claim(1, Some(1), &set([0]))]), 0, "it has not said that they arrived");
    }

    #[test]
    fn many_of_one_network_are_one_and_of_several_all_but_one() {
        let all = set(0..CHUNKS);
        let copies = ConfirmedCopies::new(CHUNKS);
        let of = |networks: &[Option<u8>]| {
            let claims: Vec<_> =
                (0..).zip(networks).map(|(peer, network)| claim(peer, *network, &all)).collect();
            copies.count(&claims)
        };
        assert_eq!(of(&[Some(1); 50]), 0);
        assert_eq!(of(&[Some(1), Some(1), Some(2)]), 1);
        assert_eq!(of(&[Some(1), Some(2), Some(3)]), 2);
        assert_eq!(of(&[None, None, None]), 2, "neighbours on this machine and its network count one by one");
    }

    /// What downloaders pass on among themselves on one network is confirmed by those that were sent it.
    #[test]
    fn a_swarm_that_was_sent_each_chunk_once_has_a_copy() {
        let all = set(0..CHUNKS);
        let mut copies = ConfirmedCopies::new(CHUNKS);
        (0..CHUNKS as u32).for_each(|chunk| copies.sent(chunk % 2, chunk));
        assert_eq!(copies.count(&[claim(0, Some(1), &all), claim(1, Some(1), &all)]), 1);
        assert_eq!(copies.count(&[claim(0, Some(1), &all)]), 0);
    }

    proptest! {
        #[test]
        fn never_more_than_claimed_and_never_one_network_alone(
            sent in prop::collection::vec((0u32..4, 0u32..10), 0..40),
            claims in prop::collection::vec((prop::option::of(0u8..3), prop::collection::vec(0..CHUNKS, 0..12)), 0..4),
        ) {
            let mut copies = ConfirmedCopies::new(CHUNKS);
            sent.iter().for_each(|(peer, chunk)| copies.sent(*peer, *chunk));
            let sets: Vec<ChunkSet> = claims.iter().map(|(_, have)| set(have.iter().copied())).collect();
            let claims: Vec<_> =
                (0..).zip(&claims).zip(&sets).map(|((peer, (network, _)), have)| claim(peer, *network, have)).collect();
            let claimed = (0..CHUNKS).map(|c| sets.iter().filter(|have| have.contains(c)).count()).min();
            let confirmed = copies.count(&claims);
            prop_assert!(confirmed <= claimed.unwrap_or(0));
            if sent.is_empty() && claims.iter().all(|it| it.network == Some(1)) {
                prop_assert_eq!(confirmed, 0);
            }
        }
    }
}
