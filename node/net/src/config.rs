//! How a node is started.

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use shoal_engine::{PeerBookConfig, UploadConfig};

use crate::discovery::DiscoveryConfig;
use crate::metrics::SwarmMetrics;
use crate::observer::Observer;
use crate::topology::NeighbourhoodConfig;

/// How a node is started.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The key that the node proves its peer id with.
    pub identity: Keypair,
    /// Where it listens; every address must work. Empty: on all interfaces, TCP and QUIC, IPv4 and
    /// IPv6, as far as the machine has them.
    pub listen: Vec<Multiaddr>,
    /// The port for an empty `listen`; 0 lets the system choose.
    pub port: u16,
    /// Relays that lead to this node, each ending in `/p2p/PEER`, beside those that trackers offer where nothing else does.
    pub relays: Vec<Multiaddr>,
    /// Whether the router is asked to forward a port (UPnP), unless the node listens on loopback alone.
    pub upnp: bool,
    /// How others are served.
    pub upload: UploadConfig,
    /// Most bytes of chunks sent per second, until [`Node::set_limits`](crate::Node::set_limits).
    pub limit_up: Option<u64>,
    /// Most bytes of chunks fetched per second, until then.
    pub limit_down: Option<u64>,
    /// Is told of every decision about peers, for tests and for searching faults.
    pub observer: Option<Observer>,
    /// Counts what happens in the network, if that is to be shown.
    pub metrics: Option<SwarmMetrics>,
    /// How many connections and dials there may be, and how many peers are remembered.
    pub peers: PeerBookConfig,
    /// With whom the node stays connected, whatever contents it has.
    pub neighbourhood: NeighbourhoodConfig,
    /// How it finds others without a tracker; by default, not at all.
    pub discovery: DiscoveryConfig,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            identity: Keypair::generate_ed25519(),
            listen: Vec::new(),
            port: 0,
            relays: Vec::new(),
            upnp: false,
            upload: UploadConfig::default(),
            limit_up: None,
            limit_down: None,
            observer: None,
            metrics: None,
            peers: PeerBookConfig::default(),
            neighbourhood: NeighbourhoodConfig::default(),
            discovery: DiscoveryConfig::default(),
        }
    }
}
