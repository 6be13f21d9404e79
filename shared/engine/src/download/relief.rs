//! Whether the others do without a seed that has given everything once.
//!
//! Such a seed may be the fastest peer of all, and yet what it sends again brings nobody further where the others fill
//! the line, or where all share one processor. So what came of late is compared with what came while it was still giving.
//! As long as that is about as much, the seed is asked for nothing but chunks that no other neighbour has.
//!
//! What this is not: it knows no chunks and asks nobody. What always holds: if nothing comes for one look, the
//! seed is needed.

use std::time::Duration;

/// How long passes between two looks.
pub(super) const LOOK: Duration = Duration::from_millis(250);
/// What comes from others is enough if it is this share of what came before.
const ENOUGH: f64 = 0.9;

/// What came before a seed said that it had given everything, and since the last look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relief {
    /// Bytes per second that came from all peers together.
    before: f64,
    /// When somebody looked last, and how many bytes had come by then.
    since: Duration,
    bytes: u64,
    /// What came of the last look.
    enough: bool,
}

impl Relief {
    /// A seed has given everything; `before` is what came per second until then, `bytes` all that has come so far.
    pub(super) fn new(now: Duration, before: f64, bytes: u64) -> Self {
        Self { before, since: now, bytes, enough: false }
    }

    /// Looks at how many bytes have come by now. Returns whether that is enough.
    pub(super) fn look(&mut self, now: Duration, bytes: u64) -> bool {
        let took = now.saturating_sub(self.since).as_secs_f64();
        let came = bytes.saturating_sub(self.bytes) as f64;
        self.enough = came > 0.0 && came >= ENOUGH * self.before * took;
        (self.since, self.bytes) = (now, bytes);
        self.enough
    }

    /// What came of the last look.
    pub(super) fn is_enough(&self) -> bool {
        self.enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_enough_while_about_as_much_comes_as_before() {
        let mut relief = Relief::new(LOOK, 1000.0, 5000);
        assert!(!relief.is_enough(), "nobody has looked yet");
        assert!(relief.look(LOOK * 3, 5460) && relief.is_enough());
        assert!(!relief.look(LOOK * 4, 5460 + 220), "less than nine tenths of 250");
        assert!(relief.look(LOOK * 5, 5460 + 220 + 230));
        assert!(!relief.look(LOOK * 6, 5460 + 220 + 230) && !relief.is_enough(), "nothing at all");
    }

    #[test]
    fn nothing_is_not_enough_even_where_nothing_came_before() {
        let mut relief = Relief::new(LOOK, 0.0, 0);
        assert!(!relief.look(LOOK * 2, 0) && relief.look(LOOK * 3, 1));
    }
}
