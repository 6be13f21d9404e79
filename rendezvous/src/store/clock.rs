//! Time as it is written down.
//!
//! The tracker counts time from its start, and the next start counts anew; the file has wall clock time. The
//! conversion is here and nowhere else. If the wall clock is set while the tracker runs, rows written before and
//! after stay comparable with each other, but all of them end that much too early or late after the next start. The
//! reader of the rows bounds what is left.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Relates the time of this process to the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    /// When this process's time was zero, since the Unix epoch.
    zero: Duration,
}

impl WallClock {
    /// At the same moment it is `unix` since the Unix epoch, and `now` in this process.
    pub fn new(unix: Duration, now: Duration) -> Self {
        Self { zero: unix.saturating_sub(now) }
    }

    /// A moment of this process, in seconds since the Unix epoch; parts of a second count as one.
    pub fn at(self, moment: Duration) -> u64 {
        let unix = self.zero.saturating_add(moment);
        unix.as_secs().saturating_add(u64::from(unix.subsec_nanos() > 0))
    }

    /// Whole seconds from `now` until `expires` (since the Unix epoch); `None` if less than one is left.
    pub fn left(self, now: Duration, expires: u64) -> Option<u64> {
        let left = Duration::from_secs(expires).checked_sub(self.zero.saturating_add(now))?.as_secs();
        (left > 0).then_some(left)
    }
}

/// The wall clock, since the Unix epoch; zero if it is set to before that.
pub fn unix_now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_left_is_the_same_after_a_restart() {
        let before = WallClock::new(1_000_000 * SECOND, 500 * SECOND);
        let expires = before.at(560 * SECOND);
        assert_eq!(expires, 1_000_060);
        // Ten seconds later, in a process that has run for two.
        let after = WallClock::new(1_000_010 * SECOND, 2 * SECOND);
        assert_eq!(after.left(2 * SECOND, expires), Some(50));
        assert_eq!(after.left(51 * SECOND, expires), Some(1));
        assert_eq!(after.left(52 * SECOND, expires), None);
        assert_eq!(after.left(99 * SECOND, expires), None);
    }

    #[test]
    fn absurd_times_do_not_overflow() {
        let clock = WallClock::new(Duration::ZERO, Duration::MAX);
        assert_eq!(clock.at(Duration::MAX), u64::MAX);
        assert_eq!(clock.left(Duration::MAX, 5), None);
        assert_eq!(clock.left(Duration::ZERO, u64::MAX), Some(u64::MAX));
    }
}
