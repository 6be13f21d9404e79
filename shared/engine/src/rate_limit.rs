//! A limit of bytes per second.

use std::time::Duration;

/// Gives bytes out evenly: the caller is told how long to wait before it uses them.
///
/// This is the generic cell rate algorithm (ITU-T I.371) with bytes for cells: `free_at` is when all that
/// was given out will have been used up. Always holds: over any time `t`, at most `rate × (t + burst)`
/// bytes are used, and if somebody always waits, not less than `rate × t`.
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// Bytes per second; at least 1.
    rate: u64,
    free_at: Duration,
}

/// What may be used at once after a pause.
const BURST: Duration = Duration::from_millis(20);

impl RateLimit {
    /// Starts with nothing given out. A rate of 0 counts as 1 byte per second.
    pub fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), free_at: Duration::ZERO }
    }

    /// Takes `bytes` and returns how long to wait before using them. Callers are served in the order in
    /// which they come.
    pub fn take(&mut self, now: Duration, bytes: u64) -> Duration {
        let start = self.free_at.max(now.saturating_sub(BURST));
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        self.free_at = start.saturating_add(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
        start.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A caller that always waits as told uses the rate within 3 %, whatever the sizes.
        #[test]
        fn the_rate_is_kept(rate in 10_000u64..1_000_000_000, sizes in prop::collection::vec(1u64..300_000, 50..200)) {
            let mut limit = RateLimit::new(rate);
            let mut now = Duration::from_secs(5);
            let mut used = 0;
            // Long enough that the last size and the burst are less than 3 % of the whole.
            let enough = (rate * 4).max(80 * 300_000);
            for size in sizes.iter().cycle() {
                now += limit.take(now, *size);
                used += size;
                if used >= enough {
                    break;
                }
            }
            let fair = used as f64 / rate as f64;
            let took = (now - Duration::from_secs(5)).as_secs_f64();
            prop_assert!((took / fair - 1.0).abs() < 0.03, "{took} instead of {fair}");
        }
    }

    #[test]
    fn a_pause_saves_up_no_more_than_the_burst() {
        let mut limit = RateLimit::new(1000);
        limit.take(Duration::ZERO, 1000);
        let later = Duration::from_secs(60);
        assert_eq!(limit.take(later, 20), Duration::ZERO);
        assert_eq!(limit.take(later, 1000), Duration::ZERO, "the first one need not wait");
        assert_eq!(limit.take(later, 1), Duration::from_secs(1));
    }
}
