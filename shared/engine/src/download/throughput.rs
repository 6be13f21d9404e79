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
    /// The last measurement, as it was.
    latest: f64,
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
        self.latest = sample;
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

    /// Bytes per second in the last measurement alone. It shows at once when a line takes more than before.
    pub(super) fn latest(&self) -> f64 {
        self.latest
    }

    /// Bytes per second.
    pub(super) fn rate(&self) -> Option<f64> {
        self.rate.filter(|rate| *rate > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_and_the_best_one_is_forgotten_slowly() {
        let mut throughput = Throughput::default();
        let mut now = Duration::ZERO;
        let mut run = |throughput: &mut Throughput, seconds: u64, rate: u64| {
            for _ in 0..seconds {
                now += Duration::from_secs(1);
                throughput.add(now, rate);
            }
        };
        run(&mut throughput, 10, 1_000_000);
        run(&mut throughput, 20, 100_000);
        assert!(throughput.rate().is_some_and(|rate| rate < 110_000.0));
        assert!((600_000.0..1_000_000.0).contains(&throughput.best()), "{}", throughput.best());
        run(&mut throughput, 300, 100_000);
        assert!(throughput.best() < 110_000.0, "{}", throughput.best());
    }
}
