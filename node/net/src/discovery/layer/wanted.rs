//! The connections that kad wants, and what becomes of the peers that are sought.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_engine::Teller;

use super::super::behaviour::DiscoveryBehaviour;
use super::super::zone::Reach;
use super::DiscoveryLayer;
use crate::peers::PeerEvent;

/// Connections at once that lookups wait for; what is wanted beyond that does not come.
pub(in super::super) const MAX_WANTED: usize = 32;
/// How long a lookup waits for a connection; kad itself asks somebody else after ten seconds.
const WANTED_FOR: Duration = Duration::from_secs(12);
/// How long to wait before a peer to begin with is sought again of which no address is known.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

impl DiscoveryLayer {
    /// kad wants a connection; the book makes one, within its budget.
    pub(in super::super) fn want(
        &mut self,
        discovery: &mut DiscoveryBehaviour,
        reach: Reach,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    ) {
        if self.wanted.len() >= MAX_WANTED && !self.wanted.contains_key(&peer) {
            return discovery.zone(reach).into_iter().for_each(|zone| zone.failed(peer));
        }
        self.wanted.insert(peer, (reach, self.clock.now() + WANTED_FOR));
        self.peers.learn(peer, addresses, Teller::Dht);
        self.peers.seek(peer);
    }

    #[cfg(test)]
    pub(in super::super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    pub(super) fn give_up_wanted(&mut self, discovery: &mut DiscoveryBehaviour) {
        let now = self.clock.now();
        let late: Vec<_> =
            self.wanted.iter().filter(|(_, (_, until))| *until <= now).map(|(peer, _)| *peer).collect();
        for peer in late {
            self.peers.release(peer);
            self.not_coming(discovery, peer);
        }
    }

    pub(super) fn not_coming(&mut self, discovery: &mut DiscoveryBehaviour, peer: PeerId) {
        if let Some((reach, _)) = self.wanted.remove(&peer) {
            discovery.zone(reach).into_iter().for_each(|zone| zone.failed(peer));
        }
    }

    pub(super) fn on_peer_event(&mut self, discovery: &mut DiscoveryBehaviour, event: PeerEvent) {
        let now = self.clock.now();
        match event {
            PeerEvent::Connected { peer } => {
                self.shared.state().machine.reached(&peer);
                if let Some((reach, _)) = self.wanted.remove(&peer)
                    && let Some(zone) = discovery.zone(reach).filter(|zone| !zone.has(&peer))
                {
                    // It is connected, but in the other half.
                    zone.failed(peer);
                }
                // Whoever asks it something uses the connection; otherwise it ends after a while.
                self.peers.release(peer);
            }
            PeerEvent::Unreachable { peer, retry_at, error } => {
                let retry_at = retry_at.unwrap_or(now + UNKNOWN_FOR);
                self.shared.state().machine.failed(now, &peer, retry_at);
                self.not_coming(discovery, peer);
                // It was dialled, and does not answer where the table says.
                if error.is_some() {
                    Reach::BOTH.iter().for_each(|reach| {
                        discovery.zone(*reach).into_iter().for_each(|zone| zone.forget(&peer));
                    });
                }
            }
            PeerEvent::AddressAnswered { address, peer } => {
                tracing::debug!(%address, %peer, "a peer to begin with is known");
                self.shared.state().machine.named(now, peer);
            }
            PeerEvent::AddressUnreachable { address, error } => {
                tracing::debug!(%address, %error, "a peer to begin with cannot be reached");
            }
            PeerEvent::Disconnected { .. } | PeerEvent::AddressesChanged => {}
            PeerEvent::Lagged { .. } => {
                let all: Vec<_> = self.wanted.keys().copied().collect();
                for peer in all {
                    self.peers.release(peer);
                    self.not_coming(discovery, peer);
                }
            }
        }
    }
}
