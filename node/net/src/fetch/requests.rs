//! The requests of many contents on one stream: which goes out next, which are open, what may still come.
//!
//! Each content numbers its requests itself, so on the stream they get other ids: counted up, never used again.
//! **Fairness.** At most [`MAX_WAITING`] requests are open, because a provider refuses more. A place that comes free
//! goes to the content with the fewest open requests, among several to the one that was served longest ago. So
//! each of up to [`MAX_WAITING`] contents always has one; of more, those that have had none for [`PATIENCE`] are
//! given their requests back, so that they can ask elsewhere, and come before the others when they ask again.
//!
//! What this is not: it reads and writes nothing, and has no clock. What always holds: at most
//! [`MAX_WAITING`] requests are open, as many of each content wait, and [`MAX_LATE`] cancelled ones are remembered;
//! every request ends once, by an answer, a refusal, [`Requests::expire`] or taking it back.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use shoal_content::{ChunkIndex, ContentId};
use shoal_engine::RequestId;
use shoal_wire::Have;
use shoal_wire::chunks::{ChunkRequest, MAX_WAITING};

/// How long a content waits for its turn. Together with the time that a provider lets it wait this stays below the
/// time after which the engine takes a peer for stalled.
const PATIENCE: Duration = Duration::from_secs(1);
/// Cancelled requests that are remembered; their answers may be on the way.
const MAX_LATE: usize = 16 * MAX_WAITING;
/// News of one content that may wait for the stream.
const MAX_NEWS: usize = 64;
/// News of all contents that may wait for the stream.
const MAX_NEWS_IN_ALL: usize = 1024;

/// Names a content that is attached to the node's streams.
pub(super) type AttachmentId = u64;

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// This chunk, which has so many bytes.
    Chunk(ChunkIndex, u32),
    /// A chunk of the provider's choice.
    Any,
}

/// A request, as its content knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asking {
    pub(super) by: AttachmentId,
    pub(super) id: RequestId,
    pub(super) asked: Asked,
    /// Whether it was taken back: its content knows already that it has ended.
    pub(super) late: bool,
}

#[derive(Debug)]
struct Waiting {
    id: RequestId,
    asked: Asked,
    since: Duration,
}

/// What one content has on the stream.
#[derive(Debug)]
struct Lane {
    content: ContentId,
    waiting: VecDeque<Waiting>,
    /// Open requests: the content's id → the stream's.
    open: BTreeMap<RequestId, u64>,
    /// The turn in which it was served last.
    turn: u64,
    /// News that waits for the stream.
    news: usize,
}

impl Lane {
    /// When it has waited for its turn for too long.
    fn turn_until(&self) -> Option<Duration> {
        let first = self.waiting.front().filter(|_| self.open.is_empty());
        first.map(|waiting| waiting.since + PATIENCE)
    }

