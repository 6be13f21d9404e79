//! The behaviours of a tracker. The seam: whatever answers `/rendezvous/1.0.0` is chosen here alone.

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{identify, ping, rendezvous};

use crate::service;

/// Registrations live between these times, in seconds; peers renew at half of what they got.
const MIN_TTL: u64 = 60;
const MAX_TTL: u64 = 120;
/// Connections at once.
const MAX_CONNECTIONS: u32 = 4096;
const MAX_PER_PEER: u32 = 4;
const MAX_PENDING: u32 = 256;

/// Behaviours that refuse connections come first.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    rendezvous: rendezvous::server::Behaviour,
    pub(crate) tracker: service::Behaviour,
}

impl Behaviour {
    pub(crate) fn new(identity: &Keypair) -> Self {
        let limits = ConnectionLimits::default()
            .with_max_established(Some(MAX_CONNECTIONS))
            .with_max_established_per_peer(Some(MAX_PER_PEER))
            .with_max_pending_incoming(Some(MAX_PENDING));
        let identify = identify::Config::new("/shoal/1".into(), identity.public())
            .with_agent_version(concat!("shoal-rendezvous/", env!("CARGO_PKG_VERSION")).into());
        let server = rendezvous::server::Config::default().with_min_ttl(MIN_TTL).with_max_ttl(MAX_TTL);
        Self {
            limits: connection_limits::Behaviour::new(limits),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new()),
            rendezvous: rendezvous::server::Behaviour::new(server),
            tracker: service::behaviour(),
        }
    }
}
