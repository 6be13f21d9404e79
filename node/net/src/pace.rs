//! Waiting so that a rate is kept.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shoal_engine::RateLimit;
use tokio::sync::Notify;

use super::clock::Clock;

/// Bytes that are moved at once under a limit, at most: few, so that they flow evenly.
const MOST: usize = 16 << 10;
/// And at least.
const LEAST: usize = 1 << 10;
/// Steps in a second under a low limit: each of many peers that share it still gets something every few seconds.
const STEPS: u64 = 8;

/// One limit for one direction of a whole node, which may change; without one it never waits.
#[derive(Debug)]
pub(super) struct Pace {
    limit: Mutex<Option<Limit>>,
    /// Wakes those that wait under a limit that does not hold any more.
    changed: Notify,
    clock: Clock,
}

#[derive(Debug, Clone, Copy)]
struct Limit {
    /// Bytes per second.
    rate: u64,
    bytes: RateLimit,
}

impl Limit {
    fn new(rate: u64) -> Self {
        Self { rate, bytes: RateLimit::new(rate) }
    }

    /// Bytes that are moved at once.
    fn step(&self) -> usize {
        usize::try_from(self.rate / STEPS).unwrap_or(MOST).clamp(LEAST, MOST)
    }
}

impl Pace {
    /// `rate` in bytes per second.
    pub(super) fn new(rate: Option<u64>, clock: Clock) -> Self {
        Self { limit: Mutex::new(rate.map(Limit::new)), changed: Notify::new(), clock }
    }

    /// Another rate from now on, also for those that wait already.
    pub(super) fn set(&self, rate: Option<u64>) {
        let mut limit = self.limit();
        // The same rate again must not give away what a pause saves up.
        if limit.map(|limit| limit.rate) != rate {
            *limit = rate.map(Limit::new);
            self.changed.notify_waiters();
        }
    }

    /// Bytes per second; `None`: no limit.
    pub(super) fn rate(&self) -> Option<u64> {
        self.limit().map(|limit| limit.rate)
    }

    /// How many bytes to move at once, of at most `most`.
    pub(super) fn step(&self, most: usize) -> usize {
        self.limit().map_or(most, |limit| most.min(limit.step()))
    }

    /// Waits until `bytes` may be moved.
    pub(super) async fn take(&self, bytes: usize) {
        loop {
            // From before the look at the limit, so that no change is missed.
            let changed = self.changed.notified();
            let wait = self.ask(bytes);
            if wait.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => return,
                // What the old limit gave is not used.
                () = changed => {}
            }
        }
    }

    fn ask(&self, bytes: usize) -> Duration {
        let now = self.clock.now();
        self.limit().as_mut().map_or(Duration::ZERO, |limit| limit.bytes.take(now, bytes as u64))
    }

    fn limit(&self) -> MutexGuard<'_, Option<Limit>> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn the_lower_the_limit_the_smaller_the_steps() {
        let step = |rate| Pace::new(rate, Clock::start()).step(1 << 20);
        assert_eq!(step(None), 1 << 20);
        assert_eq!(step(Some(100 << 20)), MOST);
        assert_eq!(step(Some(64 << 10)), 8 << 10);
        assert_eq!(step(Some(1)), LEAST);
    }

    /// Several that always want to move something; the time is simulated, so the bytes are exact.
    #[tokio::test(start_paused = true)]
    async fn those_that_wait_follow_a_change_at_once() {
        let pace = Arc::new(Pace::new(Some(100_000), Clock::start()));
        let moved = Arc::new(AtomicU64::new(0));
        for _ in 0..4 {
            let (pace, moved) = (pace.clone(), moved.clone());
            tokio::spawn(async move {
                loop {
                    // Without a limit there must be an end all the same.
                    let step = pace.step(1 << 20);
                    pace.take(step).await;
                    moved.fetch_add(step as u64, Ordering::Relaxed);
                    if pace.rate().is_none() {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            });
        }
        let in_a_second = async || {
            let before = moved.load(Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(1)).await;
            moved.load(Ordering::Relaxed) - before
        };
        // With the first steps of all, which did not wait.
        assert!((75_000..=200_000).contains(&in_a_second().await));
        assert!((75_000..=125_000).contains(&in_a_second().await));
        pace.set(Some(1));
        // The steps that waited are larger than new ones would be; the first of them need not wait.
        assert!(in_a_second().await <= MOST as u64);
        assert!(in_a_second().await <= LEAST as u64, "nobody may move anything for a long time");
        pace.set(Some(1_000_000));
        let faster = in_a_second().await;
        assert!((900_000..=1_200_000).contains(&faster), "{faster}");
        pace.set(None);
        assert!(in_a_second().await >= 4 << 20);
        pace.set(Some(100_000));
        in_a_second().await;
        let slower = in_a_second().await;
        assert!((75_000..=125_000).contains(&slower), "{slower}");
    }
}
