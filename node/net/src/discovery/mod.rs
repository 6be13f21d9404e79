//! Finding peers without a tracker: neighbours on the LAN by multicast DNS, the DHT by libp2p's kad, peers of the last time.
//!
//! Sources are independent, each with a cadence of its own; what they find goes to the contents that lack something, and
//! addresses into the node's one book of peers. When is asked and told what is decided by the engine's
//! [`Discovery`](shoal_engine::Discovery).
//!
//! ```text
//!   job ──wish──▶ shared ◀──▶ layer (in the driver's task) ──▶ behaviour: lan, near, wide
//!    ▲              │                │
//!    └──── found ───┘                └── every dial ──▶ peer book, with its budget
//! ```
//!
//! The DHT is two tables under one protocol name ([`zone`]): peers that stand on private networks or this machine, and
//! peers that stand elsewhere. Nothing that one of them knows is told in the other, so private addresses stay private.
//!
//! What this is not: a promise that whoever is found has anything; that is found out by asking. What always holds:
//! nothing here dials; every list is bounded; values are not stored for anybody.

mod behaviour;
mod config;
mod lan;
mod layer;
mod mdns_query;
mod provider_store;
mod shared;
#[cfg(test)]
mod tests;
mod zone;

pub(crate) use self::behaviour::DiscoveryBehaviour;
pub use self::config::{DEFAULT_DHT_PROTOCOL, DhtMode, DiscoveryConfig};
pub(crate) use self::layer::DiscoveryLayer;
pub(crate) use self::shared::{ContentDiscovery, Found, SharedDiscovery};
pub use self::shared::{DhtRole, DhtStatus};
