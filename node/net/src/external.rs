//! The addresses that the Swarm announces as this node's own: applies what [`OwnAddresses`] decides.

use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, Swarm};
use shoal_addresses::{OwnAddresses, Scope, ip_of};

/// Keeps the Swarm's external addresses as they should be.
#[derive(Debug, Default)]
pub(super) struct ExternalAddresses(OwnAddresses);

impl ExternalAddresses {
    /// Of a node that listens where the user said.
    pub(super) fn of(listen: &[Multiaddr]) -> Self {
        let asked = listen.iter().filter_map(ip_of).any(|ip| Scope::of_ip(ip) == Some(Scope::Loopback));
        Self(if asked { OwnAddresses::with_loopback() } else { OwnAddresses::default() })
    }

    /// Takes note of what an event says of this node's addresses. Returns whether they should be
    /// [applied](Self::apply) again.
    pub(super) fn note<E>(&mut self, event: &SwarmEvent<E>) -> bool {
        match event {
            SwarmEvent::ExternalAddrConfirmed { address } => drop(self.0.confirm(address.clone())),
            SwarmEvent::ExternalAddrExpired { address } => self.0.retract(address),
            SwarmEvent::NewListenAddr { .. }
            | SwarmEvent::ExpiredListenAddr { .. }
            | SwarmEvent::ListenerClosed { .. } => {}
            _ => return false,
        }
        true
    }

    /// Announces what should be announced now, and nothing else.
    pub(super) fn apply<B: NetworkBehaviour>(&self, swarm: &mut Swarm<B>) {
        let now = self.0.announced(swarm.listeners());
        let before: Vec<Multiaddr> = swarm.external_addresses().cloned().collect();
        before.iter().filter(|a| !now.contains(a)).for_each(|a| swarm.remove_external_address(a));
        now.into_iter().filter(|a| !before.contains(a)).for_each(|a| swarm.add_external_address(a));
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
