//! Every parser of bytes that come from elsewhere, each as a function of bytes that panics if a promise is broken.
//!
//! A *target* ([`FuzzTarget`]) hands bytes to one parser of Shoal and checks what must hold of whatever comes out: no panic,
//! one encoding for one value, every bound kept, nothing outside of the folder, nothing believed that was not proved.
//! [`TARGETS`] is the one list of them. Three things go through it:
//!
//! - `tests/replay.rs`, an ordinary test, hands each target its corpus (`corpus/NAME/`) and seeded mutations of it;
//! - `fuzz/`, a package of its own outside of the workspace, is libFuzzer around any one of them;
//! - `run`, a script, lets libFuzzer have each of them for a time and prints what it did.
//!
//! What this is not: a target says nothing about speed or memory but for the bounds that it checks, and knows no
//! sockets. What always holds: a target is a function of its bytes alone, so what was found once is found again.

pub mod corpus;
mod mutate;
mod targets;

pub use mutate::Mutator;
pub use targets::{FuzzTarget, TARGETS, find};
