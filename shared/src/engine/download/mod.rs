//! One download: which chunk to ask of whom.
//!
//! **Which chunk**: the first few at random, then the rarest among those that a peer has, ties at
//! random (the piece selection of BitTorrent: Cohen, "Incentives Build Robustness in BitTorrent",
//! 2003). **How many** under way per peer: what it sends in a round trip and two seconds, within bounds.
//! **Endgame**: a peer with nothing else to give is asked for a chunk that another peer is asked for
//! already, if it is expected to deliver well before that one; the loser is cancelled. That is also how
//! chunks of slow peers are taken over. A peer that sends nothing for the stall time loses its requests;
//! after three times it is dropped. A peer whose bytes did not match is banned at once.
//!
//! What always holds: no chunk is asked of the same peer twice at once, nor of more than two peers;
//! requests per peer stay within [`Config::max_in_flight`]; a stored chunk is never asked for again.

mod peer;
mod rarity;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;

use self::peer::{Peer, Pending};
use self::rarity::Rarity;
use super::SeededRng;
use crate::content::{ChunkIndex, ChunkSet};
use crate::wire::chunks::Refusal;

/// Names a request; rises with time, unique within one [`Download`].
pub type RequestId = u64;

/// Chunks that are picked at random before rarity counts, so that there is soon something to pass on.
const RANDOM_FIRST: usize = 4;
/// Stalls in a row before a peer is dropped.
const MAX_STALLS: u32 = 3;
/// A chunk is asked of another peer if that one is expected to need less than this share of the time.
const TAKEOVER: f64 = 0.6;
/// A peer whose rate is unknown is given this long before its chunks may be taken over.
const UNKNOWN_GRACE: Duration = Duration::from_secs(2);

/// In the endgame, chunks of silent peers are looked for this often.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What a user may choose.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Most requests under way per peer; at least 1.
    pub max_in_flight: usize,
    /// A peer that was asked and sends nothing for this long has stalled.
    pub stall: Duration,
    /// Stored chunks are announced together, this long after the first of them.
    pub announce_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_in_flight: 16, stall: Duration::from_secs(10), announce_after: Duration::from_millis(100) }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// A peer joined: it may be asked once it says what it has.
    PeerUp {
        /// Who.
        peer: PeerId,
        /// Round trip, as measured by the join.
        rtt: Duration,
    },
    /// A peer is gone.
    PeerDown {
        /// Who.
        peer: PeerId,
    },
    /// A peer said that it has some chunks (more).
    Have {
        /// Who.
        peer: PeerId,
        /// Which; of this content's length.
        chunks: ChunkSet,
    },
    /// Bytes of chunks came from a peer, whether their chunk is whole or not.
    Progress {
        /// Who.
        peer: PeerId,
        /// How many.
        bytes: u64,
    },
    /// A chunk was verified and stored.
    Stored {
        /// From whom.
        peer: PeerId,
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
    },
    /// A chunk did not match its hash or length.
    Corrupt {
        /// From whom.
        peer: PeerId,
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
    },
    /// A peer refused a request.
    Refused {
        /// Who.
        peer: PeerId,
        /// Which request.
        id: RequestId,
        /// Why.
        why: Refusal,
    },
    /// The stream of a peer broke; everything asked of it is open again.
    StreamLost {
        /// Who.
        peer: PeerId,
    },
    /// Chunks cannot be stored for now: ask for nothing.
    Pause,
    /// Chunks can be stored again.
    Resume,
    /// Time has passed; see [`Download::next_timeout`].
    Timeout,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Ask a peer for a chunk.
    Request {
        /// Whom.
        peer: PeerId,
        /// The request's id.
        id: RequestId,
        /// Which chunk.
        chunk: ChunkIndex,
    },
    /// Take a request back.
    Cancel {
        /// Whom.
        peer: PeerId,
        /// Which request.
        id: RequestId,
    },
    /// Tell the others that these chunks are here now.
    Announce(ChunkSet),
    /// Close the connection to a peer.
    Drop {
        /// Whom.
        peer: PeerId,
        /// Why.
        reason: DropReason,
    },
    /// Every wanted chunk is stored. Comes once, last.
    Complete,
}

/// Why a peer is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// It sent bytes that do not match this chunk's hash or length. It must not come back.
    Corrupt(ChunkIndex),
    /// It was asked again and again and sent nothing. It may come back.
    Stalled,
}

