//! A bound on connections from one network, because peer ids cost nothing and addresses do.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::task::{Context, Poll};

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId};
use shoal_shared::registry::{Prefix, quota_prefixes};

/// Too many connections from the same /24 or /48.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many connections from this network")]
struct Crowded;

/// Refuses inbound connections from a prefix that has its share. Private and loopback addresses have no
/// prefix: see [`Prefix::of`].
pub(crate) struct Behaviour {
    most: usize,
    of: HashMap<ConnectionId, Prefix>,
    counts: BTreeMap<Prefix, usize>,
}

impl Behaviour {
    /// At most `most` connections from each prefix.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, of: HashMap::new(), counts: BTreeMap::new() }
    }

    fn check(&self, remote: &Multiaddr) -> Result<Option<Prefix>, ConnectionDenied> {
        let prefix = quota_prefixes([remote]).into_iter().next();
        let count = prefix.and_then(|prefix| self.counts.get(&prefix)).copied().unwrap_or_default();
        if count < self.most { Ok(prefix) } else { Err(ConnectionDenied::new(Crowded)) }
    }

    fn closed(&mut self, id: ConnectionId) {
        let Some(prefix) = self.of.remove(&id) else { return };
        if let Some(count) = self.counts.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&prefix);
            }
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.check(remote).map(drop)
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.check(remote).map(|_| dummy::ConnectionHandler)
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

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(it) if it.endpoint.is_listener() => {
                let prefix = quota_prefixes([it.endpoint.get_remote_address()]).into_iter().next();
                if let Some(prefix) = prefix {
                    self.of.insert(it.connection_id, prefix);
                    *self.counts.entry(prefix).or_default() += 1;
                }
            }
            FromSwarm::ConnectionClosed(it) => self.closed(it.connection_id),
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
    use libp2p::core::ConnectedPoint;
    use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};

    fn connect(behaviour: &mut Behaviour, n: usize, from: &str) -> bool {
        let (local, remote): (Multiaddr, Multiaddr) =
            ("/ip4/9.9.9.9/tcp/1".parse().unwrap(), from.parse().unwrap());
        let id = ConnectionId::new_unchecked(n);
        if behaviour.handle_pending_inbound_connection(id, &local, &remote).is_err() {
            return false;
        }
        let endpoint = ConnectedPoint::Listener { local_addr: local, send_back_addr: remote };
        behaviour.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id: PeerId::random(),
            connection_id: id,
            endpoint: &endpoint,
            failed_addresses: &[],
            other_established: 0,
        }));
        true
    }

    fn close(behaviour: &mut Behaviour, n: usize, from: &str) {
        let local_addr = "/ip4/9.9.9.9/tcp/1".parse().unwrap();
        let endpoint = ConnectedPoint::Listener { local_addr, send_back_addr: from.parse().unwrap() };
        behaviour.on_swarm_event(FromSwarm::ConnectionClosed(ConnectionClosed {
            peer_id: PeerId::random(),
            connection_id: ConnectionId::new_unchecked(n),
            endpoint: &endpoint,
            cause: None,
            remaining_established: 0,
        }));
    }

    #[test]
    fn each_network_has_its_share() {
        let mut behaviour = Behaviour::new(2);
        assert!(connect(&mut behaviour, 1, "/ip4/8.8.8.1/tcp/1"));
        assert!(connect(&mut behaviour, 2, "/ip4/8.8.8.2/tcp/1"));
        assert!(!connect(&mut behaviour, 3, "/ip4/8.8.8.3/tcp/1"));
        assert!(connect(&mut behaviour, 4, "/ip4/8.8.9.1/tcp/1"), "another network");
        close(&mut behaviour, 1, "/ip4/8.8.8.1/tcp/1");
        assert!(connect(&mut behaviour, 5, "/ip4/8.8.8.3/tcp/1"));
        [2, 4, 5].into_iter().for_each(|n| close(&mut behaviour, n, "/ip4/8.8.8.1/tcp/1"));
        assert!(behaviour.of.is_empty() && behaviour.counts.is_empty(), "nothing is left behind");
    }

    #[test]
    fn one_machine_may_hold_a_swarm() {
        let mut behaviour = Behaviour::new(2);
        assert!((0..500).all(|n| connect(&mut behaviour, n, "/ip4/127.0.0.1/tcp/1")));
        assert!(behaviour.of.is_empty());
    }
}
