//! How a node finds others without a tracker.

use libp2p::Multiaddr;
use shoal_addresses::{Scope, ip_of};
use shoal_engine::RememberedPeer;

/// The name under which the DHT is spoken, unless another one is asked for.
pub const DEFAULT_DHT_PROTOCOL: &str = "/shoal/kad/1";

/// What a node is in the DHT.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DhtMode {
    /// It takes no part.
    #[default]
    Off,
    /// It asks, and answers nobody.
    Client,
    /// It asks and answers, also peers far away.
    Server,
    /// It answers peers on private networks; others once it has a public address.
    Auto,
}

/// How a node finds others without a tracker. By default, not at all.
#[derive(Debug, Clone)]
pub struct DiscoveryConfig {
    /// Neighbours on the LAN are looked for, and told, by multicast DNS.
    pub mdns: bool,
    /// What the node is in the DHT.
    pub dht: DhtMode,
    /// The DHT's protocol name; one that begins with no `/` is taken as if it did.
    pub protocol: String,
    /// Peers to begin with in the DHT, with or without `/p2p/PEER` at the end.
    pub bootstrap: Vec<Multiaddr>,
    /// Peers that worked the last time, the best first; see [`Node::remembered`](crate::Node::remembered).
    pub remembered: Vec<RememberedPeer>,
}

impl Default for DiscoveryConfig {
    fn default() -> Self {
        Self {
            mdns: false,
            dht: DhtMode::Off,
            protocol: DEFAULT_DHT_PROTOCOL.into(),
            bootstrap: Vec::new(),
            remembered: Vec::new(),
        }
    }
}

impl DiscoveryConfig {
    /// Everything that there is.
    pub fn everything() -> Self {
        Self { mdns: true, dht: DhtMode::Auto, ..Self::default() }
    }

    /// Whether anything is looked for at all.
    pub fn is_on(&self) -> bool {
        self.mdns || self.dht != DhtMode::Off || !self.remembered.is_empty()
    }

    /// As far as it makes sense for a node that listens there; a node that only its own machine reaches has no neighbours.
    pub(crate) fn for_listener(mut self, listen: &[Multiaddr]) -> Self {
        let alone =
            |address: &Multiaddr| ip_of(address).is_some_and(|ip| Scope::of_ip(ip) == Some(Scope::Loopback));
        if self.dht == DhtMode::Off {
            self.bootstrap.clear();
        }
        self.mdns &= listen.is_empty() || !listen.iter().all(alone);
        self
    }
}
