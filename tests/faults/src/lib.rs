//! Faults that are injected, and what must hold in spite of them.
//!
//! A [`Fault`] is one way in which the world goes wrong, with the promise that it puts to the test. Each has one owner here,
//! and two users: `tests/faults.rs` plays a few seeds of each as tests, `benches/faults.rs` plays many and writes
//! RELIABILITY.md of what came of them.
//!
//! - [`faults()`]: the table of them all.
//! - [`Fault::run`]: plays one seed, from an empty folder to the last check. The same seed injects the same fault.
//! - `play`: plays many seeds and counts.
//! - [`page`] makes RELIABILITY.md.
//! - [`answer()`]: programs of this crate that are killed are this same executable, started anew.
//!
//! What this is not: a measure of speed, or of what hostile peers do (`tests/tests` has those).
//!
//! What always holds: a run leaves nothing behind and needs nothing of another one; what cannot be injected here is
//! skipped with a reason, and counts as no run; a run in which the fault did not strike says so.

mod answer;
pub mod args;
mod child;
mod fault;
pub mod page;
mod play;
mod process;
mod simulated;
mod store;
mod table;
mod tools;

pub use answer::answer;
pub use fault::{Card, Fault, Runs, Strike};
pub use play::{Tally, play};
pub use table::faults;
