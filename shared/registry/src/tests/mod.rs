//! The registry as a whole.

mod invariants;
mod model;
mod properties;
mod scenarios;
