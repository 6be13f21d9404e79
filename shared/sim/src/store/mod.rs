//! A store of many nodes that come and go, in one thread: what its planners decide, and what becomes of the contents.
//!
//! Every node has a [`StorePlanner`](shoal_engine::StorePlanner), as a real one has; contents are sizes. Nodes vanish without
//! a word at even intervals, and as many newcomers join. Small messages take no time; a copy takes its size over the rate
//! of the receiver's line, one after the other.
//!
//! What this is not: it decides nothing, and it measures no network. What always holds: the same scenario has the same
//! outcome on any machine.

mod network;
mod node;
mod outcome;
mod scenario;
#[cfg(test)]
mod tests;

pub use self::network::StoreNetwork;
pub use self::outcome::StoreOutcome;
pub use self::scenario::StoreScenario;
