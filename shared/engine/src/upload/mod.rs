//! Whom to send which chunk next.
//!
//! Every downloader has a session (a stream), on which its requests wait here. A slot is the right to
//! send one chunk; [`UploadQueue::next`] gives it to a request. **Cooperative** (the default, we serve our
//! own machines): first those who leave the choice to us, as long as there is something
//! [fresh](InitialSeeding) to give them; among those, who has passed on what it was given. Then
//! requests for chunks that few others have, then for those that we have sent least, so that they spread; then
//! those of who has least. Ties by who was served longest ago, then by lot.
//! **Tit-for-tat** (Cohen, "Incentives Build Robustness in BitTorrent", 2003): who has sent us most of
//! late comes first; every fourth slot goes by the cooperative order, so that newcomers get something to
//! give.
//!
//! What always holds: at most [`MAX_WAITING`] requests wait per session, none longer than
//! [`UploadConfig::patience`]; a session has at most one chunk under way; chunks under way never exceed
//! the slots, nor the most that may lie in memory.

mod holders;
mod rank;
mod seeding;
mod slots;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use rand::RngExt;

use self::holders::Holders;
use self::rank::Rank;
use self::seeding::InitialSeeding;
use self::slots::Slots;
use super::{PeerName, SeededRng};
use shoal_content::{ChunkIndex, ChunkSet, ContentId};
use shoal_wire::chunks::{MAX_WAITING, Refusal};

/// Slots before it is known whether more of them send more.
const FIRST_SLOTS: usize = 4;
/// As many bytes may be under way before that is known, and two chunks in any case: large ones that are sent side by
/// side all arrive late, and until they have, nobody can pass them on.
const FIRST_BYTES: u64 = 2 << 20;
/// After so many chunks of our choice, one more of them may be sent at once. The very first ones go one after
/// another: the sooner each arrives, the sooner somebody else has something to pass on.
const SLOW_START: usize = 2;
/// After this time, what a peer has sent us counts for half.
const RECIPROCITY_HALF_LIFE: f64 = 10.0;
/// Peers whose gifts are remembered.
const MAX_REMEMBERED: usize = 1024;
/// One slot in so many goes by the cooperative order in tit-for-tat.
const OPTIMISTIC: u64 = 4;

/// Who comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fairness {
    /// Whatever lets all finish soonest.
    #[default]
    Cooperative,
    /// Who gives most gets most.
    TitForTat,
}

/// What a user may choose.
#[derive(Debug, Clone, Copy)]
pub struct UploadConfig {
    /// Chunks sent at once; `None`: as many as it takes to fill the line, up to `most_slots`.
    pub slots: Option<usize>,
    /// Chunks that may be in memory at once.
    pub most_slots: usize,
    /// Who comes first.
    pub fairness: Fairness,
    /// A request that waits for longer is refused as busy: before the other side takes it for a stall.
    pub patience: Duration,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self { slots: None, most_slots: 32, fairness: Fairness::default(), patience: Duration::from_secs(8) }
    }
}

/// Names a session; chosen by the caller, not used twice.
pub type SessionId = u64;

/// A request of a downloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Chosen by the downloader.
    pub id: u64,
    /// Which content.
    pub content: ContentId,
    /// Which chunk; `None` leaves the choice to us.
    pub chunk: Option<ChunkIndex>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Send the chunk; tell [`UploadQueue::ended`] afterwards.
    Send {
        /// On which session.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// Of which content.
        content: ContentId,
        /// Which chunk.
        chunk: ChunkIndex,
    },
    /// Refuse it.
    Refuse {
        /// On which session.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// Why.
        why: Refusal,
    },
}

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    since: Duration,
    /// Bytes.
    len: u32,
}

#[derive(Debug)]
struct Session<P> {
    peer: P,
    waiting: VecDeque<Waiting>,
    active: bool,
    /// Whether that chunk was our choice.
    fresh: bool,
    /// The number of the slot that it was given last.
    served: u64,
    /// See [`Rank`].
    lot: u32,
}

