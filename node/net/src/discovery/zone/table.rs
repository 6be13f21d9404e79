//! Who is in the table of a half of the DHT, and with which addresses.

use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{Prefix, Scope, ip_of, without_peer};

use super::{Reach, Zone, ZoneEvent};

/// Addresses of one peer in the table. Answers have those of twenty peers, and must fit into 16 KiB.
const MAX_ADDRESSES: usize = 4;
/// Peers of one public network in the table: one owner of a network shall not fill it.
const MAX_OF_A_NETWORK: usize = 10;

impl Zone {
    /// Whether a connection to this address is one of this half.
    pub(super) fn is_mine(&self, remote: &Multiaddr) -> bool {
        Reach::of(remote).is_some_and(|(reach, _)| reach == self.reach)
    }

    /// Whether an address of this node is told in this half.
    pub(super) fn announces(&self, address: &Multiaddr) -> bool {
        match self.reach {
            Reach::Near => true,
            Reach::Wide => Scope::of(address) == Some(Scope::Public),
        }
    }

    /// A connected peer says what it speaks and where it listens: addresses that it may tell, as the policy sees it.
    pub(in super::super) fn identified(&mut self, peer: PeerId, speaks: bool, addresses: Vec<Multiaddr>) {
        if !self.has(&peer) {
            return;
        }
        let mut addresses: Vec<_> = addresses.into_iter().filter(|it| self.announces(it)).collect();
        addresses.truncate(MAX_ADDRESSES);
        let known = self.known(&peer);
        if !speaks || addresses.is_empty() {
            return self.forget(&peer);
        }
        if known.is_empty() && self.is_crowded(&addresses[0]) {
            return;
        }
        for address in &addresses {
            self.kad.add_address(&peer, address.clone());
        }
        for old in known.into_iter().filter(|old| !addresses.contains(old)) {
            self.kad.remove_address(&peer, &old);
        }
    }

    /// A peer is not in the table any more.
    pub(in super::super) fn forget(&mut self, peer: &PeerId) {
        if self.kad.remove_peer(peer).is_some() {
            self.say(ZoneEvent::Table);
        }
    }

    /// Peers in the table.
    pub(in super::super) fn table(&mut self) -> usize {
        self.kad.kbuckets().map(|bucket| bucket.num_entries()).sum()
    }

    /// Whether a peer speaks the protocol, by what it says.
    pub(in super::super) fn speaks(&self, protocols: &[libp2p::StreamProtocol]) -> bool {
        protocols.contains(&self.protocol)
    }

    fn known(&mut self, peer: &PeerId) -> Vec<Multiaddr> {
        let Some(bucket) = self.kad.kbucket(*peer) else { return vec![] };
        let entry = bucket.iter().find(|entry| entry.node.key.preimage() == peer);
        entry.map(|it| it.node.value.iter().cloned().map(without_peer).collect()).unwrap_or_default()
    }

    fn is_crowded(&mut self, address: &Multiaddr) -> bool {
        let network = |address: &Multiaddr| ip_of(address).and_then(Prefix::of);
        let Some(wanted) = network(address) else { return false };
        let there = self.kad.kbuckets().map(|bucket| {
            bucket.iter().filter(|entry| network(entry.node.value.first()) == Some(wanted)).count()
        });
        there.sum::<usize>() >= MAX_OF_A_NETWORK
    }
}
