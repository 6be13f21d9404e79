//! What a download knows of one peer.

use std::time::Duration;

use super::RequestId;
use super::relief::Relief;
use super::requests::{Pending, Requests};
use super::throughput::Throughput;
use crate::Backoff;
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_wire::query::Load;

/// How long a peer should have something to send beyond one round trip. Short: what is asked for early is
/// chosen without knowing what has become rare since, and is late if others are served first.
const PIPELINE: Duration = Duration::from_millis(500);
/// Bytes that keep a line full besides two round trips' worth.
const FULL_LINE: f64 = 8.0 * 1024.0 * 1024.0;

/// A line that holds fewer bytes than these in two round trips is not long: what is under way by other rules is enough.
const LONG_LINE: f64 = 1024.0 * 1024.0;

/// A peer may choose so many chunks that are here already, and one more of so many that it chose.
const IN_VAIN: u32 = 3;
const IN_VAIN_OF: u32 = 16;

// In this order in memory, so that each thing that is done often needs few lines of the caches: what news changes and
// what decides whether a peer may be asked are in the first one, what tells how soon it would deliver in the next two.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Peer<P> {
    /// What it has; all bits if `complete`.
    pub(super) have: ChunkSet,
    /// How many that are.
    pub(super) has: usize,
    /// Whether it has everything; then it is left out of the availability table.
    pub(super) complete: bool,
    /// Whether it has none of the open chunks. Remembered, so that they are not searched again and again.
    pub(super) uninteresting: bool,
    /// Whether it may choose what it sends, until it says that every chunk is distributed.
    pub(super) may_choose: bool,
    /// Stalls since bytes last came.
    pub(super) stalls: u32,
    /// No requests before this time.
    pub(super) rest_until: Duration,
    /// Requests under way.
    pub(super) pending: Requests,
    throughput: Throughput,
    /// Bytes of the requests under way.
    asked: u64,
    /// Of those, how many have come already.
    arrived: u64,
    /// Round trip, as measured when it joined.
    pub(super) rtt: Duration,
    /// How busy it says it is.
    pub(super) told: Load,
    /// When bytes last came, or requests began.
    pub(super) last_progress: Duration,
    /// When bytes last came; at first, when the peer came.
    pub(super) gave_at: Duration,
    /// Requests moved to somebody else since bytes last came.
    pub(super) moved: u32,
    /// Chunks that it sent and that were good.
    pub(super) good: u32,
    pub(super) id: P,
    /// Chunks that it chose, and how many of them were here already.
    chosen: u32,
    chosen_in_vain: u32,
    pub(super) backoff: Backoff,
    /// Whether others do without it, once it has given everything to somebody.
    pub(super) relief: Option<Relief>,
}

impl<P> Peer<P> {
    pub(super) fn new(id: P, now: Duration, chunks: usize, rtt: Duration) -> Self {
        Self {
            id,
            have: ChunkSet::with_capacity(chunks),
            has: 0,
            complete: false,
            uninteresting: false,
            may_choose: true,
            relief: None,
            good: 0,
            chosen: 0,
            chosen_in_vain: 0,
            told: Load::default(),
            pending: Requests::default(),
            rtt,
            rest_until: Duration::ZERO,
            backoff: Backoff::new(Duration::from_millis(500), Duration::from_secs(10)),
            gave_at: now,
            last_progress: now,
            stalls: 0,
            moved: 0,
            throughput: Throughput::default(),
            asked: 0,
            arrived: 0,
        }
    }

    /// Bytes asked for that have not come yet.
    pub(super) fn queued(&self) -> u64 {
        self.asked.saturating_sub(self.arrived)
    }

    /// How many bytes may be under way: what the peer sends in a round trip and two seconds more, but on
    /// a fast line no more than it takes to keep the line full, because they lie in memory.
    pub(super) fn window(&self) -> Option<u64> {
        let rtt = self.rtt.as_secs_f64();
        let long = |rate: f64| rate * (rtt + PIPELINE.as_secs_f64());
        let full = |rate: f64| 2.0 * rate * rtt + FULL_LINE;
        self.throughput.rate().map(|rate| long(rate).min(full(rate)) as u64)
    }

