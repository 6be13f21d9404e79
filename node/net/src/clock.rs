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

    /// Sleeps until `at`; forever if there is none.
    pub(super) async fn until(&self, at: Option<Duration>) {
        match at {
            Some(at) => tokio::time::sleep_until(self.0 + at).await,
            None => std::future::pending().await,
        }
    }
}
