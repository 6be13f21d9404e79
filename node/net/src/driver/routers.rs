//! The driver's part of reaching, and being reached, across routers.

use libp2p::autonat::v2::client::Event as Probe;
use libp2p::multiaddr::Protocol;
use libp2p::relay::client::Event as Relayed;
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{PeerId, dcutr, identify};
use shoal_addresses::ip_of;

use super::Driver;
use crate::behaviour::BehaviourEvent;
use crate::reachability;

impl Driver {
    /// What relays that the user named find of this node's addresses counts.
    pub(super) fn trust_relays(&mut self) {
        let named: Vec<PeerId> = self.relays.named().collect();
        named.into_iter().for_each(|relay| self.swarm.behaviour_mut().reachability.trust(relay));
    }

    /// The same of a tracker; and it may offer to relay.
    pub(super) fn rely_on_tracker(&mut self, tracker: PeerId) {
        self.swarm.behaviour_mut().reachability.trust(tracker);
        self.relays.tracker(tracker);
    }

    /// Does what has become due about relays.
    pub(super) fn keep_relays(&mut self) {
        let is_public = self.external.is_public();
        self.relays.carry_out(&mut self.swarm, is_public, |swarm, address| {
            swarm.behaviour_mut().reachability.asks_relay_at(address);
        });
    }

    /// Takes note of what an event says of this node's addresses.
    pub(super) fn note_addresses(&mut self, event: &SwarmEvent<BehaviourEvent>) {
        self.relays.note(event);
        let left = |address: &libp2p::Multiaddr| {
            let circuit = address.iter().any(|part| part == Protocol::P2pCircuit);
            !circuit && ip_of(address).is_some_and(|ip| !ip.is_loopback())
        };
        if let SwarmEvent::ExpiredListenAddr { address, .. } = event
            && left(address)
        {
            self.external.moved();
        }
        if self.external.note(event) {
            self.announce();
        }
    }

    fn announce(&mut self) {
        if self.external.apply(&mut self.swarm) {
            let addresses: Vec<_> = self.swarm.external_addresses().collect();
            tracing::debug!(?addresses, "this node is reached elsewhere now");
            self.peers.addresses_changed();
        }
    }

    /// A peer has said what it is, and where it sees this node.
    pub(super) fn seen_by(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        let at = self.peers.dialled_at(connection);
        self.relays.identified(&self.swarm, peer, info, at);
        let trusted = self.swarm.behaviour_mut().reachability.trusts(&peer);
        if trusted && ip_of(&info.observed_addr).is_some_and(|ip| self.external.seen_at(ip)) {
            self.announce();
        }
    }

    pub(super) fn on_routers(&mut self, event: reachability::BehaviourEvent) {
        use reachability::BehaviourEvent as Event;
        match event {
            Event::Relay(Relayed::ReservationReqAccepted { relay_peer_id, limit, renewal }) => {
                tracing::debug!(relay = %relay_peer_id, renewal, "a relay leads here");
                self.relays.accepted(&relay_peer_id);
                self.peers.relay_says(relay_peer_id, limit.and_then(|limit| limit.data_in_bytes()));
            }
            Event::Relay(Relayed::OutboundCircuitEstablished { relay_peer_id, limit }) => {
                self.peers.relay_says(relay_peer_id, limit.and_then(|limit| limit.data_in_bytes()));
            }
            Event::Relay(Relayed::InboundCircuitEstablished { src_peer_id, .. }) => {
                tracing::debug!(peer = %src_peer_id, "comes by way of a relay");
            }
            Event::Punching(dcutr::Event { remote_peer_id, result }) => match result {
                Ok(_) => tracing::debug!(peer = %remote_peer_id, "a direct way through the routers"),
                Err(error) => tracing::debug!(peer = %remote_peer_id, %error, "no direct way was found"),
            },
            Event::Probing(Probe { tested_addr, server, result, .. }) => match result {
                Ok(()) => {
                    tracing::debug!(address = %tested_addr, %server, "reachable from outside");
                    self.external.probed(tested_addr);
                }
                Err(error) => {
                    tracing::debug!(address = %tested_addr, %server, %error, "not reachable from outside");
                    self.relays.shut();
                }
            },
            Event::Upnp(event) => tracing::debug!(?event, "router"),
            Event::Probed(_) => {}
        }
    }
}
