//! What an operator may choose.

use std::path::PathBuf;
use std::time::Duration;

use libp2p::Multiaddr;
use shoal_registry::RegistryLimits;

/// How often a peer may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How often at once.
    pub burst: u32,
    /// How long until it may do it once more.
    pub interval: Duration,
}

/// How a tracker relays connections between peers that reach each other in no other way (libp2p specs, circuit relay v2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelaySettings {
    /// Peers that it leads to at once.
    pub reservations: usize,
    /// Connections that it relays at once.
    pub circuits: usize,
    /// Of those, from or to one peer.
    pub circuits_per_peer: usize,
    /// Bytes that one of them may carry, both ways together; 0: no limit.
    pub circuit_bytes: u64,
    /// How long one of them may last; zero: no limit.
    pub circuit_time: Duration,
}

impl Default for RelaySettings {
    /// Enough for finding a direct way, and too little for data.
    fn default() -> Self {
        Self {
            reservations: 1024,
            circuits: 256,
            circuits_per_peer: 8,
            circuit_bytes: 128 << 10,
            circuit_time: Duration::from_secs(120),
        }
    }
}

/// How a tracker is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; every address must work.
    pub listen: Vec<Multiaddr>,
    /// The folder that keeps its state from one start to the next; none: nothing is kept.
    pub data: Option<PathBuf>,
    /// Where others reach it besides, such as a public name. Told first.
    pub external: Vec<Multiaddr>,
    /// Quotas and times of registrations.
    pub limits: RegistryLimits,
    /// How often one peer may register or renew, in all namespaces together.
    pub register_rate: Rate,
    /// How often one peer may ask.
    pub discover_rate: Rate,
    /// How many peers' worth of those rates one /24 or /48 has; private and loopback addresses have no such bound.
    pub peers_per_prefix: u32,
    /// Connections at once, both ways together.
    pub connections: u32,
    /// Whether it relays, and how much.
    pub relay: Option<RelaySettings>,
    /// Connections at once from one /24 or /48; private and loopback addresses have no such bound.
    pub connections_per_prefix: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            data: None,
            external: Vec::new(),
            limits: RegistryLimits::default(),
            // Enough for a thousand registrations that are renewed every ten seconds.
            register_rate: Rate { burst: 2_000, interval: Duration::from_millis(10) },
            discover_rate: Rate { burst: 1_000, interval: Duration::from_millis(20) },
            peers_per_prefix: 8,
            connections: 10_000,
            relay: None,
            connections_per_prefix: 1_000,
        }
    }
}
