//! Finding peers without a tracker: when the DHT is asked and told, which neighbours on the LAN are known, whom to begin
//! with, who is remembered.
//!
//! - [`Discovery`]: what a node does about all of that, for all of its contents together.
//! - [`ProviderTable`]: what a node of the DHT keeps for others: who has which content.
//! - [`PeerMemory`]: peers that worked, for the next start.
//!
//! What this is not: it sends nothing and knows no protocol; addresses are judged elsewhere ([`shoal_addresses`]) before
//! they come here. What always holds: every list is bounded, whatever peers on the LAN or in the DHT say.

mod agenda;
mod bootstraps;
mod lan;
mod machine;
mod memory;
mod providers;
mod wish;

pub use self::lan::{MAX_LAN_PEERS, Subnet};
pub use self::machine::{Discovery, DiscoveryOutput};
pub use self::memory::{MAX_REMEMBERED, PeerMemory, RememberedPeer};
pub use self::providers::{NotKept, ProviderEntry, ProviderLimits, ProviderTable};
pub use self::wish::ContentWish;