/// The state of a download. See its module.
#[derive(Debug)]
pub struct Download {
    config: Config,
    rng: SeededRng,
    /// Length of each chunk, in bytes.
    lengths: Vec<u32>,
    wanted: ChunkSet,
    stored: ChunkSet,
    /// Wanted chunks.
    total: usize,
    /// Wanted chunks that are not stored.
    left: usize,
    peers: BTreeMap<PeerId, Peer>,
    rarity: Rarity,
    /// Chunks asked for → who was asked. One, or two in the endgame.
    asked: BTreeMap<ChunkIndex, Vec<(PeerId, RequestId)>>,
    next_id: RequestId,
    paused: bool,
    unannounced: ChunkSet,
    announce_at: Option<Duration>,
    /// In the endgame, when to look for chunks to take over although nothing happened.
    look_again: Option<Duration>,
    outputs: VecDeque<Output>,
    complete: bool,
}

impl Download {
    /// Starts a download of `wanted`, of which `stored` are here already. Both sets and `lengths` are
    /// as long as the content's chunk table.
    pub fn new(
        config: Config,
        lengths: Vec<u32>,
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
        let mut download = Self {
            config,
            rng,
            unannounced: ChunkSet::with_capacity(lengths.len()),
            lengths,
            total: wanted.count_ones(..),
            wanted,
            stored,
            left,
            peers: BTreeMap::new(),
            rarity,
            asked: BTreeMap::new(),
            next_id: 0,
            paused: false,
            announce_at: None,
            look_again: None,
            outputs: VecDeque::new(),
            complete: false,
        };
        download.complete_if_done();
        download
    }

