//! How long answers took.

use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// Times of answers.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Waits for an answer, and notes how long that took.
    pub(crate) async fn of<T, E>(&mut self, answer: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let begun = Instant::now();
        let answer = answer.await;
        self.0.push(begun.elapsed());
        answer
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: usize| sorted.get(sorted.len() * share / 1000).copied().unwrap_or_default();
        let longest = sorted.last().copied().unwrap_or_default();
        write!(
            f,
            "{} answers, median {:.1?}, 99 % within {:.1?}, 99.9 % within {:.1?}, longest {longest:.1?}",
            sorted.len(),
            at(500),
            at(990),
            at(999),
        )
    }
}
