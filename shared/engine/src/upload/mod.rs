//! Which chunk is sent to which peer next.
//!
//! Every downloader has a session (a stream), on which its requests wait here. A slot is the right to send one
//! chunk; [`UploadQueue::next`] gives it to a request. **Cooperative** (the default, we serve our own machines): first
//! come the peers that leave the choice to us, as long as something is [undistributed](InitialSeeding); among those,
//! the peers that relayed what they were sent. Then come requests for chunks that few others have, then for those that
//! we have sent least, so that they spread; then those of the peers that have least. Ties are decided by which was
//! served longest ago, then by a random number that each session has.
//! **Tit-for-tat** (Cohen, "Incentives Build Robustness in BitTorrent", 2003): the peers that have sent us most of
//! late come first; every fourth slot goes by the cooperative order, so that newcomers get something to give.
//!
//! What always holds: at most [`MAX_WAITING`] requests wait per session, none longer than
//! [`UploadConfig::patience`]; a session has at most one chunk under way; chunks under way never exceed
//! the slots, but for those whose peers take nothing (see `underway`), nor the most that may lie in memory; while
//! others wait, the peers of one network have half of the slots at most. A content that no peer has to do with costs no time, and no memory
//! but its table of lengths.

mod content;
mod holders;
mod messages;
mod rank;
mod reciprocity;
mod seeding;
mod slots;
#[cfg(test)]
mod tests;
mod underway;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use rand::RngExt;
use shoal_addresses::Network;
use shoal_content::{ChunkIndex, ChunkSet, ContentId};
use shoal_wire::chunks::{ChunkRefusal, MAX_WAITING};

use self::content::Content;
pub use self::messages::{Fairness, Grant, SessionId, UploadConfig, Wanted};
use self::rank::Rank;
use self::reciprocity::Reciprocity;
#[cfg(doc)]
use self::seeding::InitialSeeding;
use self::slots::Slots;
use self::underway::Underway;
use super::{ChunkNews, PeerName, SeededRng};

/// Slots before it is known whether more of them send more.
const FIRST_SLOTS: usize = 4;
/// As many bytes may be under way before that is known, and two chunks in any case: large ones that are sent side by
/// side all arrive late, and until they have, no peer can relay them.
const FIRST_BYTES: u64 = 2 << 20;
/// One slot in so many goes by the cooperative order in tit-for-tat.
const OPTIMISTIC: u64 = 4;

#[derive(Debug)]
struct Waiting {
    wanted: Wanted,
    since: Duration,
    /// Bytes.
    len: u32,
}

/// A chunk that is under way.
#[derive(Debug, Clone, Copy)]
struct Sending {
    content: ContentId,
    chunk: ChunkIndex,
    /// Whether it was our choice.
    chosen: bool,
}

#[derive(Debug)]
struct Session<P> {
    peer: P,
    /// Where its connection comes from, if that is known.
    network: Option<Network>,
    waiting: VecDeque<Waiting>,
    sending: Option<Sending>,
    /// The number of the slot that it was given last.
    served: u64,
    /// Random, so that the peers that came first are not first always: those that came at the same time know each
    /// other, and a chunk sent to one of them would go round in circles.
    tie_break: u32,
    /// Contents of which the peer was sent something, in their order. Mostly one: a tree would take ten times the memory.
    contents: Vec<ContentId>,
    /// The content of which it was sent something last.
    last: Option<ContentId>,
}

impl<P> Session<P> {
    /// The peer is sent something of a content.
    fn note_content(&mut self, content: ContentId) {
        if let Err(at) = self.contents.binary_search(&content) {
            self.contents.insert(at, content);
        }
    }
}

