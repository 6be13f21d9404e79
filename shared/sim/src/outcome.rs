//! What came of it.

use std::time::Duration;

/// When a peer had everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Which of all peers; seeds come first.
    pub peer: u32,
    /// When it came.
    pub started: Duration,
    /// When it was complete.
    pub at: Duration,
}

/// Bytes, over all honest downloaders. Without framing, except where it says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SimTraffic {
    /// Bytes of chunks that arrived.
    pub received: u64,
    /// Bytes of chunks that were here already.
    pub duplicate: u64,
    /// Bytes of chunks that were wrong.
    pub corrupt: u64,
    /// Bytes of chunks whose rest never came, because the connection was closed.
    pub abandoned: u64,
    /// Messages, of everybody, with their headers.
    pub control: u64,
    /// What news of chunks contributes to that.
    pub news: u64,
    /// What the seeds sent, with framing and messages.
    pub seeds: u64,
}

/// The result of a simulation.
#[derive(Debug, Clone, PartialEq)]
pub struct SimOutcome {
    /// Bytes of the content.
    pub size: u64,
    /// See [`Scenario::bound`](super::Scenario::bound).
    pub bound: Duration,
    /// Every honest peer that was complete, in the order of the time that it took.
    pub completions: Vec<Completion>,
    /// Honest peers that stayed and were not complete at the end.
    pub incomplete: usize,
    /// Peers that left before they were complete.
    pub left: usize,
    /// Connections that were closed because of wrong bytes.
    pub bans: usize,
    /// Corrupt peers that somebody banned.
    pub banned: usize,
    /// When the simulation ended.
    pub end: Duration,
    /// What went over the lines.
    pub traffic: SimTraffic,
    /// Share of all bytes to be downloaded that are here, over time.
    pub progress: Vec<(Duration, f64)>,
    /// Requests for a chunk that was being asked of the same peer already. Must be 0.
    pub asked_twice: u64,
    /// The most requests that were under way between two peers.
    pub most_in_flight: usize,
    /// Events that happened.
    pub events: u64,
    /// Equal for equal traces.
    pub trace: u64,
}

impl SimOutcome {
    /// How long it took the share `q` of the honest peers: 0.5 for the median, 1 for the last.
    pub fn time(&self, q: f64) -> Option<Duration> {
        let last = self.completions.len().checked_sub(1)?;
        let at = ((self.completions.len() as f64 * q).ceil() as usize).saturating_sub(1).min(last);
        self.completions.get(at).map(|c| c.at.saturating_sub(c.started))
    }

    /// The time of the last peer over the bound.
    pub fn last_over_bound(&self) -> Option<f64> {
        self.time(1.0).map(|last| last.as_secs_f64() / self.bound.as_secs_f64())
    }

    /// How many times the seeds sent the content, with framing and messages.
    pub fn seed_amplification(&self) -> f64 {
        self.traffic.seeds as f64 / self.size as f64
    }

    /// Share of the bytes received that were here already.
    pub fn duplicates(&self) -> f64 {
        self.of_received(self.traffic.duplicate)
    }

    /// Share of the bytes received that were of no use, for whatever reason.
    pub fn wasted(&self) -> f64 {
        self.of_received(self.traffic.duplicate + self.traffic.corrupt + self.traffic.abandoned)
    }

    /// Messages over the bytes received.
    pub fn control(&self) -> f64 {
        self.of_received(self.traffic.control)
    }

    fn of_received(&self, bytes: u64) -> f64 {
        bytes as f64 / (self.traffic.received as f64).max(1.0)
    }
}
