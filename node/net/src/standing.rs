//! Where the peers stand that this node is connected to: what they may tell, and be told, depends on that.
//!
//! A connection that somebody else began comes from an IP address. One that this node began to a name leads to an IP
//! address too, but the Swarm only knows the name; so the transports below the resolver note it in [`Resolved`].
//!
//! What this is not: it refuses and begins no connection. What always holds: there is an entry only for connections
//! that stand; a peer about which nothing is known stands far away.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use libp2p::core::transport::PortUse;
use libp2p::core::{ConnectedPoint, Endpoint};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Scope, ip_of, tellable};
use shoal_wire::query::{LinksClaim, PeerAddresses, QueryResponse};

/// Connections that were dialled and that the Swarm has not told of yet; older ones are forgotten.
const MAX_RESOLVED: usize = 64;

/// Where connections lead that this node began, from the moment that they stand until the Swarm tells of them.
#[derive(Debug, Default)]
pub(super) struct Resolved(Mutex<VecDeque<(PeerId, Scope)>>);

impl Resolved {
    /// A transport has connected to a peer. Addresses have no names in them any more here.
    pub(super) fn note(&self, peer: PeerId, endpoint: &ConnectedPoint) {
        let ConnectedPoint::Dialer { address, .. } = endpoint else { return };
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() == MAX_RESOLVED {
            noted.pop_front();
        }
        noted.push_back((peer, Scope::standing_at(address)));
    }

    /// Takes what was noted of a connection to a peer. If several begin at once, any: both lead to it.
    fn take(&self, peer: &PeerId) -> Option<Scope> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = noted.iter().position(|(it, _)| it == peer)?;
        noted.remove(at).map(|(_, scope)| scope)
    }
}

/// Knows where each connected peer stands.
#[derive(Debug, Default)]
pub(super) struct Behaviour {
    resolved: Arc<Resolved>,
    connections: HashMap<PeerId, Vec<(ConnectionId, Scope)>>,
}

impl Behaviour {
    pub(super) fn new(resolved: Arc<Resolved>) -> Self {
        Self { resolved, connections: HashMap::new() }
    }

    /// Where a peer stands: at the nearest place that one of its connections leads to, since none of them leads
    /// elsewhere than to it.
    pub(super) fn of(&self, peer: &PeerId) -> Scope {
        let scopes = self.connections.get(peer).into_iter().flatten().map(|(_, scope)| *scope);
        scopes.min().unwrap_or(Scope::Public)
    }

    /// What may pass of an answer between this node and a peer, in either direction: addresses of other peers, as far
    /// as they lead anywhere from there.
    pub(super) fn sift(&self, peer: &PeerId, answer: QueryResponse) -> QueryResponse {
        match answer {
            QueryResponse::Peers { peers } => QueryResponse::Peers { peers: self.sift_peers(peer, &peers) },
            QueryResponse::Neighbours { peers } => {
                QueryResponse::Neighbours { peers: self.sift_peers(peer, &peers) }
            }
            QueryResponse::Where { has, chunk, peers } => {
                QueryResponse::Where { has, chunk, peers: self.sift_peers(peer, &peers) }
            }
            QueryResponse::Found { mut found } => {
                found.iter_mut().for_each(|claim| claim.peers = self.sift_peers(peer, &claim.peers));
                QueryResponse::Found { found }
            }
            QueryResponse::Links(claim) => QueryResponse::Links(self.sift_links(peer, claim)),
            QueryResponse::Ok { .. }
            | QueryResponse::Joined { .. }
            | QueryResponse::Block { .. }
            | QueryResponse::Load(_)
            | QueryResponse::Counters(_)
            | QueryResponse::Contents { .. }
            | QueryResponse::Error { .. } => answer,
        }
    }

    fn sift_peers(&self, peer: &PeerId, peers: &[PeerAddresses]) -> Vec<PeerAddresses> {
        let standing = self.of(peer);
        let sifted = peers.iter().filter_map(|told| {
            let addresses = tellable(told.multiaddrs(), standing);
            (!addresses.is_empty()).then_some(PeerAddresses::new(told.peer()?, &addresses))
        });
        sifted.collect()
    }

    /// Also links without an address say something: who is connected with whom.
    fn sift_links(&self, peer: &PeerId, mut claim: LinksClaim) -> LinksClaim {
        let standing = self.of(peer);
        claim.links.retain_mut(|link| {
            let Some(id) = link.peer.peer() else { return false };
            link.peer = PeerAddresses::new(id, &tellable(link.peer.multiaddrs(), standing));
            true
        });
        claim
    }

