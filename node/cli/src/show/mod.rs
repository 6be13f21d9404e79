//! What the API says, as text for people.
//!
//! What always holds: words of other peers are marked as theirs ("says"), and none of them begins a line of its own.

mod contents;
mod dot;
mod map;
mod node;
mod peers;
mod table;

pub(super) use self::contents::{content, contents, name, percent, state};
pub(super) use self::dot::dot;
pub(super) use self::map::map;
pub(super) use self::node::{counters, limits, load, neighbours, node};
pub(super) use self::peers::{found, location, peer_contents, peer_counters, peer_load};
pub(super) use self::table::Table;
