//! The clock that is read for the engine: time since the node started.

use std::time::Duration;

use tokio::time::Instant;

/// Tells the engine's `now`, and sleeps until one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn now(&self) -> Duration {
        self.0.elapsed()
    }

    /// Sleeps until `at`; forever if there is none, or if it is later than the system can tell.
    pub(super) async fn until(&self, at: Option<Duration>) {
        match at.and_then(|at| self.0.checked_add(at)) {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_time_that_never_comes_is_waited_for() {
        let clock = Clock::start();
        for at in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(1 << 40)] {
            let waited = tokio::time::timeout(Duration::from_secs(60), clock.until(Some(at))).await;
            assert!(waited.is_err(), "{at:?}");
        }
        clock.until(Some(Duration::from_secs(61))).await;
    }
}
