//! Which of several connections to one peer is the best.
//!
//! Both sides may dial at the same moment, over two transports, and a peer that was behind a relay may be reached
//! directly later. New streams belong on the best connection; the others end when nothing is on them any more.

use std::collections::HashMap;

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::Scope;

/// What a connection is worth; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quality {
    /// TCP in the same network, which is fastest there.
    LocalTcp,
    /// In the same network.
    Local,
    Direct,
    Relayed,
}

impl Quality {
    fn of(endpoint: &ConnectedPoint) -> Self {
        let remote: &Multiaddr = endpoint.get_remote_address();
        let has = |wanted: fn(&Protocol<'_>) -> bool| remote.iter().any(|part| wanted(&part));
        // Of a circuit that the other side began, only the local address says that it is one.
        if endpoint.is_relayed() {
            Self::Relayed
        } else if Scope::standing_at(remote) == Scope::Public {
            Self::Direct
        } else if has(|part| matches!(part, Protocol::Tcp(_))) {
            Self::LocalTcp
        } else {
            Self::Local
        }
    }
}

/// The connections of all peers. Always holds: there is an entry only for connections that stand.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// In the order in which they came; among equals the oldest is best.
    peers: HashMap<PeerId, Vec<(Quality, ConnectionId)>>,
}

impl Connections {
    /// A connection stands. `true` if it is better than the best one before.
    pub(super) fn opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) -> bool {
        let quality = Quality::of(endpoint);
        let all = self.peers.entry(peer).or_default();
        let better = all.iter().map(|(quality, _)| *quality).min().is_some_and(|best| quality < best);
        all.push((quality, id));
        better
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, peer: &PeerId, id: ConnectionId) {
        let Some(all) = self.peers.get_mut(peer) else { return };
        all.retain(|(_, other)| *other != id);
        if all.is_empty() {
            self.peers.remove(peer);
        }
    }

    /// The best connection to a peer.
    pub(super) fn best(&self, peer: &PeerId) -> Option<ConnectionId> {
        // The first of several minima, so the oldest.
        self.peers.get(peer)?.iter().min_by_key(|(quality, _)| *quality).map(|(_, id)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    fn dialled(address: &str) -> ConnectedPoint {
        let (role_override, port_use) = (Endpoint::Dialer, PortUse::Reuse);
        ConnectedPoint::Dialer { address: address.parse().unwrap(), role_override, port_use }
    }

    fn id(n: usize) -> ConnectionId {
        ConnectionId::new_unchecked(n)
    }

    #[test]
    fn direct_before_relayed_near_before_far_then_the_older() {
        let relay = "/ip4/8.8.8.8/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit";
        let peer = PeerId::random();
        let mut all = Connections::default();
        let worst_first =
            [relay, "/ip4/8.8.4.4/udp/1/quic-v1", "/ip4/10.0.0.1/udp/1/quic-v1", "/ip4/10.0.0.1/tcp/1"];
        for (n, address) in worst_first.iter().enumerate() {
            assert_eq!(all.opened(peer, id(n), &dialled(address)), n > 0, "{address}");
            assert_eq!(all.best(&peer), Some(id(n)));
        }
        for (n, address) in worst_first.iter().enumerate() {
            assert!(
                !all.opened(peer, id(10 + n), &dialled(address)),
                "{address} is no better than what is there"
            );
        }
        assert_eq!(all.best(&peer), Some(id(3)), "the older");
        all.closed(&peer, id(3));
        assert_eq!(all.best(&peer), Some(id(13)));
    }

    #[test]
    fn a_circuit_that_the_other_side_began_is_no_direct_connection() {
        let relay =
            "/ip4/10.0.0.9/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit";
        let peer = PeerId::random();
        let circuit = ConnectedPoint::Listener {
            local_addr: relay.parse().unwrap(),
            send_back_addr: format!("/p2p/{peer}").parse().unwrap(),
        };
        let mut all = Connections::default();
        all.opened(peer, id(1), &circuit);
        assert!(all.opened(peer, id(2), &dialled("/ip4/8.8.8.8/udp/1/quic-v1")));
        assert_eq!(all.best(&peer), Some(id(2)));
    }

    #[test]
    fn nothing_is_kept_of_a_peer_that_is_gone() {
        let peer = PeerId::random();
        let mut all = Connections::default();
        all.opened(peer, id(1), &dialled("/ip4/10.0.0.1/tcp/1"));
        all.closed(&peer, id(2));
        assert_eq!(all.best(&peer), Some(id(1)));
        all.closed(&peer, id(1));
        assert!(all.peers.is_empty());
    }
}
