//! The behaviours that have to do with routers, put together. Composition only.

use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{Multiaddr, PeerId, autonat, dcutr, relay, upnp};
use shoal_guard::{DialBack, Guarded};

use super::policies::{Probing, Punching};

/// A node is a client of relays, never one itself.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(super) relay: relay::client::Behaviour,
    pub(super) punching: Guarded<dcutr::Behaviour, Punching>,
    pub(super) probing: Guarded<autonat::v2::client::Behaviour, Probing>,
    probed: Guarded<autonat::v2::server::Behaviour, DialBack>,
    upnp: Toggle<upnp::tokio::Behaviour>,
}

impl Behaviour {
    /// `relay` belongs to the transport of relayed connections. `upnp`: whether routers are asked to forward ports.
    pub(crate) fn new(identity: &Keypair, relay: relay::client::Behaviour, upnp: bool) -> Self {
        Self {
            relay,
            punching: Guarded::new(
                dcutr::Behaviour::new(identity.public().to_peer_id()),
                Punching::default(),
            ),
            probing: Guarded::new(autonat::v2::client::Behaviour::default(), Probing::default()),
            probed: Guarded::new(autonat::v2::server::Behaviour::default(), DialBack::default()),
            upnp: upnp.then(upnp::tokio::Behaviour::default).into(),
        }
    }

    /// A peer that the user chose: what it finds of this node's addresses counts.
    pub(crate) fn trust(&mut self, peer: PeerId) {
        self.probing.policy_mut().trust(peer);
    }

    /// Whether what a peer finds counts.
    pub(crate) fn trusts(&mut self, peer: &PeerId) -> bool {
        self.probing.policy_mut().trusts(peer)
    }

    /// A relay at this address is asked to lead to this node.
    pub(crate) fn asks_relay_at(&mut self, address: &Multiaddr) {
        self.punching.policy_mut().relay_at(address);
    }
}