#[derive(Debug)]
struct Content<P> {
    lengths: Arc<[u32]>,
    /// How often each chunk was sent.
    sent: Vec<u16>,
    holders: Holders<P>,
    /// Once every chunk is here, so that a choice can be left to us.
    seeding: Option<InitialSeeding<P>>,
}

impl<P: PeerName> Content<P> {
    fn new(lengths: Arc<[u32]>) -> Self {
        Self { sent: vec![0; lengths.len()], holders: Holders::new(lengths.len()), seeding: None, lengths }
    }

    fn complete(&mut self) {
        self.seeding.get_or_insert_with(|| InitialSeeding::new(self.lengths.clone(), &self.holders));
    }

    /// A chunk is being sent to a peer.
    fn give(&mut self, peer: P, chunk: ChunkIndex) {
        if let Some(sent) = self.sent.get_mut(chunk as usize) {
            *sent = sent.saturating_add(1);
        }
        if let Some(seeding) = &mut self.seeding {
            seeding.give(peer, chunk, &self.holders);
        }
    }
}

/// How much a peer has sent us of late.
#[derive(Debug, Clone, Copy)]
struct Gift {
    bytes: f64,
    at: Duration,
}

impl Gift {
    fn worth(&self, now: Duration) -> f64 {
        let halves = now.saturating_sub(self.at).as_secs_f64() / RECIPROCITY_HALF_LIFE;
        self.bytes * libm::exp2(-halves)
    }
}

/// The requests of everybody, for all contents of a node. See the module.
#[derive(Debug)]
pub struct UploadQueue<P = PeerId> {
    config: UploadConfig,
    rng: SeededRng,
    sessions: BTreeMap<SessionId, Session<P>>,
    contents: BTreeMap<ContentId, Content<P>>,
    gifts: BTreeMap<P, Gift>,
    slots: Slots,
    active: usize,
    /// Of those, chunks of our choice.
    fresh: usize,
    /// How many of those there have been.
    chosen: usize,
    /// Slots given so far.
    given: u64,
    /// Bytes of waiting requests.
    queued: u64,
    waiting: usize,
    /// No request has waited for too long before this time.
    expiry: Option<Duration>,
    refusals: VecDeque<Grant>,
}

impl<P: PeerName> UploadQueue<P> {
    /// Starts without sessions.
    pub fn new(config: UploadConfig, rng: SeededRng) -> Self {
        Self {
            slots: Slots::new(config.slots, FIRST_SLOTS, config.most_slots),
            config,
            rng,
            sessions: BTreeMap::new(),
            contents: BTreeMap::new(),
            gifts: BTreeMap::new(),
            active: 0,
            fresh: 0,
            chosen: 0,
            given: 0,
            queued: 0,
            waiting: 0,
            expiry: None,
            refusals: VecDeque::new(),
        }
    }

    /// Adds a content; `lengths` are the bytes of each chunk.
    pub fn add_content(&mut self, content: ContentId, lengths: Arc<[u32]>, complete: bool) {
        if self.given == 0 {
            let usual =
                lengths.iter().map(|len| u64::from(*len)).sum::<u64>() / (lengths.len() as u64).max(1);
            self.slots.begin_with((FIRST_BYTES / usual.max(1)).clamp(2, FIRST_SLOTS as u64) as usize);
        }
        let mut new = Content::new(lengths);
        if complete {
            new.complete();
        }
        self.contents.insert(content, new);
    }

    /// All of a content is here now.
    pub fn completed(&mut self, content: &ContentId) {
        if let Some(content) = self.contents.get_mut(content) {
            content.complete();
        }
    }

    /// Forgets a content.
    pub fn remove_content(&mut self, content: &ContentId) {
        self.contents.remove(content);
    }

    /// A peer said that it has chunks that it did not have before.
    pub fn gained(&mut self, content: &ContentId, peer: P, news: &ChunkSet) {
        if let Some(content) = self.contents.get_mut(content) {
            content.holders.gained(peer, news);
            if let Some(seeding) = &mut content.seeding {
                seeding.gained(peer, news, &content.holders);
            }
        }
    }

