//! One download: which chunk is asked of which peer.
//!
//! **Which chunk**: the first few at random, then the rarest among those that a peer has, ties at
//! random (the piece selection of BitTorrent: Cohen, "Incentives Build Robustness in BitTorrent",
//! 2003). **How many** under way per peer: what it sends in a round trip and two seconds, within bounds.
//! **Initial seeding**: a complete peer is asked for chunks of its own choice, until it says that it has
//! given every one to somebody. **Takeover**: a peer with nothing else to give is asked for a chunk that
//! another peer is asked for already, if it is expected to deliver well before that one; the loser is
//! cancelled. That is how chunks of slow peers come, and the endgame. A peer that sends nothing for the stall time loses its requests;
//! after three times it is dropped. A peer whose bytes did not match is banned at once.
//!
//! What always holds: no chunk is asked of the same peer twice at once, nor of more than two peers;
//! requests per peer stay within [`DownloadConfig::max_in_flight`], or on a long line within
//! [`MAX_WAITING`](shoal_wire::chunks::MAX_WAITING); a stored chunk is
//! never asked for again.

mod asking;
mod figures;
mod messages;
mod peer;
mod peers;
mod prefetching;
mod rarity;
mod relief;
mod requests;
#[cfg(test)]
mod tests;
mod throughput;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;

pub use self::messages::{DownloadConfig, DropReason, Input, Output, PeerChoice, Topology};
use self::peer::Peer;
use self::peers::{PeerIndex, Peers};
use self::rarity::Rarity;
use self::relief::Relief;
use self::throughput::Throughput;
use super::{ChunkNews, PeerName, SeededRng};
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_wire::chunks::ChunkRefusal;

/// Names a request; rises with time, unique within one [`Download`].
pub type RequestId = u64;

/// Stalls in a row before a peer is dropped.
const MAX_STALLS: u32 = 3;
/// A peer that has given nothing for this long is not counted on, however much it says that it has.
const GIVES_WITHIN: Duration = Duration::from_secs(30);
/// A peer that has sent so many good chunks since it came is not taken for a liar because of a wrong one.
const GOOD_BEFORE_ROT: u32 = 16;
/// A peer that refuses a choice as busy after this time had it in its queue, and may be asked again at once.
const QUEUED: Duration = Duration::from_secs(1);

/// The state of a download. See its module.
#[derive(Debug)]
pub struct Download<P = PeerId> {
    config: DownloadConfig,
    rng: SeededRng,
    /// Length of each chunk, in bytes.
    lengths: Arc<[u32]>,
    /// What a chunk is expected to weigh before it is known which, in bytes.
    usual_len: u32,
    wanted: ChunkSet,
    stored: ChunkSet,
    /// Wanted chunks.
    total: usize,
    /// Wanted chunks that are not stored.
    left: usize,
    peers: Peers<P>,
    /// How many of them have everything.
    complete_peers: usize,
    throughput: Throughput,
    /// Bytes of chunks that came from anybody.
    arrived: u64,
    rarity: Rarity,
    /// The peer that each chunk was asked of; two peers in the endgame.
    asked: BTreeMap<ChunkIndex, Vec<(PeerIndex, RequestId)>>,
    /// Requests under way for which the peer has not chosen a chunk yet.
    unchosen: usize,
    /// Peers that may take another request since something happened to them.
    changed: BTreeSet<PeerIndex>,
    /// How many chunks may be under way in all where there are many peers, as computed last.
    request_target: usize,
    next_id: RequestId,
    paused: bool,
    /// No peer stalls before this time.
    check_at: Option<Duration>,
    /// No peer's rest ends before this time.
    wake_at: Option<Duration>,
    /// When to look for chunks to take over although nothing happened.
    look_again: Option<Duration>,
    /// When that was done last.
    looked: Option<Duration>,
    outputs: VecDeque<Output<P>>,
    complete: bool,
}

impl<P: PeerName> Download<P> {
    /// Starts a download of `wanted`, of which `stored` are here already. Both sets and `lengths` are
    /// as long as the content's chunk table.
    pub fn new(
        config: DownloadConfig,
        lengths: Arc<[u32]>,
        wanted: ChunkSet,
        stored: &ChunkSet,
        rng: SeededRng,
    ) -> Self {
        assert!(wanted.len() == lengths.len() && stored.len() == lengths.len(), "sets fit the content");
        let mut rarity = Rarity::new(lengths.len());
        let stored: ChunkSet = {
            let mut both = wanted.clone();
            both.intersect_with(stored);
            both
        };
        wanted.difference(&stored).for_each(|chunk| rarity.open(chunk as ChunkIndex));
        let left = rarity.open_count();
        let sum: u64 = lengths.iter().map(|l| u64::from(*l)).sum();
        let usual_len = (sum / (lengths.len() as u64).max(1)) as u32;
        let mut download = Self {
            config: DownloadConfig { ask_any: config.ask_any && wanted.is_full(), ..config },
            rng,
            usual_len,
            lengths,
            total: wanted.count_ones(..),
            wanted,
            stored,
            left,
            peers: Peers::default(),
            complete_peers: 0,
            throughput: Throughput::default(),
            arrived: 0,
            rarity,
            asked: BTreeMap::new(),
            unchosen: 0,
            changed: BTreeSet::new(),
            request_target: 0,
            next_id: 0,
            paused: false,
            check_at: None,
            wake_at: None,
            look_again: None,
            looked: None,
            outputs: VecDeque::new(),
            complete: false,
        };
        download.complete_if_done();
        download
    }

