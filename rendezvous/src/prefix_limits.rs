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
use shoal_addresses::{Prefix, ip_of};

/// Too many connections from the same /24 or /48.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many connections from this network")]
struct PrefixFull;

/// Refuses inbound connections from a prefix that has its share, of those that stand and of those that are being
/// made. Private and loopback addresses have no prefix: see [`Prefix::of`].
pub(crate) struct Behaviour {
    most: usize,
    most_pending: usize,
    established: Counts,
    pending: Counts,
}

/// Connections, and how many of them each prefix has.
#[derive(Default)]
struct Counts {
    of: HashMap<ConnectionId, Prefix>,
    counts: BTreeMap<Prefix, usize>,
}

impl Counts {
    fn count(&self, prefix: Prefix) -> usize {
        self.counts.get(&prefix).copied().unwrap_or_default()
    }

    fn add(&mut self, id: ConnectionId, prefix: Prefix) {
        if self.of.insert(id, prefix).is_none() {
            *self.counts.entry(prefix).or_default() += 1;
        }
    }

    fn remove(&mut self, id: ConnectionId) {
        let Some(prefix) = self.of.remove(&id) else { return };
        if let Some(count) = self.counts.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&prefix);
            }
        }
    }
}

impl Behaviour {
    /// At most `most` connections from each prefix, and at most `most_pending` that are being made.
    pub(crate) fn new(most: usize, most_pending: usize) -> Self {
        Self { most, most_pending, established: Counts::default(), pending: Counts::default() }
    }

    fn check(&self, prefix: Prefix) -> Result<(), ConnectionDenied> {
        if self.established.count(prefix) < self.most {
            Ok(())
        } else {
            Err(ConnectionDenied::new(PrefixFull))
        }
    }

    fn check_pending(&self, prefix: Prefix) -> Result<(), ConnectionDenied> {
        self.check(prefix)?;
        let fits = self.pending.count(prefix) < self.most_pending;
        if fits { Ok(()) } else { Err(ConnectionDenied::new(PrefixFull)) }
    }
}

fn prefix_of(remote: &Multiaddr) -> Option<Prefix> {
    ip_of(remote).and_then(Prefix::of)
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        if let Some(prefix) = prefix_of(remote) {
            self.check_pending(prefix)?;
            self.pending.add(id, prefix);
        }
        Ok(())
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        prefix_of(remote).map_or(Ok(()), |prefix| self.check(prefix))?;
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

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(it) if it.endpoint.is_listener() => {
                self.pending.remove(it.connection_id);
                if let Some(prefix) = prefix_of(it.endpoint.get_remote_address()) {
                    self.established.add(it.connection_id, prefix);
                }
            }
            FromSwarm::ListenFailure(it) => self.pending.remove(it.connection_id),
            FromSwarm::ConnectionClosed(it) => self.established.remove(it.connection_id),
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
    use libp2p::swarm::ListenError;
    use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished, ListenFailure};

    impl Behaviour {
        fn is_empty(&self) -> bool {
            [&self.established, &self.pending].into_iter().all(|it| it.of.is_empty() && it.counts.is_empty())
        }
    }

    fn local() -> Multiaddr {
        "/ip4/9.9.9.9/tcp/1".parse().unwrap()
    }

    /// A connection that is being made.
    fn begin(behaviour: &mut Behaviour, n: usize, from: &str) -> bool {
        let id = ConnectionId::new_unchecked(n);
        behaviour.handle_pending_inbound_connection(id, &local(), &from.parse().unwrap()).is_ok()
    }

    fn fail(behaviour: &mut Behaviour, n: usize, from: &str) {
        behaviour.on_swarm_event(FromSwarm::ListenFailure(ListenFailure {
            local_addr: &local(),
            send_back_addr: &from.parse().unwrap(),
            error: &ListenError::Aborted,
            connection_id: ConnectionId::new_unchecked(n),
            peer_id: None,
        }));
    }

    fn connect(behaviour: &mut Behaviour, n: usize, from: &str) -> bool {
        let (local, remote): (Multiaddr, Multiaddr) = (local(), from.parse().unwrap());
        let id = ConnectionId::new_unchecked(n);
        if !begin(behaviour, n, from) {
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
        let mut behaviour = Behaviour::new(2, 9);
        assert!(connect(&mut behaviour, 1, "/ip4/8.8.8.1/tcp/1"));
        assert!(connect(&mut behaviour, 2, "/ip4/8.8.8.2/tcp/1"));
        assert!(!connect(&mut behaviour, 3, "/ip4/8.8.8.3/tcp/1"));
        assert!(connect(&mut behaviour, 4, "/ip4/8.8.9.1/tcp/1"), "another network");
        close(&mut behaviour, 1, "/ip4/8.8.8.1/tcp/1");
        assert!(connect(&mut behaviour, 5, "/ip4/8.8.8.3/tcp/1"));
        [2, 4, 5].into_iter().for_each(|n| close(&mut behaviour, n, "/ip4/8.8.8.1/tcp/1"));
        assert!(behaviour.is_empty(), "nothing is left behind");
    }

    #[test]
    fn a_network_that_never_finishes_leaves_room_for_others() {
        let mut behaviour = Behaviour::new(100, 2);
        let home = "/ip4/8.8.8.1/tcp/1";
        assert!(begin(&mut behaviour, 1, home) && begin(&mut behaviour, 2, home));
        assert!(!begin(&mut behaviour, 3, home));
        assert!(begin(&mut behaviour, 4, "/ip4/8.8.9.1/tcp/1"), "another network");
        fail(&mut behaviour, 3, home);
        assert!(!begin(&mut behaviour, 5, home), "the failure of what was refused frees nothing");
        fail(&mut behaviour, 1, home);
        assert!(connect(&mut behaviour, 6, home));
        assert!(connect(&mut behaviour, 7, home), "what stands is pending no more");
        [2, 4].into_iter().for_each(|n| fail(&mut behaviour, n, home));
        [6, 7].into_iter().for_each(|n| close(&mut behaviour, n, home));
        assert!(behaviour.is_empty());
    }

    #[test]
    fn one_machine_may_hold_a_swarm() {
        let mut behaviour = Behaviour::new(2, 2);
        assert!((0..500).all(|n| connect(&mut behaviour, n, "/ip4/127.0.0.1/tcp/1")));
        assert!(behaviour.is_empty());
    }
}
