//! The registry as a whole.

mod clocks;
mod invariants;
mod model;
mod properties;
mod scenarios;