    /// A peer is gone; `had` is all that it had said.
    pub fn gone(&mut self, content: &ContentId, peer: &P, had: &ChunkSet) {
        if let Some(content) = self.contents.get_mut(content) {
            content.holders.gone(peer, had);
            if let Some(seeding) = &mut content.seeding {
                seeding.gone(peer, had, &content.holders);
            }
        }
    }

    /// How many copies of a content the known others have together.
    pub fn copies(&self, content: &ContentId) -> usize {
        self.contents.get(content).map_or(0, |content| content.holders.copies())
    }

    /// A peer sent us bytes that were good.
    pub fn received(&mut self, now: Duration, peer: P, bytes: u64) {
        if self.config.fairness != Fairness::TitForTat {
            return;
        }
        if self.gifts.len() >= MAX_REMEMBERED && !self.gifts.contains_key(&peer) {
            self.gifts.retain(|_, gift| gift.worth(now) > 1.0);
            if self.gifts.len() >= MAX_REMEMBERED {
                return;
            }
        }
        let gift = self.gifts.entry(peer).or_insert(Gift { bytes: 0.0, at: now });
        *gift = Gift { bytes: gift.worth(now) + bytes as f64, at: now };
    }

    /// A downloader opened a stream.
    pub fn open(&mut self, session: SessionId, peer: P) {
        let lot = self.rng.random();
        let new = Session { peer, waiting: VecDeque::new(), active: false, fresh: false, served: 0, lot };
        self.sessions.insert(session, new);
    }

    /// A stream ended, and all that waited on it.
    pub fn close(&mut self, session: SessionId) {
        let Some(gone) = self.sessions.remove(&session) else { return };
        self.waiting -= gone.waiting.len();
        self.queued -= gone.waiting.iter().map(|w| u64::from(w.len)).sum::<u64>();
        self.active -= usize::from(gone.active);
        self.fresh -= usize::from(gone.active && gone.fresh);
    }

    /// Takes a request in. A session that has too many waiting has this one refused.
    pub fn request(&mut self, now: Duration, session: SessionId, wanted: Wanted) {
        let content = self.contents.get(&wanted.content);
        let len = match (content, wanted.chunk) {
            (Some(content), Some(chunk)) => content.lengths.get(chunk as usize).copied().unwrap_or(0),
            (Some(content), None) => content.lengths.first().copied().unwrap_or(0),
            (None, _) => 0,
        };
        let Some(state) = self.sessions.get_mut(&session) else { return };
        if state.waiting.len() >= MAX_WAITING {
            let why = Refusal::Busy;
            self.refusals.push_back(Grant::Refuse { session, id: wanted.id, why });
            return;
        }
        state.waiting.push_back(Waiting { wanted, since: now, len });
        self.waiting += 1;
        self.queued += u64::from(len);
        let expiry = now + self.config.patience;
        self.expiry = Some(self.expiry.map_or(expiry, |at| at.min(expiry)));
    }

    /// Takes a request back, if it still waits.
    pub fn cancel(&mut self, session: SessionId, id: u64) {
        let Some(state) = self.sessions.get(&session) else { return };
        if let Some(at) = state.waiting.iter().position(|w| w.wanted.id == id) {
            self.take(session, at);
        }
    }

    /// What to do next, if a slot is free and somebody waits; or whom to refuse. Call until `None`.
    pub fn next(&mut self, now: Duration) -> Option<Grant> {
        self.expire(now);
        loop {
            if let Some(refusal) = self.refusals.pop_front() {
                return Some(refusal);
            }
            self.slots.observe(now, self.waiting > 0 && self.active >= self.slots.allowed());
            if self.active >= self.slots.allowed() {
                return None;
            }
            let (session, at) = self.first(now)?;
            let wanted = self.take(session, at).wanted;
            match self.choose(session, wanted) {
                Some(grant) => return Some(grant),
                None => self.refuse(session, wanted.id, Refusal::NoneFresh),
            }
        }
    }

    /// When to call [`next`](Self::next) although nothing happened.
    pub fn next_timeout(&self) -> Option<Duration> {
        self.expiry
    }

