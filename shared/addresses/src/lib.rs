//! The policy about addresses: which may be dialled, told to others, announced and kept.
//!
//! - [`Address`]: what an address is: a host and a transport, or a relay and the peer behind it. Of the second kind the
//!   relay is dialled.
//! - [`Scope`]: from where a host can be reached: the machine itself, the link, a private network, everywhere.
//! - [`tellable`]: what may pass between two peers, by where the other one stands. [`told`]: what a node does with
//!   addresses that it was told. [`is_harmful`]: what is told to nobody.
//! - [`KnownAddresses`]: the addresses of one peer, as far as they are worth keeping.
//! - [`OwnAddresses`]: which of its own addresses a node announces.
//! - [`Prefix`]: the network that an address belongs to, for quotas. [`at_host`]: addresses on one host.
//!
//! **Trust.** Addresses come from peers and trackers, which may lie. A peer that is connected from a public
//! address must not make this node dial into its own network. A peer in the same network may tell
//! addresses of that network. A peer stands where its connection comes from, which it cannot choose freely:
//!
//! | the peer stands at | public | private | link-local | loopback |
//! |---|---|---|---|---|
//! | a public address, or behind a relay, or nobody knows where | yes | no | no | no |
//! | a private address | yes | yes | no | no |
//! | a link-local address | yes | yes | IPv4 | no |
//! | a loopback address | yes | yes | no | yes |
//!
//! The same table says what may be told *to* such a peer: other addresses would lead it to itself, or nowhere.
//!
//! What this is not: nothing here dials, resolves a name or knows which peers are connected. A name is judged by its text
//! alone, and its owner may let it lead anywhere. Behind a proxy all peers seem to stand at the proxy's address.
//!
//! What always holds: no address makes a function panic; sets are bounded in number, and what passes [`tellable`]
//! also in length.

mod address;
mod host;
mod known;
mod own;
mod policy;
mod prefix;
mod scope;
#[cfg(test)]
mod testing;

pub use address::{
    Address, Circuit, Direct, Transport, Unusable, is_circuit, is_dialable, leads_somewhere, peer_of,
    without_peer,
};
pub use host::{Host, NameKind, ip_of, is_host_name};
pub use known::KnownAddresses;
pub use own::{MAX_CONFIRMED, OwnAddresses};
pub use policy::{
    MAX_ADDRESS, MAX_ADDRESSES, MAX_AT_HOST, MAX_CIRCUITS, Told, at_host, is_harmful, tellable, told,
};
pub use prefix::{Network, Prefix};
pub use scope::Scope;
