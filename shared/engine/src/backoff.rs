//! Waiting longer after each failure.

use std::time::Duration;

use rand::RngExt;

use crate::SeededRng;

/// Doubles from `first` to `most`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Backoff {
    /// Starts without failures.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, failures: 0 }
    }

    /// Counts a failure and returns how long to wait.
    pub fn fail(&mut self) -> Duration {
        let wait = self.first.saturating_mul(1 << self.failures.min(20)).min(self.most);
        self.failures += 1;
        wait
    }

    /// Forgets failures.
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// A wait that is up to a quarter shorter or longer, so that nodes that failed together do not try again together.
pub fn jittered(wait: Duration, rng: &mut SeededRng) -> Duration {
    wait.mul_f64(rng.random_range(0.75..1.25))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_most_and_starts_over() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(5));
        let waits: Vec<_> = (0..5).map(|_| backoff.fail().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5, 5]);
        backoff.succeed();
        assert_eq!(backoff.fail().as_secs(), 1);
    }
}