    /// Bytes went out.
    pub fn sent(&mut self, bytes: u64) {
        self.slots.sent(bytes);
    }

    /// A chunk was sent, or could not be: its slot is free.
    pub fn ended(&mut self, session: SessionId) {
        if let Some(state) = self.sessions.get_mut(&session)
            && std::mem::take(&mut state.active)
        {
            self.active -= 1;
            self.fresh -= usize::from(state.fresh);
        }
    }

    /// Chunks under way.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Bytes of the requests that wait.
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// The request that comes first, among sessions without a chunk under way.
    fn first(&self, now: Duration) -> Option<(SessionId, usize)> {
        let fresh = self.fresh < 1 + self.chosen / SLOW_START || !self.has_fresh();
        let optimistic = self.given.is_multiple_of(OPTIMISTIC);
        let free = self.sessions.iter().filter(|(_, s)| !s.active && !s.waiting.is_empty());
        let all = free.flat_map(|(id, session)| {
            let gift = match self.config.fairness {
                Fairness::TitForTat if !optimistic => {
                    self.gifts.get(&session.peer).map_or(0.0, |g| g.worth(now))
                }
                _ => 0.0,
            };
            let rank = move |w: &Waiting| self.rank(now, session, gift as u64, w);
            let open =
                session.waiting.iter().enumerate().filter(move |(_, w)| fresh || w.wanted.chunk.is_some());
            open.map(move |(at, w)| (rank(w), *id, at))
        });
        all.min().map(|(_, id, at)| (id, at))
    }

    fn rank(&self, now: Duration, session: &Session<P>, gift: u64, waiting: &Waiting) -> Rank {
        Rank::new(now, session, gift, waiting, self.contents.get(&waiting.wanted.content))
    }

    fn has_fresh(&self) -> bool {
        self.contents.values().filter_map(|content| content.seeding.as_ref()).any(InitialSeeding::has_fresh)
    }

    fn take(&mut self, session: SessionId, at: usize) -> Waiting {
        let state = self.sessions.get_mut(&session).expect("listed sessions are known");
        let waiting = state.waiting.remove(at).expect("listed requests wait");
        self.waiting -= 1;
        self.queued -= u64::from(waiting.len);
        waiting
    }

    /// Gives a slot to a request; `None` if the choice is left to us and there is nothing fresh.
    fn choose(&mut self, session: SessionId, wanted: Wanted) -> Option<Grant> {
        let state = self.sessions.get_mut(&session).expect("listed sessions are known");
        let content = self.contents.get_mut(&wanted.content);
        let seeding = content.as_ref().and_then(|content| content.seeding.as_ref());
        let chunk = match wanted.chunk {
            Some(chunk) => chunk,
            None => seeding?.pick(&mut self.rng)?,
        };
        if let Some(content) = content {
            content.give(state.peer, chunk);
        }
        self.given += 1;
        self.active += 1;
        state.active = true;
        state.fresh = wanted.chunk.is_none();
        self.fresh += usize::from(state.fresh);
        self.chosen += usize::from(state.fresh);
        state.served = self.given;
        Some(Grant::Send { session, id: wanted.id, content: wanted.content, chunk })
    }

    fn refuse(&mut self, session: SessionId, id: u64, why: Refusal) {
        self.refusals.push_back(Grant::Refuse { session, id, why });
    }

    /// Refuses what has waited for too long.
    fn expire(&mut self, now: Duration) {
        if self.expiry.is_none_or(|at| now < at) {
            return;
        }
        let patience = self.config.patience;
        let old = |w: &Waiting| now >= w.since + patience;
        let of = |(id, s): (&SessionId, &Session<P>)| -> Vec<_> {
            s.waiting.iter().filter(|w| old(w)).map(|w| (*id, w.wanted.id)).collect()
        };
        let expired: Vec<_> = self.sessions.iter().flat_map(of).collect();
        for (session, id) in expired {
            self.cancel(session, id);
            self.refuse(session, id, Refusal::Busy);
        }
        let all = self.sessions.values().flat_map(|s| s.waiting.iter().map(|w| w.since + patience));
        self.expiry = all.min();
    }
}
