//! The network around a node: with whom it stays connected, what its map looks like, and what its neighbours find by name.
//!
//! - [`Neighbourhood`]: carries what happens to the engine's `Ring` and carries out what that says.
//! - [`map`]: walks through the swarm as the engine's `MapWalk` says, and puts the map together.
//! - [`Finder`]: asks for names, and passes questions on as the engine's `FindRelay` says.
//!
//! What this is not: nothing is decided here, and no content depends on it. What always holds: all that others tell is
//! their claim; connections that were made to ask somebody are given back.

mod finder;
pub(crate) mod finding;
pub(crate) mod map;
mod map_parts;
mod neighbourhood;
mod visit;

pub(crate) use self::finder::{Finder, NameSearch};
pub use self::finding::{FindQuestion, FoundByPeers, FoundContent};
pub use self::map_parts::{MapLink, MapNode, MapOptions, NodeAnswer, SwarmMap};
pub(crate) use self::neighbourhood::Neighbourhood;
pub use self::neighbourhood::NeighbourhoodConfig;
