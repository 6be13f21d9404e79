//! The connections of one half of the DHT, which kad must take for all that there are.

use std::collections::HashMap;

use libp2p::PeerId;
use libp2p::swarm::ConnectionId;
use shoal_addresses::Scope;

/// Always holds: there is an entry only for connections that stand.
#[derive(Debug, Default)]
pub(super) struct ZoneConnections(HashMap<PeerId, Vec<(ConnectionId, Scope)>>);

impl ZoneConnections {
    /// A connection stands. How many others there are to the peer.
    pub(super) fn opened(&mut self, peer: PeerId, id: ConnectionId, standing: Scope) -> usize {
        let all = self.0.entry(peer).or_default();
        all.push((id, standing));
        all.len() - 1
    }

    /// A connection is gone. How many are left to the peer; `None` if it is not one of this half.
    pub(super) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> Option<usize> {
        let all = self.0.get_mut(peer)?;
        let at = all.iter().position(|(it, _)| *it == id)?;
        all.swap_remove(at);
        let left = all.len();
        if left == 0 {
            self.0.remove(peer);
        }
        Some(left)
    }

    pub(super) fn has(&self, peer: &PeerId, id: ConnectionId) -> bool {
        self.0.get(peer).is_some_and(|all| all.iter().any(|(it, _)| *it == id))
    }

    /// Some connection to a peer.
    pub(super) fn any(&self, peer: &PeerId) -> Option<ConnectionId> {
        self.0.get(peer)?.first().map(|(id, _)| *id)
    }

    /// Where a peer stands; far away if that is not known.
    pub(super) fn standing(&self, peer: &PeerId) -> Scope {
        let all = self.0.get(peer).into_iter().flatten();
        all.map(|(_, scope)| *scope).min().unwrap_or(Scope::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_connections_count() {
        let (mut all, peer) = (ZoneConnections::default(), PeerId::random());
        let [first, second, other] = [1, 2, 3].map(ConnectionId::new_unchecked);
        assert_eq!(all.opened(peer, first, Scope::Private), 0);
        assert_eq!(all.opened(peer, second, Scope::Loopback), 1);
        assert_eq!(all.standing(&peer), Scope::Loopback);
        assert_eq!(all.closed(&peer, other), None);
        assert_eq!((all.closed(&peer, first), all.any(&peer)), (Some(1), Some(second)));
        assert_eq!((all.closed(&peer, second), all.any(&peer)), (Some(0), None));
        assert!(all.0.is_empty() && all.standing(&peer) == Scope::Public);
    }
}
