//! One content of an upload queue.
//!
//! What always holds: a content that no peer has to do with takes no more memory than its table of lengths.

use std::collections::BTreeMap;
use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet};

use super::holders::Holders;
use super::messages::SessionId;
use super::seeding::InitialSeeding;
use crate::{ChunkNews, PeerName, SeededRng};

/// After so many chunks of our choice, one more of them may be sent at once. The very first ones go one after
/// another: the sooner each arrives, the sooner another peer has something to relay.
const SLOW_START: usize = 2;

#[derive(Debug)]
pub(super) struct Content<P> {
    /// Bytes of each chunk.
    lengths: Arc<[u32]>,
    /// Whether every chunk is here, so that a choice can be left to us.
    complete: bool,
    /// `None` while no peer has said what it has or been sent anything.
    swarm: Option<Box<Swarm<P>>>,
    /// The chunk that each open session was sent last, or is being sent.
    last_sent: BTreeMap<SessionId, (P, ChunkIndex)>,
}

/// What the peers of a content have, and what they were sent.
#[derive(Debug)]
struct Swarm<P> {
    /// How often each chunk was sent.
    sent: Vec<u16>,
    holders: Holders<P>,
    /// `None` until the content is complete.
    seeding: Option<InitialSeeding<P>>,
    /// Chunks of our choice that are under way.
    choices: usize,
    /// Chunks of our choice so far.
    chosen: usize,
}

impl<P: PeerName> Swarm<P> {
    fn is_idle(&self) -> bool {
        let confirmed = self.seeding.as_ref().is_none_or(InitialSeeding::all_confirmed);
        self.holders.is_empty() && confirmed && self.choices == 0
    }

    fn has_undistributed(&self) -> bool {
        self.seeding.as_ref().is_some_and(|seeding| seeding.has_undistributed(&self.holders))
    }
}

impl<P: PeerName> Content<P> {
    pub(super) fn new(lengths: Arc<[u32]>, complete: bool) -> Self {
        Self { lengths, complete, swarm: None, last_sent: BTreeMap::new() }
    }

    /// Every chunk is here now.
    pub(super) fn completed(&mut self) {
        self.complete = true;
        if let Some(swarm) = &mut self.swarm {
            let seeding = || InitialSeeding::new(self.lengths.clone(), &swarm.holders);
            swarm.seeding.get_or_insert_with(seeding);
        }
    }

    fn swarm(&mut self) -> &mut Swarm<P> {
        self.swarm.get_or_insert_with(|| {
            let holders = Holders::new(self.lengths.len());
            let seeding = self.complete.then(|| InitialSeeding::new(self.lengths.clone(), &holders));
            Box::new(Swarm { sent: vec![0; self.lengths.len()], holders, seeding, choices: 0, chosen: 0 })
        })
    }

    fn free_if_idle(&mut self) {
        if self.swarm.as_ref().is_some_and(|swarm| swarm.is_idle()) {
            self.swarm = None;
        }
    }

    /// Bytes of a chunk; of any one where the choice is left to us.
    pub(super) fn len(&self, chunk: Option<ChunkIndex>) -> u32 {
        self.lengths.get(chunk.unwrap_or(0) as usize).copied().unwrap_or(0)
    }

    /// For each stretch of so many chunks: how many known peers have its rarest chunk.
    pub(super) fn rarity(&self, stretch: usize) -> Vec<u16> {
        match &self.swarm {
            Some(swarm) => swarm.holders.rarity(stretch),
            None => vec![0; self.lengths.len().div_ceil(stretch.max(1))],
        }
    }

    /// A peer said that it has chunks that it did not have before.
    pub(super) fn gained(&mut self, peer: P, news: &ChunkNews) {
        let Swarm { holders, seeding, .. } = self.swarm();
        let complete = holders.gained(peer, news);
        match seeding {
            Some(seeding) if complete => seeding.complete_came(&peer, holders),
            Some(seeding) => seeding.gained(peer, news, holders),
            None => {}
        }
    }

