//! How fast something moves.

use std::time::Duration;

/// A rate that follows what happens now: about the last two seconds.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    rate: f64,
    bytes: u64,
    since: Duration,
    /// When bytes last came.
    moved: Duration,
}

impl Meter {
    const SAMPLE: Duration = Duration::from_millis(500);
    const MEMORY: f64 = 2.0;
    /// Without a byte for so long, nothing moves any more.
    const IDLE: Duration = Duration::from_secs(6);

    pub(crate) fn add(&mut self, now: Duration, bytes: u64) {
        if bytes > 0 {
            self.bytes += bytes;
            self.moved = now;
        }
        self.rate(now);
    }

    /// Bytes per second.
    pub(crate) fn rate(&mut self, now: Duration) -> u64 {
        let dt = now.saturating_sub(self.since);
        if dt >= Self::SAMPLE {
            let seconds = dt.as_secs_f64();
            let weight = 1.0 - (-seconds / Self::MEMORY).exp();
            self.rate += (self.bytes as f64 / seconds - self.rate) * weight;
            (self.bytes, self.since) = (0, now);
        }
        if now.saturating_sub(self.moved) >= Self::IDLE {
            self.rate = 0.0;
        }
        self.rate as u64
    }

    /// Whether the rate changes although nothing happens.
    pub(crate) fn is_moving(&self) -> bool {
        self.rate >= 1.0 || self.bytes > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_follows_and_forgets() {
        let mut meter = Meter::default();
        assert!(!meter.is_moving());
        for tenths in 1..=200 {
            meter.add(Duration::from_millis(100 * tenths), 100_000);
        }
        assert!((950_000..=1_000_000).contains(&meter.rate(Duration::from_secs(20))));
        let later = meter.rate(Duration::from_secs(22));
        assert!((250_000..500_000).contains(&later), "{later}");
        assert!(meter.is_moving());
        assert_eq!(meter.rate(Duration::from_secs(26)), 0);
        assert!(!meter.is_moving());
    }
}