    fn opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let resolved = if endpoint.is_dialer() { self.resolved.take(&peer) } else { None };
        let address = endpoint.get_remote_address();
        let scope = match ip_of(address) {
            Some(_) => Scope::standing_at(address),
            None => resolved.unwrap_or(Scope::Public),
        };
        self.connections.entry(peer).or_default().push((id, scope));
    }

    fn closed(&mut self, peer: &PeerId, id: ConnectionId) {
        let Some(connections) = self.connections.get_mut(peer) else { return };
        connections.retain(|(it, _)| *it != id);
        if connections.is_empty() {
            self.connections.remove(peer);
        }
    }
}

impl NetworkBehaviour for Behaviour {
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

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(it) => self.opened(it.peer_id, it.connection_id, it.endpoint),
            FromSwarm::ConnectionClosed(it) => self.closed(&it.peer_id, it.connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, it: THandlerOutEvent<Self>) {
        match it {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    fn dialled(text: &str) -> ConnectedPoint {
        let (role_override, port_use) = (Endpoint::Dialer, PortUse::Reuse);
        ConnectedPoint::Dialer { address: address(text), role_override, port_use }
    }

    fn accepted(text: &str) -> ConnectedPoint {
        ConnectedPoint::Listener { local_addr: address("/ip4/8.8.4.4/tcp/1"), send_back_addr: address(text) }
    }

    #[test]
    fn a_peer_stands_at_the_nearest_place_and_far_away_once_it_is_gone() {
        let (mut standing, peer) = (Behaviour::default(), PeerId::random());
        assert_eq!(standing.of(&peer), Scope::Public);
        standing.opened(peer, id(1), &accepted("/ip4/8.8.8.8/tcp/1"));
        assert_eq!(standing.of(&peer), Scope::Public);
        standing.opened(peer, id(2), &dialled("/ip4/10.0.0.1/tcp/1"));
        assert_eq!(standing.of(&peer), Scope::Private);
        standing.closed(&peer, id(2));
        assert_eq!(standing.of(&peer), Scope::Public);
        standing.closed(&peer, id(1));
        assert!(standing.connections.is_empty());
    }

    #[test]
    fn a_name_stands_where_it_led() {
        let (resolved, peer) = (Arc::new(Resolved::default()), PeerId::random());
        let mut standing = Behaviour::new(resolved.clone());
        resolved.note(peer, &dialled("/ip4/127.0.0.1/tcp/1"));
        standing.opened(PeerId::random(), id(1), &dialled("/dns/example.org/tcp/1"));
        standing.opened(peer, id(2), &accepted("/dns/example.org/tcp/1"));
        assert_eq!(standing.of(&peer), Scope::Public, "no name that others chose counts");
        standing.opened(peer, id(3), &dialled("/dns/example.org/tcp/1"));
        assert_eq!(standing.of(&peer), Scope::Loopback);
        assert!(resolved.0.lock().unwrap().is_empty());
        standing.opened(peer, id(4), &dialled("/ip4/8.8.8.8/tcp/1/p2p-circuit"));
        standing.closed(&peer, id(3));
        assert_eq!(standing.of(&peer), Scope::Public);
    }

    #[test]
    fn what_is_noted_and_never_told_of_is_bounded() {
        let resolved = Resolved::default();
        (0..200).for_each(|_| resolved.note(PeerId::random(), &dialled("/ip4/10.0.0.1/tcp/1")));
        assert_eq!(resolved.0.lock().unwrap().len(), MAX_RESOLVED);
    }

    #[test]
    fn answers_carry_no_address_into_a_network_that_the_other_side_is_not_in() {
        let (mut standing, peer) = (Behaviour::default(), PeerId::random());
        let [public, private, own] =
            ["/ip4/8.8.8.8/tcp/1", "/ip4/10.0.0.1/tcp/22", "/ip4/127.0.0.1/tcp/22"].map(address);
        let other = PeerId::random();
        let answer = || {
            let all = PeerAddresses::new(other, &[public.clone(), private.clone(), own.clone()]);
            let inner = PeerAddresses::new(PeerId::random(), std::slice::from_ref(&private));
            let nobody = PeerAddresses { id: vec![1], addresses: vec![] };
            QueryResponse::Peers { peers: vec![all, inner, nobody] }
        };
        let told = |standing: &Behaviour| match standing.sift(&peer, answer()) {
            QueryResponse::Peers { peers } => peers.iter().map(|it| it.multiaddrs().collect()).collect(),
            other => panic!("{other:?}"),
        };
        let told: [Vec<Vec<Multiaddr>>; 3] =
            ["/ip4/8.8.4.4/tcp/1", "/ip4/192.168.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"].map(|from| {
                standing.opened(peer, id(1), &accepted(from));
                let told = told(&standing);
                standing.closed(&peer, id(1));
                told
            });
        assert_eq!(told[0], [vec![public.clone()]]);
        assert_eq!(told[1], [vec![public.clone(), private.clone()], vec![private.clone()]]);
        assert_eq!(told[2], [vec![public, private.clone(), own], vec![private]]);
    }
}
