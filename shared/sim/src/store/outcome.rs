//! What became of a store.

use std::time::Duration;

/// What became of a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreOutcome {
    /// Contents of which no copy is left.
    pub lost: usize,
    /// Contents that have as many copies as wanted at the end.
    pub whole: usize,
    /// Contents that were placed.
    pub contents: usize,
    /// Nodes that vanished.
    pub vanished: u64,
    /// Copies that vanished with them.
    pub copies_vanished: u64,
    /// Bytes moved to place contents at first.
    pub placed: u64,
    /// Copies made after that, to restore the number or at a nearer newcomer.
    pub copies_made: u64,
    /// Bytes of those.
    pub repaired: u64,
    /// The fewest copies that any content had once it was placed.
    pub fewest: usize,
    /// The longest time that any content had too few copies.
    pub longest_short: Duration,
    /// The mean time that a content had too few copies, each time.
    pub mean_short: Duration,
    /// Questions that nodes asked each other.
    pub questions: u64,
}
