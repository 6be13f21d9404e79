//! The addresses that the Swarm announces as this node's own: applies what [`OwnAddresses`] decides.
//!
//! Beside listeners, three things confirm an address: the router that forwards to it, a relay that leads here, and a
//! peer of the user's choice that dialled it (`reachability`). What somebody merely says that it sees counts for nothing.

use std::net::IpAddr;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm};
use shoal_addresses::{OwnAddresses, Scope, ip_of};

/// Addresses found by probes that are remembered.
const MAX_PROBED: usize = 8;

/// Keeps the Swarm's external addresses as they should be.
#[derive(Debug, Default)]
pub(super) struct ExternalAddresses {
    own: OwnAddresses,
    /// Addresses at which a probe reached this node. A probe is never made again, so they are kept for a return.
    probed: Vec<Multiaddr>,
}

impl ExternalAddresses {
    /// Of a node that listens where the user said.
    pub(super) fn of(listen: &[Multiaddr]) -> Self {
        let asked = listen.iter().filter_map(ip_of).any(|ip| Scope::of_ip(ip) == Some(Scope::Loopback));
        let own = if asked { OwnAddresses::with_loopback() } else { OwnAddresses::default() };
        Self { own, probed: Vec::new() }
    }

    /// Takes note of what an event says of this node's addresses. Returns whether they should be
    /// [applied](Self::apply) again.
    pub(super) fn note<E>(&mut self, event: &SwarmEvent<E>) -> bool {
        match event {
            SwarmEvent::ExternalAddrConfirmed { address } => _ = self.own.confirm(address.clone()),
            SwarmEvent::ExternalAddrExpired { address } => self.own.retract(address),
            SwarmEvent::NewListenAddr { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::ListenerClosed { .. } => {}
            _ => return false,
        }
        true
    }

    /// A probe has reached this node at an address, which is confirmed by that.
    pub(super) fn probed(&mut self, address: Multiaddr) {
        if !self.probed.contains(&address) {
            if self.probed.len() == MAX_PROBED {
                self.probed.remove(0);
            }
            self.probed.push(address);
        }
    }

    /// This node has lost an address of its own, so it may be somewhere else: what probes found there holds no longer.
    pub(super) fn moved(&mut self) {
        self.probed.iter().for_each(|address| self.own.retract(address));
    }

    /// A peer of the user's choice sees this node at an IP address. Returns whether something holds again by that.
    pub(super) fn seen_at(&mut self, ip: IpAddr) -> bool {
        let before = self.own.clone();
        let there = self.probed.iter().filter(|address| ip_of(address) == Some(ip));
        for address in there {
            self.own.confirm(address.clone());
        }
        self.own != before
    }

    /// Whether everybody can dial this node at some confirmed address.
    pub(super) fn is_public(&self) -> bool {
        self.own.is_public()
    }

    /// Announces what should be announced now, and nothing else. Whether that is something else than before.
    pub(super) fn apply<B: NetworkBehaviour>(&self, swarm: &mut Swarm<B>) -> bool {
        // A relay may name any number of places where it is; the one at which it was asked has been confirmed.
        let direct = |it: &&Multiaddr| it.iter().all(|part| part != Protocol::P2pCircuit);
        let now = self.own.announced(swarm.listeners().filter(direct));
        let before: Vec<Multiaddr> = swarm.external_addresses().cloned().collect();
        let gone: Vec<_> = before.iter().filter(|a| !now.contains(a)).collect();
        let new: Vec<_> = now.into_iter().filter(|a| !before.contains(a)).collect();
        let changed = !gone.is_empty() || !new.is_empty();
        gone.into_iter().for_each(|a| swarm.remove_external_address(a));
        new.into_iter().for_each(|a| swarm.add_external_address(a));
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};
    use std::convert::Infallible;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use futures::StreamExt;
    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;
    use libp2p::identity::Keypair;
    use libp2p::swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        dummy,
    };
    use libp2p::{PeerId, SwarmBuilder};

    use super::*;
    use crate::tcp;