    /// Has the caches fetch what [`gained`](Self::gained) needs.
    pub(super) fn prefetch_news<'a>(&self, news: impl Iterator<Item = &'a ChunkNews>) {
        let Some(swarm) = &self.swarm else { return };
        swarm.holders.prefetch_peers();
        news.filter_map(|news| news.iter().next()).for_each(|chunk| swarm.holders.prefetch(chunk));
    }

    /// A peer is gone; `had` is all that it had said.
    pub(super) fn gone(&mut self, peer: &P, had: &ChunkSet) {
        let Some(swarm) = &mut self.swarm else { return };
        let counted = swarm.holders.gone(peer, had);
        if let Some(seeding) = &mut swarm.seeding {
            seeding.gone(peer, counted.then_some(had), &swarm.holders);
        }
        self.free_if_idle();
    }

    /// A peer's last session ended. If it never said what it has, nothing more is to be expected of it.
    pub(super) fn sessions_ended(&mut self, peer: &P) {
        let Some(swarm) = self.swarm.as_mut().filter(|swarm| !swarm.holders.knows(peer)) else { return };
        if let Some(seeding) = &mut swarm.seeding {
            seeding.gone(peer, None, &swarm.holders);
        }
        self.free_if_idle();
    }

    /// How many copies the known peers have together.
    pub(super) fn copies(&self) -> usize {
        self.swarm.as_ref().map_or(0, |swarm| swarm.holders.copies())
    }

    /// Whether a chunk of our choice may be sent now, or it is clear that there is none.
    pub(super) fn may_choose(&self) -> bool {
        let slow = |swarm: &Swarm<P>| swarm.choices > swarm.chosen / SLOW_START && swarm.has_undistributed();
        !self.swarm.as_ref().is_some_and(|swarm| slow(swarm))
    }

    /// A chunk that no peer has or was sent.
    pub(super) fn choose(&mut self, rng: &mut SeededRng) -> Option<ChunkIndex> {
        if !self.complete {
            return None;
        }
        let Swarm { holders, seeding, .. } = self.swarm();
        seeding.as_ref()?.pick(holders, rng)
    }

    /// A chunk is being sent to a peer; `chosen` by us.
    pub(super) fn sent(&mut self, peer: P, chunk: ChunkIndex, chosen: bool) {
        let swarm = self.swarm();
        if let Some(sent) = swarm.sent.get_mut(chunk as usize) {
            *sent = sent.saturating_add(1);
        }
        if let Some(seeding) = &mut swarm.seeding {
            seeding.sent(peer, chunk, &swarm.holders);
        }
        swarm.choices += usize::from(chosen);
        swarm.chosen += usize::from(chosen);
    }

    /// A chunk of our choice is under way no more.
    pub(super) fn choice_ended(&mut self) {
        if let Some(swarm) = &mut self.swarm {
            // One that began before the content was removed and added again was never counted.
            swarm.choices = swarm.choices.saturating_sub(1);
        }
        self.free_if_idle();
    }

    pub(super) fn set_last_sent(&mut self, session: SessionId, peer: P, chunk: ChunkIndex) {
        self.last_sent.insert(session, (peer, chunk));
    }

    pub(super) fn forget_last_sent(&mut self, session: SessionId) {
        self.last_sent.remove(&session);
    }

    pub(super) fn last_sent(&self) -> impl Iterator<Item = (P, ChunkIndex)> {
        self.last_sent.values().copied()
    }

    /// How many known peers have a chunk.
    pub(super) fn holders(&self, chunk: ChunkIndex) -> usize {
        self.swarm.as_ref().map_or(0, |swarm| swarm.holders.of(chunk))
    }

    /// How often a chunk was sent.
    pub(super) fn times_sent(&self, chunk: ChunkIndex) -> u16 {
        self.swarm.as_ref().and_then(|swarm| swarm.sent.get(chunk as usize).copied()).unwrap_or(0)
    }

    /// How many chunks a peer has.
    pub(super) fn chunks_of(&self, peer: &P) -> usize {
        self.swarm.as_ref().map_or(0, |swarm| swarm.holders.chunks(peer))
    }

    /// How many chunks were sent to a peer first and are with no second peer yet.
    pub(super) fn unrelayed(&self, peer: &P) -> usize {
        let seeding = self.swarm.as_ref().and_then(|swarm| swarm.seeding.as_ref());
        seeding.map_or(0, |seeding| seeding.unrelayed(peer))
    }

    /// Whether nothing but the table of lengths is kept.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.swarm.is_none() && self.last_sent.is_empty()
    }
}
