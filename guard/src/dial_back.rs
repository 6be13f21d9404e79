//! Where an AutoNAT server may dial its askers back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Scope, ip_of, is_dialable, tellable};
use shoal_registry::RequestLimiter;

use crate::guarded::DialPolicy;

/// Dials that one asker gets at once.
const BURST: u32 = 8;
/// And one more each time that this has passed.
const INTERVAL: Duration = Duration::from_secs(10);
/// The askers of one public network get as many as so many peers.
const PEERS_PER_NETWORK: u32 = 4;
/// Askers and networks that are remembered.
const MAX_REMEMBERED: usize = 1024;

/// The policy of an AutoNAT server (libp2p specs, autonat v2). It dials IP addresses alone, and those only from where the
/// asker stands: who connects from a public address cannot have this program knock inside its own network, and no name
/// leads anywhere. Which public host is dialled is the asker's choice; AutoNAT has it send 30 to 100 kB first
/// where that is not its own, and a peer gets few dials.
#[derive(Debug)]
pub struct DialBack {
    began: Instant,
    connections: HashMap<PeerId, Vec<(ConnectionId, Option<IpAddr>, Scope)>>,
    limiter: RequestLimiter,
}

impl Default for DialBack {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            connections: HashMap::new(),
            limiter: RequestLimiter::new(BURST, INTERVAL, PEERS_PER_NETWORK, MAX_REMEMBERED),
        }
    }
}

impl DialPolicy for DialBack {
    fn may_dial(&mut self, peer: Option<&PeerId>, addresses: &[Multiaddr]) -> bool {
        let Some((peer, known)) = peer.and_then(|peer| self.connections.get_key_value(peer)) else {
            return false;
        };
        let standing = known.iter().map(|(_, _, scope)| *scope).min().unwrap_or(Scope::Public);
        let ip = known.iter().find_map(|(_, ip, _)| *ip);
        let leads_there = |address: &Multiaddr| {
            is_dialable(address)
                && ip_of(address).is_some()
                && !tellable([address.clone()], standing).is_empty()
        };
        !addresses.is_empty()
            && addresses.iter().all(leads_there)
            && self.limiter.allow(self.began.elapsed(), *peer, ip)
    }

    fn opened(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        // One that this side began may lead anywhere; what counts is where the asker comes from.
        if let ConnectedPoint::Listener { send_back_addr, .. } = endpoint {
            let scope =
                if endpoint.is_relayed() { Scope::Public } else { Scope::standing_at(send_back_addr) };
            self.connections.entry(peer).or_default().push((connection, ip_of(send_back_addr), scope));
        }
    }

    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        if let Some(known) = self.connections.get_mut(&peer) {
            known.retain(|(id, ..)| *id != connection);
            if known.is_empty() {
                self.connections.remove(&peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn open(policy: &mut DialBack, peer: PeerId, id: usize, from: &str) {
        let endpoint = ConnectedPoint::Listener {
            local_addr: address("/ip4/8.8.4.4/tcp/1"),
            send_back_addr: address(from),
        };
        policy.opened(peer, ConnectionId::new_unchecked(id), &endpoint);
    }

    #[test]
    fn nobody_is_dialled_where_the_asker_does_not_stand() {
        let (mut policy, peer) = (DialBack::default(), PeerId::random());
        let may = |policy: &mut DialBack, text: &str| policy.may_dial(Some(&peer), &[address(text)]);
        assert!(!may(&mut policy, "/ip4/8.8.8.8/tcp/1"), "not connected");
        open(&mut policy, peer, 1, "/ip4/8.8.8.8/tcp/1");
        for bad in [
            "/ip4/10.0.0.1/tcp/22",
            "/ip4/127.0.0.1/tcp/22",
            "/ip4/169.254.169.254/tcp/80",
            "/dns4/example.org/tcp/22",
            "/ip4/8.8.8.8/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit",
        ] {
            assert!(!may(&mut policy, bad), "{bad}");
        }
        assert!(may(&mut policy, "/ip4/8.8.8.8/tcp/1"));
        open(&mut policy, peer, 2, "/ip4/10.0.0.7/tcp/1");
        assert!(may(&mut policy, "/ip4/10.0.0.1/tcp/22"), "in the same network");
        policy.closed(peer, ConnectionId::new_unchecked(1));
        policy.closed(peer, ConnectionId::new_unchecked(2));
        assert!(policy.connections.is_empty());
    }

    #[test]
    fn a_peer_gets_few_dials() {
        let (mut policy, peer) = (DialBack::default(), PeerId::random());
        open(&mut policy, peer, 1, "/ip4/8.8.8.8/tcp/1");
        let dials = (0..100).filter(|_| policy.may_dial(Some(&peer), &[address("/ip4/8.8.8.8/tcp/1")]));
        assert_eq!(dials.count(), BURST as usize);
    }
}
