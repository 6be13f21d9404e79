//! Waiting so that a rate is kept.

use std::sync::Mutex;

use shoal_engine::RateLimit;

use super::clock::Clock;

/// Bytes that are moved at once under a limit, at most: few, so that they flow evenly.
const MOST: usize = 16 << 10;
/// And at least.
const LEAST: usize = 1 << 10;
/// Steps in a second under a low limit: each of many peers that share it still gets something every few seconds.
const STEPS: u64 = 8;

/// One limit for one direction of a whole node; without one it never waits.
#[derive(Debug)]
pub(super) struct Pace {
    limit: Option<Mutex<RateLimit>>,
    /// Bytes that are moved at once, if there is a limit.
    step: usize,
    clock: Clock,
}

impl Pace {
    /// `rate` in bytes per second.
    pub(super) fn new(rate: Option<u64>, clock: Clock) -> Self {
        let step = rate.map_or(MOST, |rate| usize::try_from(rate / STEPS).unwrap_or(MOST)).clamp(LEAST, MOST);
        Self { limit: rate.map(|rate| Mutex::new(RateLimit::new(rate))), step, clock }
    }

    /// How many bytes to move at once, of at most `most`.
    pub(super) fn step(&self, most: usize) -> usize {
        if self.limit.is_some() { most.min(self.step) } else { most }
    }

    /// Waits until `bytes` may be moved.
    pub(super) async fn take(&self, bytes: usize) {
        let Some(limit) = &self.limit else { return };
        let now = self.clock.now();
        let wait = limit.lock().expect("no panic under the lock").take(now, bytes as u64);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_the_limit_the_smaller_the_steps() {
        let step = |rate| Pace::new(rate, Clock::start()).step(1 << 20);
        assert_eq!(step(None), 1 << 20);
        assert_eq!(step(Some(100 << 20)), MOST);
        assert_eq!(step(Some(64 << 10)), 8 << 10);
        assert_eq!(step(Some(1)), LEAST);
    }
}
