//! What AutoNAT's client hears, and where DCUtR may dial.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use libp2p::core::ConnectedPoint;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Scope, ip_of, is_dialable, tellable};
use shoal_guard::DialPolicy;
use shoal_registry::RequestLimiter;

/// Peers whose findings count; further ones replace the oldest.
const MAX_TRUSTED: usize = 64;
/// Addresses that AutoNAT ever looks at: it keeps each for good, and anybody may name some.
const MAX_CANDIDATES: usize = 64;
/// Dials at once that one peer behind a relay brings about.
const BURST: u32 = 6;
/// And one more each time that this has passed.
const INTERVAL: Duration = Duration::from_secs(10);
/// Peers that are remembered for that.
const MAX_REMEMBERED: usize = 256;

/// What AutoNAT's client hears. It takes the word of whoever dials it back, so only peers that the user chose are asked: a
/// stranger could have this node announce somebody else's address, or believe that no relay is needed.
#[derive(Debug, Default)]
pub(crate) struct Probing {
    trusted: VecDeque<PeerId>,
    heard: Vec<Multiaddr>,
}

impl Probing {
    pub(super) fn trust(&mut self, peer: PeerId) {
        if !self.trusted.contains(&peer) {
            if self.trusted.len() == MAX_TRUSTED {
                self.trusted.pop_front();
            }
            self.trusted.push_back(peer);
        }
    }
}

impl Probing {
    pub(super) fn trusts(&self, peer: &PeerId) -> bool {
        self.trusted.contains(peer)
    }
}

impl DialPolicy for Probing {
    fn hears_candidate(&mut self, address: &Multiaddr) -> bool {
        if self.heard.contains(address) {
            return true;
        }
        let of_use = is_dialable(address) && Scope::of(address) >= Some(Scope::Private);
        let hears = of_use && self.heard.len() < MAX_CANDIDATES;
        if hears {
            self.heard.push(address.clone());
        }
        hears
    }

    fn hears_peer(&mut self, peer: &PeerId) -> bool {
        self.trusts(peer)
    }
}

/// Where DCUtR may dial: at IP addresses that a peer may tell who stands where the relay does. The other side names them, so
/// a peer behind a public relay cannot have this node knock inside its own network.
#[derive(Debug)]
pub(crate) struct Punching {
    began: Instant,
    /// The relays of the connections that lead over one.
    circuits: HashMap<PeerId, Vec<(ConnectionId, Scope)>>,
    /// Where the nearest relay stands that this node ever had to do with.
    nearest: Scope,
    limiter: RequestLimiter,
}

impl Default for Punching {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            circuits: HashMap::new(),
            nearest: Scope::Public,
            limiter: RequestLimiter::new(BURST, INTERVAL, 1, MAX_REMEMBERED),
        }
    }
}

impl Punching {
    /// This node asks a relay at an address for a reservation.
    pub(super) fn relay_at(&mut self, address: &Multiaddr) {
        self.nearest = self.nearest.min(Scope::of(address).unwrap_or(Scope::Public));
    }
}

fn may_pass(address: &Multiaddr, scope: Scope) -> bool {
    is_dialable(address) && ip_of(address).is_some() && !tellable([address.clone()], scope).is_empty()
}

impl DialPolicy for Punching {
    fn may_dial(&mut self, peer: Option<&PeerId>, addresses: &[Multiaddr]) -> bool {
        let Some((peer, circuits)) = peer.and_then(|peer| self.circuits.get_key_value(peer)) else {
            return false;
        };
        let scope = circuits.iter().map(|(_, scope)| *scope).min().unwrap_or(Scope::Public);
        !addresses.is_empty()
            && addresses.iter().all(|address| may_pass(address, scope))
            && self.limiter.allow(self.began.elapsed(), *peer, None)
    }

    /// What is heard is told to the other side, which would dial none of them if one was not to be told.
    fn hears_candidate(&mut self, address: &Multiaddr) -> bool {
        may_pass(address, self.nearest)
    }

