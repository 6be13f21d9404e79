//! The shape of the network around a node: neighbours on a ring that watch each other, and a walk that draws a map.
//!
//! - [`RingPlace`]: where a peer stands on the ring of all peers.
//! - [`Ring`]: with which peers a long-lived node stays connected: those that its user named, and the nearest on
//!   either side of its place.
//! - [`MapWalk`]: whom to ask next when the map of the swarm is drawn, and when to stop.
//!
//! What this is not: which peers a content connects to is its [`Member`](crate::Member)'s decision, and depends on nothing
//! here. What always holds: memory is bounded by the configuration, whatever peers tell.

mod place;
mod ring;
mod ring_config;
#[cfg(test)]
mod ring_tests;
mod walk;

pub use self::place::RingPlace;
pub use self::ring::Ring;
pub use self::ring_config::{RingConfig, RingInput, RingMember, RingOutput, RingSide};
pub use self::walk::{MapWalk, WalkLimits};
