//! How many chunks to send at once.
//!
//! Few, so that each arrives soon and can be relayed; but as many as it takes to fill the line when the receivers
//! are slower than it. Nothing tells how wide the line is, so it is tried: a few more, and if that does not send
//! more bytes, back again.

use std::time::Duration;

/// How long a number of slots is observed before it is judged.
const PERIOD: Duration = Duration::from_millis(500);
/// How long after an attempt that brought nothing the next one comes.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Slots {
    allowed: usize,
    most: usize,
    /// Chosen by the user: not to be changed.
    fixed: bool,
    /// The current period, and the bytes sent in it.
    since: Duration,
    bytes: u64,
    /// Whether requests waited for a slot all through the period.
    busy: bool,
    /// An attempt: what was allowed before, and the bytes per second then.
    attempt: Option<(usize, f64)>,
    next_attempt: Duration,
}

impl Slots {
    pub(super) fn new(fixed: Option<usize>, first: usize, most: usize) -> Self {
        Self {
            allowed: fixed.unwrap_or(first).max(1),
            most,
            fixed: fixed.is_some(),
            since: Duration::ZERO,
            bytes: 0,
            busy: false,
            attempt: None,
            next_attempt: Duration::ZERO,
        }
    }

    /// Another number to begin with, unless the user chose one.
    pub(super) fn begin_with(&mut self, first: usize) {
        if !self.fixed {
            self.allowed = first;
        }
    }

    pub(super) fn allowed(&self) -> usize {
        self.allowed
    }

    /// When to [`observe`](Self::observe) again while requests wait for slots, although nothing happens.
    pub(super) fn next_observation(&self) -> Option<Duration> {
        (!self.fixed).then_some(self.since + PERIOD)
    }

    /// Requests wait although all slots are taken; or not.
    pub(super) fn observe(&mut self, now: Duration, waiting: bool) {
        if !waiting {
            self.busy = false;
        }
        if self.fixed || now < self.since + PERIOD {
            return;
        }
        let rate = self.bytes as f64 / (now - self.since).as_secs_f64();
        if self.busy {
            self.decide(now, rate);
        }
        (self.since, self.bytes, self.busy) = (now, 0, waiting);
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.bytes += bytes;
    }

    fn decide(&mut self, now: Duration, rate: f64) {
        if let Some((before, old)) = self.attempt.take() {
            let hoped = self.allowed as f64 / before as f64;
            if rate < old * (1.0 + (hoped - 1.0) / 4.0) {
                self.allowed = before;
                self.next_attempt = now + PAUSE;
                return;
            }
        }
        if now >= self.next_attempt && self.allowed < self.most {
            self.attempt = Some((self.allowed, rate));
            self.allowed = (self.allowed + self.allowed.div_ceil(2)).min(self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends for a minute over a line of `line` bytes per second to receivers of `each`.
    fn settle(line: f64, each: f64) -> Vec<usize> {
        let mut slots = Slots::new(None, 4, 32);
        (1..600)
            .map(|tenths| {
                slots.sent((line.min(each * slots.allowed() as f64) / 10.0) as u64);
                slots.observe(Duration::from_millis(100 * tenths), true);
                slots.allowed()
            })
            .collect()
    }

    #[test]
    fn a_full_line_needs_no_more() {
        let trace = settle(12e6, 12e6);
        let more = trace.iter().filter(|n| **n > 4).count();
        assert!(more < trace.len() / 6 && trace.iter().all(|n| *n <= 6), "{trace:?}");
    }

    #[test]
    fn slow_receivers_are_served_side_by_side() {
        let trace = settle(100e6, 1e6);
        assert_eq!(trace.last(), Some(&32), "{trace:?}");
    }
}