/// The requests of all peers, for all contents of a node. See the module.
#[derive(Debug)]
pub struct UploadQueue<P = PeerId> {
    config: UploadConfig,
    rng: SeededRng,
    sessions: BTreeMap<SessionId, Session<P>>,
    /// Those on which requests wait, in rising order: mostly few of all, and a slot is given far more often than a
    /// stream is opened.
    asking: Vec<SessionId>,
    contents: BTreeMap<ContentId, Content<P>>,
    reciprocity: Reciprocity<P>,
    slots: Slots,
    underway: Underway,
    /// When [`next`](Self::next) was called last.
    looked: Duration,
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
            asking: Vec::new(),
            contents: BTreeMap::new(),
            reciprocity: Reciprocity::default(),
            underway: Underway::default(),
            looked: Duration::ZERO,
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
        self.contents.insert(content, Content::new(lengths, complete));
    }

    /// All of a content is here now.
    pub fn completed(&mut self, content: &ContentId) {
        if let Some(content) = self.contents.get_mut(content) {
            content.completed();
        }
    }

    /// Forgets a content, and refuses the requests that wait for it.
    pub fn remove_content(&mut self, content: &ContentId) {
        self.contents.remove(content);
        let of = |(id, s): (&SessionId, &Session<P>)| -> Vec<_> {
            s.waiting.iter().filter(|w| w.wanted.content == *content).map(|w| (*id, w.wanted.id)).collect()
        };
        let refused: Vec<_> = self.sessions.iter().flat_map(of).collect();
        for (session, id) in refused {
            self.cancel(session, id);
            self.refuse(session, id, ChunkRefusal::NotFound);
        }
    }

    /// A peer said that it has chunks that it did not have before. To be told also when it joins and has none.
    pub fn gained(&mut self, content: &ContentId, peer: P, news: &ChunkNews) {
        if let Some(content) = self.contents.get_mut(content) {
            content.gained(peer, news);
        }
    }

    /// Has the caches fetch what [`gained`](Self::gained) will need to be told of these.
    pub fn prefetch_news<'a>(&self, content: &ContentId, news: impl Iterator<Item = &'a ChunkNews>) {
        if let Some(content) = self.contents.get(content) {
            content.prefetch_news(news);
        }
    }

    /// A peer is gone; `had` is all that it had said.
    pub fn gone(&mut self, content: &ContentId, peer: &P, had: &ChunkSet) {
        if let Some(content) = self.contents.get_mut(content) {
            content.gone(peer, had);
        }
    }

    /// How many copies of a content the known peers have together: every chunk is with at least so many of them. Of a
    /// content without chunks, every peer that joined has a copy. Takes the same time however large the content is.
    pub fn copies(&self, content: &ContentId) -> usize {
        self.contents.get(content).map_or(0, Content::copies)
    }

    /// The chunk of a content that each open session was sent last, or is being sent, and its peer. What was sent
    /// before it on the same session arrives before it.
    pub fn last_sent(&self, content: &ContentId) -> impl Iterator<Item = (P, ChunkIndex)> {
        self.contents.get(content).into_iter().flat_map(Content::last_sent)
    }

    /// A peer sent us bytes that were good.
    pub fn received(&mut self, now: Duration, peer: P, bytes: u64) {
        if self.config.fairness == Fairness::TitForTat {
            self.reciprocity.received(now, peer, bytes);
        }
    }

    /// A downloader opened a stream, on a connection from a network if that is known.
    pub fn open(&mut self, session: SessionId, peer: P, network: Option<Network>) {
        let new = Session {
            peer,
            network,
            waiting: VecDeque::new(),
            sending: None,
            served: 0,
            tie_break: self.rng.random(),
            contents: Vec::new(),
            last: None,
        };
        self.sessions.insert(session, new);
    }

    /// A stream ended, and all that waited on it.
    pub fn close(&mut self, session: SessionId) {
        self.ended(session);
        let Some(gone) = self.sessions.remove(&session) else { return };
        self.asks_no_more(session);
        self.waiting -= gone.waiting.len();
        self.queued -= gone.waiting.iter().map(|w| u64::from(w.len)).sum::<u64>();
        if let Some(content) = gone.last.and_then(|last| self.contents.get_mut(&last)) {
            content.forget_last_sent(session);
        }
        if let Some(other) = self.sessions.values_mut().find(|other| other.peer == gone.peer) {
            gone.contents.into_iter().for_each(|content| other.note_content(content));
            return;
        }
        for content in &gone.contents {
            if let Some(content) = self.contents.get_mut(content) {
                content.sessions_ended(&gone.peer);
            }
        }
    }

    /// Takes a request in. A session that has too many waiting has this one refused.
    pub fn request(&mut self, now: Duration, session: SessionId, wanted: Wanted) {
        let content = self.contents.get(&wanted.content);
        let len = content.map_or(0, |content| content.len(wanted.chunk));
        let Some(state) = self.sessions.get_mut(&session) else { return };
        if state.waiting.len() >= MAX_WAITING {
            return self.refuse(session, wanted.id, ChunkRefusal::Busy);
        }
        state.waiting.push_back(Waiting { wanted, since: now, len });
        if let Err(place) = self.asking.binary_search(&session) {
            self.asking.insert(place, session);
        }
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

    /// What to do next: to send a chunk, if a slot is free and a request waits, to refuse one, or to close a session
    /// whose peer takes nothing. Call until `None`.
    pub fn next(&mut self, now: Duration) -> Option<Grant> {
        self.looked = now;
        self.expire(now);
        loop {
            if let Some(refusal) = self.refusals.pop_front() {
                return Some(refusal);
            }
            self.slots.observe(now, self.lacks_slots(now));
            if !self.has_slot(now) {
                return self.make_room(now);
            }
            let (session, at) = self.first(now)?;
            let wanted = self.take(session, at).wanted;
            match self.grant(now, session, wanted) {
                Some(grant) => return Some(grant),
                None => self.refuse(session, wanted.id, ChunkRefusal::NoneFresh),
            }
        }
    }

    /// When to call [`next`](Self::next) although nothing happened. `None` while no request waits.
    pub fn next_timeout(&self) -> Option<Duration> {
        let now = self.looked;
        if !self.lacks_slots(now) {
            return self.expiry;
        }
        let room = if self.is_full() { self.underway.next_hindmost(now) } else { None };
        let all = [self.expiry, self.slots.next_observation(), self.underway.next_free(now), room];
        all.into_iter().flatten().min()
    }

    /// Bytes of a session's chunk are there for its peer to take.
    pub fn offered(&mut self, now: Duration, session: SessionId) {
        self.underway.offered(now, session);
    }

    /// Its peer has taken bytes.
    pub fn sent(&mut self, session: SessionId, bytes: u64) {
        self.underway.taken(session, bytes);
        self.slots.sent(bytes);
    }

    /// The bytes of a session's chunk begin to go out: from now on it is its [last](Self::last_sent).
    pub fn begun(&mut self, session: SessionId) {
        let Some(state) = self.sessions.get_mut(&session) else { return };
        let Some(Sending { content, chunk, .. }) = state.sending else { return };
        let before = state.last.replace(content).filter(|before| *before != content);
        if let Some(before) = before.and_then(|before| self.contents.get_mut(&before)) {
            before.forget_last_sent(session);
        }
        if let Some(content) = self.contents.get_mut(&content) {
            content.set_last_sent(session, state.peer, chunk);
        }
    }

    /// A chunk was sent, or could not be: its slot is free.
    pub fn ended(&mut self, session: SessionId) {
        let sending = self.sessions.get_mut(&session).and_then(|state| state.sending.take());
        let Some(Sending { content, chosen, .. }) = sending else { return };
        self.underway.end(session);
        if let Some(content) = self.contents.get_mut(&content).filter(|_| chosen) {
            content.choice_ended();
        }
    }

    /// Chunks under way.
    pub fn active(&self) -> usize {
        self.underway.len()
    }

    /// Bytes of the requests that wait.
    pub fn queued(&self) -> u64 {
        self.queued
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Chunks that may be under way at once at the moment.
    pub fn slots(&self) -> usize {
        self.slots.allowed()
    }

    /// For each stretch of so many chunks of a content (at least 1): how many known peers have its rarest chunk. Takes
    /// time by the content's chunks.
    pub fn rarity(&self, content: &ContentId, stretch: usize) -> Vec<u16> {
        self.contents.get(content).map(|content| content.rarity(stretch)).unwrap_or_default()
    }

    /// Whether a slot is free and a request waits for one, so that [`next`](Self::next) has to choose.
    pub fn is_choosing(&self) -> bool {
        self.waiting > 0 && self.has_slot(self.looked)
    }

    /// Whether requests wait although every slot is taken.
    fn lacks_slots(&self, now: Duration) -> bool {
        self.waiting > 0 && !self.has_slot(now)
    }

    fn has_slot(&self, now: Duration) -> bool {
        self.underway.in_slots(now) < self.slots.allowed() && !self.is_full()
    }

    /// Whether no more chunks may be in memory.
    fn is_full(&self) -> bool {
        self.underway.len() >= self.config.most_slots
    }

    /// Ends the session of least use, if others wait and there is no room for them.
    fn make_room(&mut self, now: Duration) -> Option<Grant> {
        let session = self.underway.hindmost(now).filter(|_| self.waiting > 0 && self.is_full())?;
        self.close(session);
        Some(Grant::Close { session })
    }

    /// Whether a network has its share of the slots, so that others come first.
    fn has_its_share(&self, network: Option<Network>) -> bool {
        network.is_some_and(|network| 2 * self.underway.of(network) >= self.slots.allowed())
    }

    /// The request that comes first, among sessions without a chunk under way.
    fn first(&self, now: Duration) -> Option<(SessionId, usize)> {
        let optimistic = self.given.is_multiple_of(OPTIMISTIC);
        // Most nodes serve few contents at a time, so the last one is mostly the next one, too.
        let mut last: Option<(&ContentId, Option<&Content<P>>)> = None;
        let mut first: Option<(Rank, SessionId, usize)> = None;
        let asking = self.asking.iter().filter_map(|id| Some((id, self.sessions.get(id)?)));
        for (id, session) in asking.filter(|(_, session)| session.sending.is_none()) {
            let reciprocity = match self.config.fairness {
                Fairness::TitForTat if !optimistic => self.reciprocity.of(now, &session.peer),
                _ => 0,
            };
            let has_its_share = self.has_its_share(session.network);
            for (at, w) in session.waiting.iter().enumerate() {
                let content = match last {
                    Some((id, content)) if *id == w.wanted.content => content,
                    _ => self.contents.get(&w.wanted.content),
                };
                last = Some((&w.wanted.content, content));
                if w.wanted.chunk.is_none() && !content.is_none_or(Content::may_choose) {
                    continue;
                }
                let this = (Rank::new(now, session, has_its_share, reciprocity, w, content), *id, at);
                if first.is_none_or(|first| this < first) {
                    first = Some(this);
                }
            }
        }
        first.map(|(_, id, at)| (id, at))
    }

    /// No request waits on a session any more.
    fn asks_no_more(&mut self, session: SessionId) {
        if let Ok(place) = self.asking.binary_search(&session) {
            self.asking.remove(place);
        }
    }

    fn take(&mut self, session: SessionId, at: usize) -> Waiting {
        let state = self.sessions.get_mut(&session).expect("listed sessions are known");
        let waiting = state.waiting.remove(at).expect("listed requests wait");
        if state.waiting.is_empty() {
            self.asks_no_more(session);
        }
        self.waiting -= 1;
        self.queued -= u64::from(waiting.len);
        waiting
    }

    /// Gives a slot to a request; `None` if the choice is left to us and everything is distributed.
    fn grant(&mut self, now: Duration, session: SessionId, wanted: Wanted) -> Option<Grant> {
        let state = self.sessions.get_mut(&session).expect("listed sessions are known");
        let mut content = self.contents.get_mut(&wanted.content);
        let chosen = wanted.chunk.is_none();
        let chunk = match wanted.chunk {
            Some(chunk) => chunk,
            None => content.as_mut()?.choose(&mut self.rng)?,
        };
        let len = content.as_ref().map_or(0, |content| content.len(Some(chunk)));
        if let Some(content) = content {
            content.sent(state.peer, chunk, chosen);
            state.note_content(wanted.content);
        }
        self.given += 1;
        self.underway.begin(now, session, state.network, len);
        state.sending = Some(Sending { content: wanted.content, chunk, chosen });
        state.served = self.given;
        Some(Grant::Send { session, id: wanted.id, content: wanted.content, chunk })
    }

    /// A request of a kind that is not known came on a session, with this `id`.
    pub fn refuse_unknown(&mut self, session: SessionId, id: u64) {
        if self.sessions.contains_key(&session) {
            self.refuse(session, id, ChunkRefusal::Unsupported);
        }
    }

    fn refuse(&mut self, session: SessionId, id: u64, why: ChunkRefusal) {
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
            self.refuse(session, id, ChunkRefusal::Busy);
        }
        let all = self.sessions.values().flat_map(|s| s.waiting.iter().map(|w| w.since + patience));
        self.expiry = all.min();
    }
}
