//! The registry as a whole.

mod clocks;
mod contacts;
mod invariants;
mod model;
mod properties;
mod scenarios;