    /// Says of addresses what it is told to say, as behaviours do that find out by asking others.
    #[derive(Default)]
    struct Oracle(VecDeque<ToSwarm<Infallible, Infallible>>);

    impl NetworkBehaviour for Oracle {
        type ConnectionHandler = dummy::ConnectionHandler;
        type ToSwarm = Infallible;

        fn handle_established_inbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            _: &Multiaddr,
            _: &Multiaddr,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            Ok(dummy::ConnectionHandler)
        }

        fn handle_established_outbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            _: &Multiaddr,
            _: Endpoint,
            _: PortUse,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            Ok(dummy::ConnectionHandler)
        }

        fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

        fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, it: THandlerOutEvent<Self>) {
            match it {}
        }

        fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
            self.0.pop_front().map_or(Poll::Pending, Poll::Ready)
        }
    }

    struct Node {
        swarm: Swarm<Oracle>,
        external: ExternalAddresses,
    }

    impl Node {
        fn new() -> Self {
            let builder = SwarmBuilder::with_existing_identity(Keypair::generate_ed25519()).with_tokio();
            let transport = |identity: &Keypair| Ok::<_, Box<_>>(tcp::transport(identity).unwrap());
            let builder = builder.with_other_transport(transport).unwrap();
            let swarm = builder.with_behaviour(|_| Oracle::default()).unwrap().build();
            Self { swarm, external: ExternalAddresses::default() }
        }

        fn say(&mut self, what: ToSwarm<Infallible, Infallible>) {
            self.swarm.behaviour_mut().0.push_back(what);
        }

        fn listens(&self) -> BTreeSet<Multiaddr> {
            self.swarm.listeners().cloned().collect()
        }

        /// Goes on until the announced addresses are these.
        async fn announces(&mut self, expected: impl Fn(&Self) -> BTreeSet<Multiaddr>) {
            let reached = async {
                while self.swarm.external_addresses().cloned().collect::<BTreeSet<_>>() != expected(self) {
                    let event = self.swarm.select_next_some().await;
                    if self.external.note(&event) {
                        self.external.apply(&mut self.swarm);
                    }
                }
            };
            let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
            assert!(reached.is_ok(), "announced: {:?}", self.swarm.external_addresses().collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_probe_found_holds_where_it_was_found() {
        let mut external = ExternalAddresses::default();
        let (here, there): (IpAddr, IpAddr) = ([8, 8, 8, 8].into(), [9, 9, 9, 9].into());
        let address: Multiaddr = "/ip4/8.8.8.8/tcp/9".parse().unwrap();
        assert!(!external.seen_at(here), "what somebody sees counts for nothing");
        external.probed(address.clone());
        external.note(&SwarmEvent::<()>::ExternalAddrConfirmed { address });
        assert!(external.is_public() && !external.seen_at(here));
        external.moved();
        assert!(!external.is_public() && !external.seen_at(there) && !external.is_public());
        assert!(external.seen_at(here) && external.is_public());
    }

    #[tokio::test]
    async fn what_others_confirmed_is_kept_whatever_listeners_do() {
        let mut node = Node::new();
        let outside: Multiaddr = "/ip4/8.8.8.8/tcp/9".parse().unwrap();
        let only_outside = BTreeSet::from([outside.clone()]);
        let loopback = || "/ip4/127.0.0.1/tcp/0".parse().unwrap();
        let first = node.swarm.listen_on(loopback()).unwrap();
        node.announces(|node| match node.listens() {
            none if none.is_empty() => BTreeSet::from([loopback()]),
            own => own,
        })
        .await;
        node.say(ToSwarm::ExternalAddrConfirmed(outside.clone()));
        node.announces(|_| only_outside.clone()).await;
        assert!(node.swarm.remove_listener(first));
        node.swarm.listen_on(loopback()).unwrap();
        node.announces(|node| if node.listens().is_empty() { node.listens() } else { only_outside.clone() })
            .await;
        node.say(ToSwarm::ExternalAddrExpired(outside));
        node.announces(Node::listens).await;
        assert_eq!(node.listens().len(), 1);
    }
}