    /// Takes what happened. Drain [`poll_output`](Self::poll_output) afterwards.
    ///
    /// Returns whether there may be anything to do: most news is of chunks that are here or asked for, and there is
    /// so much of it that it should cost nothing.
    pub fn handle(&mut self, now: Duration, input: Input<P>) -> bool {
        let news = matches!(input, Input::Have { .. });
        self.take(now, input);
        if news && self.changed.is_empty() {
            return false;
        }
        self.check_stalls(now);
        self.fill(now);
        true
    }

    /// An input about a peer that is unknown or gone is ignored, unless it brings a chunk.
    fn take(&mut self, now: Duration, input: Input<P>) {
        let index = input.peer().and_then(|peer| self.peers.index_of(peer));
        match (input, index) {
            (Input::PeerUp { peer, rtt }, _) => self.peer_up(now, peer, rtt),
            (Input::Stored { id, chunk, .. }, index) => self.chunk_stored(index, id, chunk),
            (Input::Corrupt { peer, chunk, .. }, index) => self.corrupt(peer, index, chunk),
            (Input::Pause, _) => self.paused = true,
            (Input::Resume, _) => self.resume(now),
            (Input::Timeout, _) | (_, None) => {}
            (Input::PeerDown { .. }, Some(index)) => self.peer_down(index),
            (Input::Have { chunks, .. }, Some(index)) => self.have(index, &chunks),
            (Input::Progress { bytes, .. }, Some(index)) => self.progress(now, index, bytes),
            (Input::Load { load, .. }, Some(index)) => self.peers[index].told = load,
            (Input::Begun { id, chunk, queued, .. }, Some(index)) => {
                self.peers[index].told.queued = queued;
                self.begun(index, id, chunk);
            }
            (Input::Refused { id, why, .. }, Some(index)) => self.refused(now, index, id, why),
            (Input::StreamLost { .. }, Some(index)) => self.reopen_all(index),
        }
    }