    /// How many bytes arrive in two round trips, as they came last; 0 for a line that is not long. With fewer under way, a long line
    /// runs dry until the peer hears of the next request; and with as many, what comes doubles with each measurement until the line
    /// is full.
    pub(super) fn line(&self) -> u64 {
        let bytes = 2.0 * self.throughput.latest() * self.rtt.as_secs_f64();
        if bytes < LONG_LINE { 0 } else { bytes as u64 }
    }

    /// How long it would take to get `len` more bytes, after everything that is queued.
    pub(super) fn estimate(&self, len: u32) -> Option<Duration> {
        let (rate, queued) = match self.throughput.rate() {
            Some(rate) => (rate, self.queued()),
            None if self.told.rate > 0 => (self.told.rate as f64, self.told.queued),
            None => return None,
        };
        Some(self.rtt + seconds(queued.saturating_add(len.into()) as f64 / rate))
    }

    /// How long until the answer to `request` is here, if the rate stays.
    pub(super) fn remaining(&self, request: RequestId) -> Option<Duration> {
        let rate = self.throughput.rate()?;
        Some(seconds(self.pending.bytes_until(request).saturating_sub(self.arrived) as f64 / rate))
    }

    pub(super) fn has_begun(&self, request: RequestId) -> bool {
        self.pending.get(request).is_some_and(|p| p.begun)
    }

    pub(super) fn sent(&mut self, now: Duration, id: RequestId, pending: Pending) {
        if self.pending.is_empty() {
            self.last_progress = now;
            self.throughput.restart(now);
            self.arrived = 0;
        }
        self.asked += u64::from(pending.len);
        self.pending.push(id, pending);
    }

    /// The peer begins to send the answer to a request: a chunk of this length. Returns whether it was left the
    /// choice; `None` for an unknown request.
    pub(super) fn began(&mut self, id: RequestId, chunk: ChunkIndex, len: u32) -> Option<bool> {
        let pending = self.pending.get_mut(id)?;
        pending.begun = true;
        let chose = pending.chunk.is_none();
        if chose {
            self.chosen = self.chosen.saturating_add(1);
            self.asked = self.asked - u64::from(pending.len) + u64::from(len);
            (pending.chunk, pending.len) = (Some(chunk), len);
        }
        Some(chose)
    }

    /// Whether it has sent chunks of its own choice.
    pub(super) fn has_chosen(&self) -> bool {
        self.chosen > 0
    }

    /// Whether the others do without it.
    pub(super) fn is_spared(&self) -> bool {
        self.relief.as_ref().is_some_and(Relief::is_enough)
    }

    /// It chose a chunk that is here. Returns whether it has done that too often.
    pub(super) fn chose_in_vain(&mut self) -> bool {
        self.chosen_in_vain = self.chosen_in_vain.saturating_add(1);
        self.chosen_in_vain > IN_VAIN + self.chosen / IN_VAIN_OF
    }

    /// Bytes of chunks have come.
    pub(super) fn progress(&mut self, now: Duration, bytes: u64) {
        (self.gave_at, self.last_progress) = (now, now);
        self.stalls = 0;
        self.moved = 0;
        self.arrived += bytes;
        self.throughput.add(now, bytes);
    }

    /// A request has ended, one way or another.
    pub(super) fn ended(&mut self, id: RequestId) -> Option<Pending> {
        let ended = self.pending.remove(id)?;
        self.asked -= u64::from(ended.len);
        self.arrived = self.arrived.saturating_sub(u64::from(ended.len));
        Some(ended)
    }
}

/// A time span from a quotient that a peer's words may have made absurd.
fn seconds(seconds: f64) -> Duration {
    const FOREVER: f64 = 1e6;
    Duration::from_secs_f64(seconds.min(FOREVER))
}