    /// Takes what happened. Drain [`poll_output`](Self::poll_output) afterwards.
    pub fn handle(&mut self, now: Duration, input: Input) {
        match input {
            Input::PeerUp { peer, rtt } => self.peer_up(now, peer, rtt),
            Input::PeerDown { peer } => self.peer_down(peer),
            Input::Have { peer, chunks } => self.have(&peer, &chunks),
            Input::Progress { peer, bytes } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.progress(now, bytes);
                }
            }
            Input::Stored { peer, id, chunk } => self.chunk_stored(now, peer, id, chunk),
            Input::Corrupt { peer, chunk, .. } => self.corrupt(peer, chunk),
            Input::Refused { peer, id, why } => self.refused(now, peer, id, why),
            Input::StreamLost { peer } => self.reopen_all(&peer),
            Input::Pause => self.paused = true,
            Input::Resume => self.resume(now),
            Input::Timeout => {}
        }
        self.check_stalls(now);
        self.announce_if_due(now);
        self.fill(now);
        self.look_again = self.endgame().then_some(now + LOOK_AGAIN);
    }

    /// The next thing to do, if there is one.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`] at the latest.
    pub fn next_timeout(&self) -> Option<Duration> {
        let stalls = self.peers.values().filter(|p| !p.pending.is_empty() && !self.paused);
        let stalls = stalls.map(|p| p.last_progress + self.config.stall);
        let rests = self.peers.values().filter(|p| p.rest_until > Duration::ZERO).map(|p| p.rest_until);
        stalls.chain(rests).chain(self.announce_at).chain(self.look_again).min()
    }

    /// Whether every wanted chunk is stored.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }

    /// Wanted chunks that are not stored yet.
    pub fn left(&self) -> usize {
        self.left
    }

    /// How many missing chunks nobody has who is connected.
    pub fn unavailable(&self) -> usize {
        if self.peers.values().any(|p| p.complete) {
            return 0;
        }
        let had = |chunk: usize| self.peers.values().any(|p| p.have.contains(chunk));
        self.wanted.difference(&self.stored).filter(|chunk| !had(*chunk)).count()
    }

    fn peer_up(&mut self, now: Duration, peer: PeerId, rtt: Duration) {
        let chunks = self.lengths.len();
        self.peers.entry(peer).or_insert_with(|| Peer::new(now, chunks, rtt)).rtt = rtt;
    }

    fn peer_down(&mut self, peer: PeerId) {
        self.reopen_all(&peer);
        let Some(gone) = self.peers.remove(&peer) else { return };
        if !gone.complete {
            gone.have.ones().for_each(|chunk| self.rarity.lose(chunk as ChunkIndex));
        }
    }

    fn have(&mut self, peer: &PeerId, chunks: &ChunkSet) {
        let Some(peer) = self.peers.get_mut(peer).filter(|p| !p.complete) else { return };
        if chunks.len() != self.lengths.len() {
            return;
        }
        for chunk in chunks.difference(&peer.have) {
            self.rarity.gain(chunk as ChunkIndex);
        }
        peer.barren = false;
        peer.have.union_with(chunks);
        if peer.have.is_full() {
            peer.complete = true;
            (0..self.lengths.len()).for_each(|chunk| self.rarity.lose(chunk as ChunkIndex));
        }
    }

    fn chunk_stored(&mut self, now: Duration, peer: PeerId, id: RequestId, chunk: ChunkIndex) {
        self.end_request(peer, id);
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.backoff.succeed();
        }
        if !self.wanted.contains(chunk as usize) || self.stored.put(chunk as usize) {
            return;
        }
        self.left -= 1;
        self.rarity.close(chunk);
        for (other, id) in self.asked.remove(&chunk).unwrap_or_default() {
            if let Some(other) = self.peers.get_mut(&other) {
                other.ended(id);
            }
            self.outputs.push_back(Output::Cancel { peer: other, id });
        }
        self.unannounced.insert(chunk as usize);
        self.announce_at.get_or_insert(now + self.config.announce_after);
        self.complete_if_done();
    }

    fn complete_if_done(&mut self) {
        if self.left == 0 && !self.complete {
            self.complete = true;
            self.announce();
            self.outputs.push_back(Output::Complete);
        }
    }

    fn corrupt(&mut self, peer: PeerId, chunk: ChunkIndex) {
        self.peer_down(peer);
        self.outputs.push_back(Output::Drop { peer, reason: DropReason::Corrupt(chunk) });
    }

    fn refused(&mut self, now: Duration, peer: PeerId, id: RequestId, why: Refusal) {
        let Some(chunk) = self.end_request(peer, id) else { return };
        self.reopen(chunk);
        let Some(state) = self.peers.get_mut(&peer) else { return };
        match why {
            Refusal::NotFound => {
                if state.complete {
                    state.complete = false;
                    (0..self.lengths.len()).for_each(|chunk| self.rarity.gain(chunk as ChunkIndex));
                }
                if state.have.contains(chunk as usize) {
                    state.have.remove(chunk as usize);
                    self.rarity.lose(chunk);
                }
            }
            Refusal::Busy | Refusal::Choked => state.rest_until = now + state.backoff.fail(),
        }
    }

    fn resume(&mut self, now: Duration) {
        self.paused = false;
        self.peers.values_mut().for_each(|p| p.last_progress = now);
    }

    /// Forgets a request; returns its chunk if it was under way.
    fn end_request(&mut self, peer: PeerId, id: RequestId) -> Option<ChunkIndex> {
        let chunk = self.peers.get_mut(&peer)?.ended(id)?.chunk;
        if let Some(asked) = self.asked.get_mut(&chunk) {
            asked.retain(|a| *a != (peer, id));
            if asked.is_empty() {
                self.asked.remove(&chunk);
            }
        }
        Some(chunk)
    }

    /// Makes a chunk available for asking again, unless it is stored or asked of somebody else.
    fn reopen(&mut self, chunk: ChunkIndex) {
        if !self.stored.contains(chunk as usize) && !self.asked.contains_key(&chunk) {
            self.rarity.open(chunk);
            self.peers.values_mut().for_each(|p| p.barren = false);
        }
    }

    fn reopen_all(&mut self, peer: &PeerId) {
        let ids: Vec<_> =
            self.peers.get(peer).map(|p| p.pending.keys().copied().collect()).unwrap_or_default();
        for id in ids {
            if let Some(chunk) = self.end_request(*peer, id) {
                self.reopen(chunk);
            }
        }
    }

    /// Takes requests from peers that send nothing.
    fn check_stalls(&mut self, now: Duration) {
        if self.paused {
            return;
        }
        let stall = self.config.stall;
        let stalled = |p: &Peer| !p.pending.is_empty() && now >= p.last_progress + stall;
        let stalled: Vec<_> = self.peers.iter().filter(|(_, p)| stalled(p)).map(|(id, _)| *id).collect();
        for peer in stalled {
            let state = self.peers.get_mut(&peer).expect("just listed");
            state.stalls += 1;
            let stalls = state.stalls;
            state.rest_until = now + state.backoff.fail();
            let cancels: Vec<_> = state.pending.keys().copied().collect();
            self.outputs.extend(cancels.into_iter().map(|id| Output::Cancel { peer, id }));
            self.reopen_all(&peer);
            if stalls >= MAX_STALLS {
                self.peer_down(peer);
                self.outputs.push_back(Output::Drop { peer, reason: DropReason::Stalled });
            }
        }
    }

    fn announce_if_due(&mut self, now: Duration) {
        if self.announce_at.is_some_and(|at| now >= at) {
            self.announce();
        }
    }

    fn announce(&mut self) {
        self.announce_at = None;
        if !self.unannounced.is_clear() {
            let chunks = self.unannounced.clone();
            self.unannounced.clear();
            self.outputs.push_back(Output::Announce(chunks));
        }
    }

    /// Asks for chunks until no peer can take another request. One each in turn, so that a peer that
    /// comes first by its id does not get all the rare ones.
    fn fill(&mut self, now: Duration) {
        for peer in self.peers.values_mut().filter(|p| p.rest_until <= now) {
            peer.rest_until = Duration::ZERO;
        }
        if self.paused || self.left == 0 {
            return;
        }
        let mut ready: Vec<PeerId> = self.peers.keys().copied().collect();
        while !ready.is_empty() {
            ready.retain(|peer| self.ask_one(now, *peer));
        }
    }

    /// Asks one peer for one chunk, if it has room and something to give.
    fn ask_one(&mut self, now: Duration, peer: PeerId) -> bool {
        let state = &self.peers[&peer];
        if state.rest_until > now || !self.has_room(state) {
            return false;
        }
        let fresh = if state.barren {
            None
        } else if self.total - self.left < RANDOM_FIRST {
            self.rarity.any(&state.have, &mut self.rng)
        } else {
            self.rarity.rarest(&state.have, &mut self.rng)
        };
        if fresh.is_none() {
            self.peers.get_mut(&peer).expect("asked peers are known").barren = true;
        }
        match fresh.or_else(|| self.takeover(now, peer)) {
            Some(chunk) => self.request(now, peer, chunk),
            None => return false,
        }
        true
    }

    fn has_room(&self, peer: &Peer) -> bool {
        let count = peer.pending.len();
        // A peer that stalled gets one request to show that it is back.
        let most = if peer.stalls > 0 { 1 } else { self.config.max_in_flight };
        let few = self.config.max_in_flight.min(if peer.window().is_some() { 2 } else { 4 });
        count < most && (count < few || peer.window().is_some_and(|window| peer.queued() < window))
    }

    /// A chunk that another peer was asked for, and that this one is expected to deliver well before.
    fn takeover(&self, now: Duration, peer: PeerId) -> Option<ChunkIndex> {
        let mine = &self.peers[&peer];
        let worth = |(chunk, asked): (&ChunkIndex, &Vec<(PeerId, RequestId)>)| {
            let [(other, id)] = asked.as_slice() else { return None };
            if *other == peer || !mine.have.contains(*chunk as usize) {
                return None;
            }
            let theirs = self.peers.get(other)?;
            let waited = now.saturating_sub(theirs.last_progress.max(theirs.pending[id].asked));
            let left = match theirs.remaining(*id) {
                // A peer that sends nothing will not keep to its rate.
                Some(left) if waited < UNKNOWN_GRACE => left,
                Some(left) => left + waited,
                None if waited >= UNKNOWN_GRACE => waited.saturating_mul(2),
                None => return None,
            };
            let need = mine.estimate(self.lengths[*chunk as usize]).unwrap_or(UNKNOWN_GRACE / 2);
            (need.as_secs_f64() < left.as_secs_f64() * TAKEOVER).then_some((left, *chunk))
        };
        self.asked.iter().filter_map(worth).max().map(|(_, chunk)| chunk)
    }

    fn request(&mut self, now: Duration, peer: PeerId, chunk: ChunkIndex) {
        let id = self.next_id;
        self.next_id += 1;
        self.rarity.close(chunk);
        self.asked.entry(chunk).or_default().push((peer, id));
        let pending = Pending { chunk, len: self.lengths[chunk as usize], asked: now };
        self.peers.get_mut(&peer).expect("asked peers are known").sent(now, id, pending);
        self.outputs.push_back(Output::Request { peer, id, chunk });
    }

    /// Whether everything left has been asked for.
    fn endgame(&self) -> bool {
        self.rarity.open_count() == 0 && !self.asked.is_empty() && self.peers.len() > 1
    }
}
