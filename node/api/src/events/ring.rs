//! The last lines that were told, and what one that has read some of them gets next.
//!
//! What always holds: lines are numbered from 1 without gaps; at most [`LINES`] are kept, of at most [`BYTES`] together.

use std::collections::VecDeque;
use std::sync::Arc;

/// Lines that are kept.
pub(crate) const LINES: usize = 1024;
/// Bytes that they may have together.
const BYTES: usize = 8 << 20;

/// An event as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) kind: &'static str,
    /// JSON on one line.
    pub(crate) data: String,
}

/// The last lines.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
    last: u64,
}

/// What comes after a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// These, in their order; none yet if there are none.
    Lines(Vec<Arc<Line>>),
    /// So many lines are not kept any more.
    Missed(u64),
    /// There never was such a line.
    Unknown,
}

impl Ring {
    pub(crate) fn push(&mut self, kind: &'static str, data: String) {
        self.last += 1;
        self.bytes += data.len();
        self.lines.push_back(Arc::new(Line { number: self.last, kind, data }));
        while self.lines.len() > LINES || (self.bytes > BYTES && self.lines.len() > 1) {
            if let Some(oldest) = self.lines.pop_front() {
                self.bytes -= oldest.data.len();
            }
        }
    }

    /// The number of the line that was told last; 0 before the first.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// At most `most` lines behind one.
    pub(crate) fn after(&self, number: u64, most: usize) -> After {
        if number > self.last {
            return After::Unknown;
        }
        let first = self.last + 1 - self.lines.len() as u64;
        match (number + 1).checked_sub(first) {
            Some(skip) => After::Lines(self.lines.iter().skip(skip as usize).take(most).cloned().collect()),
            None => After::Missed(first - number - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(lines: usize) -> Ring {
        let mut ring = Ring::default();
        (0..lines).for_each(|n| ring.push("content", n.to_string()));
        ring
    }

    fn numbers(after: After) -> Vec<u64> {
        let After::Lines(lines) = after else { panic!("{after:?}") };
        lines.iter().map(|line| line.number).collect()
    }

    #[test]
    fn what_came_since_is_told_while_it_is_kept() {
        let ring = ring(LINES + 10);
        assert_eq!(ring.last(), LINES as u64 + 10);
        assert_eq!(numbers(ring.after(10, 3)), [11, 12, 13]);
        assert_eq!(numbers(ring.after(LINES as u64 + 8, 10)), [LINES as u64 + 9, LINES as u64 + 10]);
        assert_eq!(numbers(ring.after(LINES as u64 + 10, 10)), [0; 0]);
        assert_eq!(ring.after(9, 10), After::Missed(1));
        assert_eq!(ring.after(0, 10), After::Missed(10));
        assert_eq!(ring.after(LINES as u64 + 11, 10), After::Unknown);
    }

    #[test]
    fn a_new_ring_has_told_nothing() {
        assert_eq!(numbers(ring(0).after(0, 10)), [0; 0]);
        assert_eq!(ring(0).after(1, 10), After::Unknown);
        assert_eq!(numbers(ring(1).after(0, 10)), [1]);
    }

    #[test]
    fn large_lines_are_kept_less_long() {
        let mut ring = Ring::default();
        (0..100).for_each(|_| ring.push("content", "x".repeat(BYTES / 10)));
        assert_eq!(numbers(ring.after(90, 100)).len(), 10);
        assert_eq!(ring.after(89, 100), After::Missed(1));
        ring.push("content", "x".repeat(2 * BYTES));
        assert_eq!(numbers(ring.after(100, 100)), [101], "the newest is always kept");
    }
}
