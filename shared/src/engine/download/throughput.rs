//! Bytes per second of late.

use std::time::Duration;

/// How fast the rate follows: after this time an old rate counts for about a third.
const MEMORY: f64 = 3.0;
/// How long the highest rate is remembered: after this time it counts for about a third.
const BEST_MEMORY: f64 = 60.0;
/// Shortest time over which a rate is measured.
const SAMPLE: Duration = Duration::from_millis(250);

/// A smoothed rate.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Throughput {
    /// `None` before the first measurement.
    rate: Option<f64>,
    since: Duration,
    bytes: u64,
    /// The highest rate, forgotten as time goes by.
    best: f64,
}

impl Throughput {
    /// Starts a new sample: what went before was a pause.
    pub(super) fn restart(&mut self, now: Duration) {
        (self.since, self.bytes) = (now, 0);
    }

    pub(super) fn add(&mut self, now: Duration, bytes: u64) {
        self.bytes += bytes;
        let dt = now.saturating_sub(self.since);
        if dt < SAMPLE {
            return;
        }
        let seconds = dt.as_secs_f64();
        let sample = self.bytes as f64 / seconds;
        // Not the standard library's, whose last bits differ from platform to platform.
        let weight = 1.0 - libm::exp(-seconds / MEMORY);
        self.rate = Some(self.rate.map_or(sample, |rate| rate + (sample - rate) * weight));
        self.best = (self.best * libm::exp(-seconds / BEST_MEMORY)).max(self.rate.unwrap_or(0.0));
        self.restart(now);
    }

    /// The highest rate of late, in bytes per second: what the line takes, if little was asked since.
    pub(super) fn best(&self) -> f64 {
        self.best
    }

    /// Bytes per second.
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate.filter(|rate| *rate > 0.0)
    }
}