    fn opened(&mut self, peer: PeerId, connection: ConnectionId, endpoint: &ConnectedPoint) {
        if !endpoint.is_relayed() {
            return;
        }
        let relay = match endpoint {
            ConnectedPoint::Dialer { address, .. } => address,
            ConnectedPoint::Listener { local_addr, .. } => local_addr,
        };
        self.relay_at(relay);
        let scope = Scope::of(relay).unwrap_or(Scope::Public);
        self.circuits.entry(peer).or_default().push((connection, scope));
    }

    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        if let Some(circuits) = self.circuits.get_mut(&peer) {
            circuits.retain(|(id, _)| *id != connection);
            if circuits.is_empty() {
                self.circuits.remove(&peer);
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

    fn circuit(host: &str) -> ConnectedPoint {
        let relay = PeerId::random();
        ConnectedPoint::Listener {
            local_addr: address(&format!("/ip4/{host}/tcp/1/p2p/{relay}/p2p-circuit")),
            send_back_addr: address(&format!("/p2p/{}", PeerId::random())),
        }
    }

    #[test]
    fn a_peer_behind_a_public_relay_leads_nowhere_else() {
        let (mut policy, peer) = (Punching::default(), PeerId::random());
        let far = [address("/ip4/8.8.8.8/tcp/1")];
        assert!(!policy.may_dial(Some(&peer), &far), "no circuit leads to it");
        policy.opened(peer, ConnectionId::new_unchecked(1), &circuit("9.9.9.9"));
        assert!(policy.may_dial(Some(&peer), &far));
        for bad in ["/ip4/10.0.0.1/tcp/22", "/ip4/127.0.0.1/tcp/22", "/dns4/a.example/tcp/22"] {
            assert!(!policy.may_dial(Some(&peer), &[far[0].clone(), address(bad)]), "{bad}");
            assert!(!policy.hears_candidate(&address(bad)));
        }
        policy.opened(peer, ConnectionId::new_unchecked(2), &circuit("10.0.0.9"));
        assert!(policy.may_dial(Some(&peer), &[address("/ip4/10.0.0.1/tcp/22")]), "the relay is there too");
        assert!(policy.hears_candidate(&address("/ip4/10.0.0.1/tcp/22")));
        (1..3).for_each(|id| policy.closed(peer, ConnectionId::new_unchecked(id)));
        assert!(policy.circuits.is_empty());
    }

    #[test]
    fn a_peer_behind_a_relay_brings_about_few_dials() {
        let (mut policy, peer) = (Punching::default(), PeerId::random());
        policy.opened(peer, ConnectionId::new_unchecked(1), &circuit("9.9.9.9"));
        let dials = (0..100).filter(|_| policy.may_dial(Some(&peer), &[address("/ip4/8.8.8.8/tcp/1")]));
        assert_eq!(dials.count(), BURST as usize);
    }

    #[test]
    fn strangers_find_nothing_and_candidates_are_bounded() {
        let (mut policy, peer) = (Probing::default(), PeerId::random());
        assert!(!policy.hears_peer(&peer));
        policy.trust(peer);
        assert!(policy.hears_peer(&peer));
        (0..1000).for_each(|_| policy.trust(PeerId::random()));
        assert_eq!(policy.trusted.len(), MAX_TRUSTED);
        assert!(!policy.hears_candidate(&address("/ip4/127.0.0.1/tcp/1")));
        let first = address("/ip4/8.8.8.8/tcp/1");
        assert!(policy.hears_candidate(&first));
        let heard =
            (2..1000).filter(|port| policy.hears_candidate(&address(&format!("/ip4/8.8.8.8/tcp/{port}"))));
        assert_eq!(heard.count(), MAX_CANDIDATES - 1);
        assert!(policy.hears_candidate(&first), "what is known counts again");
    }
}