    fn asks(&self) -> bool {
        !self.waiting.is_empty() || !self.open.is_empty()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Requests {
    lanes: BTreeMap<AttachmentId, Lane>,
    open: BTreeMap<u64, Asking>,
    /// Cancelled ones, oldest first.
    late: VecDeque<(u64, Asking)>,
    /// Goes out before requests: news, and cancels of open requests.
    notes: VecDeque<(AttachmentId, ChunkRequest)>,
    news: usize,
    next_id: u64,
    turns: u64,
}

impl Requests {
    /// A content begins to use the stream.
    pub(super) fn join(&mut self, by: AttachmentId, content: ContentId) {
        let lane = Lane { content, waiting: VecDeque::new(), open: BTreeMap::new(), turn: 0, news: 0 };
        self.lanes.entry(by).or_insert(lane);
    }

    /// A content has no use for the stream any more. Its news still goes out.
    pub(super) fn leave(&mut self, by: AttachmentId) {
        self.take_back(by);
        self.lanes.remove(&by);
    }

    /// Takes a request in. `false` if too many of this content wait already: refuse it as busy.
    pub(super) fn ask(&mut self, now: Duration, by: AttachmentId, id: RequestId, asked: Asked) -> bool {
        let lane = self.lanes.get_mut(&by).filter(|lane| lane.waiting.len() < MAX_WAITING);
        let Some(lane) = lane else { return false };
        lane.waiting.push_back(Waiting { id, asked, since: now });
        true
    }

    /// Takes a request back. If its answer is under way, it may still come.
    pub(super) fn cancel(&mut self, by: AttachmentId, id: RequestId) {
        let Some(lane) = self.lanes.get_mut(&by) else { return };
        if let Some(at) = lane.waiting.iter().position(|waiting| waiting.id == id) {
            lane.waiting.remove(at);
        } else if let Some(on_stream) = lane.open.remove(&id) {
            self.cancel_open(by, on_stream);
        }
    }

    /// Takes all requests of a content back and returns their ids.
    pub(super) fn take_back(&mut self, by: AttachmentId) -> Vec<RequestId> {
        let Some(lane) = self.lanes.get_mut(&by) else { return vec![] };
        let (waiting, open) = (std::mem::take(&mut lane.waiting), std::mem::take(&mut lane.open));
        open.values().for_each(|on_stream| self.cancel_open(by, *on_stream));
        open.into_keys().chain(waiting.into_iter().map(|waiting| waiting.id)).collect()
    }

    fn cancel_open(&mut self, by: AttachmentId, on_stream: u64) {
        if let Some(asking) = self.open.remove(&on_stream) {
            self.late.push_back((on_stream, Asking { late: true, ..asking }));
            if self.late.len() > MAX_LATE {
                self.late.pop_front();
            }
            self.notes.push_back((by, ChunkRequest::Cancel { id: on_stream }));
        }
    }

    /// Takes news for the provider in. `false` if too much of it waits already.
    pub(super) fn tell(&mut self, by: AttachmentId, have: Have) -> bool {
        let room = self.news < MAX_NEWS_IN_ALL;
        let Some(lane) = self.lanes.get_mut(&by).filter(|lane| room && lane.news < MAX_NEWS) else {
            return false;
        };
        lane.news += 1;
        self.news += 1;
        self.notes.push_back((by, ChunkRequest::Have { have, content: lane.content }));
        true
    }

    /// What to write next, if anything.
    pub(super) fn next(&mut self) -> Option<ChunkRequest> {
        if let Some((by, note)) = self.notes.pop_front() {
            if let ChunkRequest::Have { .. } = note {
                self.news -= 1;
                // It may have left and come back since.
                self.lanes.get_mut(&by).into_iter().for_each(|lane| lane.news = lane.news.saturating_sub(1));
            }
            return Some(note);
        }
        if self.open.len() >= MAX_WAITING {
            return None;
        }
        let asking = self.lanes.iter_mut().filter(|(_, lane)| !lane.waiting.is_empty());
        let (by, lane) = asking.min_by_key(|(_, lane)| (lane.open.len(), lane.turn))?;
        let Waiting { id, asked, .. } = lane.waiting.pop_front()?;
        self.turns += 1;
        lane.turn = self.turns;
        let on_stream = self.next_id;
        self.next_id += 1;
        lane.open.insert(id, on_stream);
        self.open.insert(on_stream, Asking { by: *by, id, asked, late: false });
        let content = lane.content;
        Some(match asked {
            Asked::Chunk(chunk, _) => ChunkRequest::Get { id: on_stream, chunk, content },
            Asked::Any => ChunkRequest::Any { id: on_stream, content },
        })
    }

    /// Ends the requests of contents that have waited for their turn for too long, and returns them.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<(AttachmentId, RequestId)> {
        let mut expired = Vec::new();
        // While there is room, what waits does so because the stream takes nothing. That shows in what is open.
        if self.open.len() < MAX_WAITING {
            return expired;
        }
        for (by, lane) in &mut self.lanes {
            if lane.turn_until().is_some_and(|at| now >= at) {
                expired.extend(lane.waiting.drain(..).map(|waiting| (*by, waiting.id)));
            }
        }
        expired
    }

    /// When to call [`expire`](Self::expire) although nothing happened.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let all = self.lanes.values().filter_map(Lane::turn_until);
        if self.open.len() < MAX_WAITING { None } else { all.min() }
    }

    /// The provider begins to send a chunk: what that answers. `None` if it answers nothing.
    pub(super) fn answered(&mut self, on_stream: u64, chunk: ChunkIndex) -> Option<Asking> {
        let asking = self.end(on_stream).or_else(|| self.end_late(on_stream))?;
        match asking.asked {
            Asked::Chunk(asked, _) if asked != chunk => None,
            _ => Some(asking),
        }
    }

    /// The provider refuses. `None` for what is not open (any more).
    pub(super) fn refused(&mut self, on_stream: u64) -> Option<(AttachmentId, RequestId)> {
        let asking = self.end(on_stream);
        if asking.is_none() {
            self.end_late(on_stream);
        }
        asking.map(|asking| (asking.by, asking.id))
    }

    fn end(&mut self, on_stream: u64) -> Option<Asking> {
        let asking = self.open.remove(&on_stream)?;
        if let Some(lane) = self.lanes.get_mut(&asking.by) {
            lane.open.remove(&asking.id);
        }
        Some(asking)
    }

    fn end_late(&mut self, on_stream: u64) -> Option<Asking> {
        let at = self.late.iter().position(|(late, _)| *late == on_stream)?;
        self.late.remove(at).map(|(_, asking)| asking)
    }

    /// Whether other contents have requests here.
    pub(super) fn others_ask(&self, than: AttachmentId) -> bool {
        self.lanes.iter().any(|(by, lane)| *by != than && lane.asks())
    }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
