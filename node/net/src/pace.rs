//! Waiting so that a rate is kept.

use std::sync::Mutex;

use shoal_engine::RateLimit;

use super::clock::Clock;

/// Bytes that are moved at once under a limit: small, so that they flow evenly.
const SMALL: usize = 16 << 10;

/// One limit for one direction of a whole node; without one it never waits.
#[derive(Debug)]
pub(super) struct Pace {
    limit: Option<Mutex<RateLimit>>,
    clock: Clock,
}

impl Pace {
    /// `rate` in bytes per second.
    pub(super) fn new(rate: Option<u64>, clock: Clock) -> Self {
        Self { limit: rate.map(|rate| Mutex::new(RateLimit::new(rate))), clock }
    }

    /// How many bytes to move at once, of at most `most`.
    pub(super) fn step(&self, most: usize) -> usize {
        if self.limit.is_some() { most.min(SMALL) } else { most }
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