    /// The next thing to do, if there is one.
    pub fn poll_output(&mut self) -> Option<Output<P>> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`] at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        let asking = (!self.paused && !self.complete).then_some([self.check_at, self.look_again]);
        asking.into_iter().flatten().chain([self.wake_at]).flatten().min()
    }

    /// Whether every wanted chunk is stored.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Whether news of what others have could lead to a request now. If not, it may be told together with what
    /// happens next.
    pub fn is_hungry(&self) -> bool {
        !self.paused && (!self.has_many() || self.asked.len() < self.request_target.max(1))
    }

    /// Wanted chunks that are not stored yet.
    pub fn left(&self) -> usize {
        self.left
    }

    /// How many missing chunks no connected peer has. What is being asked of a peer counts as available. Takes no
    /// longer for a large content.
    pub fn unavailable(&self) -> usize {
        if self.complete_peers > 0 { 0 } else { self.rarity.unheld_count() }
    }

    /// Whether something that is missing may come from a peer: it has some of that, has not been silent when it was
    /// asked, and gave something of late or has not been here for long. Takes a pass over the chunks.
    pub(crate) fn hopes_in(&self, now: Duration, peer: &P) -> bool {
        let Some(index) = self.peers.index_of(peer) else { return false };
        let peer = &self.peers[index];
        let missing = |chunk: usize| self.wanted.contains(chunk) && !self.stored.contains(chunk);
        peer.stalls == 0 && now < peer.gave_at + GIVES_WITHIN && peer.have.ones().any(missing)
    }

    /// Bytes of a chunk; 0 for one that the content does not have.
    pub fn length(&self, chunk: ChunkIndex) -> u32 {
        self.lengths.get(chunk as usize).copied().unwrap_or(0)
    }

    fn peer_up(&mut self, now: Duration, peer: P, rtt: Duration) {
        let chunks = self.lengths.len();
        let known = self.peers.index_of(&peer);
        let index = known.unwrap_or_else(|| self.peers.insert(Peer::new(peer, now, chunks, rtt)));
        self.peers[index].rtt = rtt;
        self.changed.insert(index);
    }

    fn progress(&mut self, now: Duration, index: PeerIndex, bytes: u64) {
        self.peers[index].progress(now, bytes);
        self.throughput.add(now, bytes);
        self.arrived = self.arrived.saturating_add(bytes);
        self.changed.insert(index);
    }

    /// A chunk that a peer chose is asked of nobody else from now on.
    fn begun(&mut self, index: PeerIndex, id: RequestId, chunk: ChunkIndex) {
        let Some(len) = self.lengths.get(chunk as usize) else { return };
        if self.peers[index].began(id, chunk, *len) != Some(true) {
            return;
        }
        self.unchosen -= 1;
        if self.stored.contains(chunk as usize) || !self.wanted.contains(chunk as usize) {
            return self.chose_in_vain(index);
        }
        let asked = self.asked.get(&chunk).into_iter().flatten();
        let comes = asked.into_iter().any(|(other, id)| self.peers[*other].has_begun(*id));
        self.rarity.close(chunk);
        self.cancel_others(chunk);
        self.asked.insert(chunk, vec![(index, id)]);
        if comes {
            self.chose_in_vain(index);
        }
    }

    /// A peer chose a chunk that is here or comes from another one. That may happen when another peer was quicker; one that does it again and again
    /// is asked for certain chunks from now on.
    fn chose_in_vain(&mut self, index: PeerIndex) {
        if !self.peers[index].chose_in_vain() {
            return;
        }
        self.peers[index].may_choose = false;
        let unchosen: Vec<_> = self.peers[index].pending.unchosen().collect();
        unchosen.into_iter().for_each(|id| self.cancel(index, id));
        self.changed.insert(index);
    }

    /// Takes back every request that is listed for a chunk.
    fn cancel_others(&mut self, chunk: ChunkIndex) {
        for (index, id) in self.asked.get(&chunk).cloned().unwrap_or_default() {
            self.cancel(index, id);
        }
    }

    /// Takes a request back.
    fn cancel(&mut self, index: PeerIndex, id: RequestId) {
        self.end_request(index, id);
        self.changed.insert(index);
        self.outputs.push_back(Output::Cancel { peer: self.peers[index].id, id });
    }

    fn peer_down(&mut self, index: PeerIndex) {
        self.reopen_all(index);
        self.changed.remove(&index);
        let Some(gone) = self.peers.remove(index) else { return };
        if gone.complete {
            self.complete_peers -= 1;
        } else {
            gone.have.ones().for_each(|chunk| self.rarity.lose(chunk as ChunkIndex));
        }
    }

    fn have(&mut self, index: PeerIndex, chunks: &ChunkNews) {
        let peer = &mut self.peers[index];
        if peer.complete || !chunks.fits(self.lengths.len()) {
            return;
        }
        // Most news is of chunks that are here or asked for: it is no reason to look for something to ask.
        let mut open = false;
        for chunk in chunks.iter() {
            if !peer.have.put(chunk as usize) {
                peer.has += 1;
                open |= self.rarity.is_open(chunk);
                self.rarity.gain(chunk);
            }
        }
        if open {
            peer.uninteresting = false;
            self.changed.insert(index);
        }
        if peer.has == self.lengths.len() {
            peer.complete = true;
            self.complete_peers += 1;
            (0..self.lengths.len()).for_each(|chunk| self.rarity.lose(chunk as ChunkIndex));
        }
    }

    fn chunk_stored(&mut self, index: Option<PeerIndex>, id: RequestId, chunk: ChunkIndex) {
        if let Some(index) = index {
            self.end_request(index, id);
            self.changed.insert(index);
            let peer = &mut self.peers[index];
            peer.backoff.succeed();
            peer.good = peer.good.saturating_add(1);
        }
        if !self.wanted.contains(chunk as usize) || self.stored.put(chunk as usize) {
            return;
        }
        self.left -= 1;
        self.rarity.close(chunk);
        self.cancel_others(chunk);
        self.complete_if_done();
    }

    fn complete_if_done(&mut self) {
        if self.left == 0 && !self.complete {
            self.complete = true;
            self.outputs.push_back(Output::Complete);
        }
    }

    fn corrupt(&mut self, peer: P, index: Option<PeerIndex>, chunk: ChunkIndex) {
        let good = index.map_or(0, |index| self.peers[index].good);
        if let Some(index) = index {
            self.peer_down(index);
        }
        let rotten = good >= GOOD_BEFORE_ROT;
        let reason = if rotten { DropReason::Rotten(chunk) } else { DropReason::Corrupt(chunk) };
        self.outputs.push_back(Output::Drop { peer, reason });
    }

    fn refused(&mut self, now: Duration, index: PeerIndex, id: RequestId, why: ChunkRefusal) {
        let asked = self.peers[index].pending.get(id).map(|p| p.asked);
        let Some(chunk) = self.end_request(index, id) else { return };
        chunk.into_iter().for_each(|chunk| self.reopen(chunk));
        self.changed.insert(index);
        let grace = now + self.config.seed_grace;
        let (before, arrived) = (self.throughput.rate(), self.arrived);
        let state = &mut self.peers[index];
        match (why, chunk) {
            (ChunkRefusal::NotFound, Some(chunk)) => {
                if state.complete {
                    state.complete = false;
                    self.complete_peers -= 1;
                    (0..self.lengths.len()).for_each(|chunk| self.rarity.gain(chunk as ChunkIndex));
                }
                if state.have.contains(chunk as usize) {
                    state.have.remove(chunk as usize);
                    state.has -= 1;
                    self.rarity.lose(chunk);
                }
            }
            (ChunkRefusal::NoneFresh, _) => {
                // Others have been given the rest; they are about to pass it on.
                if std::mem::take(&mut state.may_choose) {
                    // One that gave nothing is no part of what came before.
                    let before = before.filter(|_| state.has_chosen());
                    state.relief = before.map(|before| Relief::new(now, before, arrived));
                    self.rest(index, grace);
                }
            }
            // It chose one that it does not have any more. Asked for certain chunks, it says which those are.
            (ChunkRefusal::NotFound, None) => state.may_choose = false,
            // The node itself takes back what it cannot store: no fault of the peer.
            (ChunkRefusal::Busy, _) if self.paused => {}
            // A seed with many to give to. Another pause would only leave its line idle.
            (ChunkRefusal::Busy, None) if asked.is_some_and(|at| now >= at + QUEUED) => {}
            // Several refusals at once say no more than one.
            (ChunkRefusal::Busy | ChunkRefusal::Choked | ChunkRefusal::Unsupported, _)
                if state.rest_until > now => {}
            (ChunkRefusal::Busy | ChunkRefusal::Choked | ChunkRefusal::Unsupported, _) => {
                let until = now + state.backoff.fail();
                self.rest(index, until);
            }
        }
    }

    fn resume(&mut self, now: Duration) {
        self.paused = false;
        for (index, peer) in self.peers.iter_mut() {
            peer.last_progress = now;
            self.changed.insert(index);
        }
    }

    /// Forgets a request; returns its chunk, if one was chosen, if the request was under way.
    fn end_request(&mut self, index: PeerIndex, id: RequestId) -> Option<Option<ChunkIndex>> {
        let Some(chunk) = self.peers[index].ended(id)?.chunk else {
            self.unchosen -= 1;
            return Some(None);
        };
        if let Some(asked) = self.asked.get_mut(&chunk) {
            asked.retain(|a| *a != (index, id));
            if asked.is_empty() {
                self.asked.remove(&chunk);
            }
        }
        Some(Some(chunk))
    }

    /// Makes a chunk available for asking again, unless it is stored or asked of somebody else.
    fn reopen(&mut self, chunk: ChunkIndex) {
        if !self.stored.contains(chunk as usize) && !self.asked.contains_key(&chunk) {
            self.rarity.open(chunk);
            for (index, peer) in self.peers.iter_mut().filter(|(_, p)| p.have.contains(chunk as usize)) {
                peer.uninteresting = false;
                self.changed.insert(index);
            }
        }
    }

    fn reopen_all(&mut self, index: PeerIndex) {
        let ids: Vec<_> = self.peers[index].pending.ids().collect();
        for id in ids {
            if let Some(Some(chunk)) = self.end_request(index, id) {
                self.reopen(chunk);
            }
        }
    }

    /// Takes requests from peers that send nothing.
    fn check_stalls(&mut self, now: Duration) {
        if self.paused || self.check_at.is_none_or(|at| now < at) {
            return;
        }
        let stall = self.config.stall;
        let stalled = |p: &Peer<P>| !p.pending.is_empty() && now >= p.last_progress + stall;
        let stalled: Vec<_> = self.peers.iter().filter(|(_, p)| stalled(p)).map(|(index, _)| index).collect();
        for index in stalled {
            let state = &mut self.peers[index];
            state.stalls += 1;
            let (peer, stalls) = (state.id, state.stalls);
            let until = now + state.backoff.fail();
            let cancels: Vec<_> = state.pending.ids().collect();
            self.outputs.extend(cancels.into_iter().map(|id| Output::Cancel { peer, id }));
            self.reopen_all(index);
            self.rest(index, until);
            if stalls >= MAX_STALLS {
                self.peer_down(index);
                self.outputs.push_back(Output::Drop { peer, reason: DropReason::Stalled });
            }
        }
        let asked = self.peers.values().filter(|p| !p.pending.is_empty());
        self.check_at = asked.map(|p| p.last_progress + stall).min();
    }
}
