//! Where members of the store are.
//!
//! Others tell addresses, which may be wrong; each is dialled only together with the peer's id, so a wrong one leads nowhere.
//! What always holds: at most [`MAX_BOOKED`] peers with [`MAX_EACH`] addresses each.

use std::collections::BTreeMap;

use libp2p::{Multiaddr, PeerId};
use shoal_wire::query::PeerAddresses;

/// The most peers in it.
const MAX_BOOKED: usize = 256;
/// The most addresses of each.
pub(super) const MAX_EACH: usize = 4;

/// Where members of the store are.
#[derive(Debug, Default)]
pub(super) struct AddressBook(BTreeMap<PeerId, Vec<Multiaddr>>);

impl AddressBook {
    /// Takes in where a peer is said to be, behind what is known.
    pub(super) fn learn(&mut self, peer: PeerId, addresses: impl IntoIterator<Item = Multiaddr>) {
        if self.0.len() >= MAX_BOOKED && !self.0.contains_key(&peer) {
            return;
        }
        let known = self.0.entry(peer).or_default();
        for address in addresses.into_iter().take(MAX_EACH) {
            if !known.contains(&address) {
                known.insert(0, address);
            }
        }
        known.truncate(MAX_EACH);
        if known.is_empty() {
            self.0.remove(&peer);
        }
    }

    /// Takes in what a message tells, and returns of whom.
    pub(super) fn learn_all(&mut self, told: &[PeerAddresses]) -> Vec<PeerId> {
        let mut peers = vec![];
        for it in told {
            if let Some(peer) = it.peer() {
                self.learn(peer, it.multiaddrs());
                peers.push(peer);
            }
        }
        peers
    }

    /// An address led to a peer: it is tried first from now on.
    pub(super) fn led_to(&mut self, peer: PeerId, address: &Multiaddr) {
        if let Some(known) = self.0.get_mut(&peer) {
            known.retain(|it| it != address);
        }
        self.learn(peer, [address.clone()]);
    }

    pub(super) fn of(&self, peer: &PeerId) -> Vec<Multiaddr> {
        self.0.get(peer).cloned().unwrap_or_default()
    }

    /// Forgets whom nobody needs any more.
    pub(super) fn retain(&mut self, is_needed: impl Fn(&PeerId) -> bool) {
        self.0.retain(|peer, _| is_needed(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_tries_first_what_worked() {
        let mut book = AddressBook::default();
        let address = |n: u16| -> Multiaddr { format!("/ip4/192.0.2.1/tcp/{n}").parse().unwrap() };
        let peer = PeerId::random();
        book.learn(peer, (1..20).map(address));
        assert_eq!(book.of(&peer).len(), MAX_EACH);
        book.led_to(peer, &address(1));
        assert_eq!(book.of(&peer)[0], address(1));
        (0..1000).for_each(|_| book.learn(PeerId::random(), [address(1)]));
        assert_eq!(book.0.len(), MAX_BOOKED);
        book.retain(|it| *it == peer);
        assert_eq!(book.0.len(), 1);
    }
}
