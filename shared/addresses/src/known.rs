//! The addresses of one peer that are worth keeping.

use std::collections::BTreeSet;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

use crate::address::{Address, peer_of, without_peer};
use crate::policy::{MAX_ADDRESS, MAX_ADDRESSES, MAX_CIRCUITS};

/// Where one peer may be. Always holds: at most [`MAX_ADDRESSES`] to dial and [`MAX_CIRCUITS`] by way of a relay, each of
/// at most [`MAX_ADDRESS`] bytes, and without the peer's own id at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAddresses {
    peer: Option<PeerId>,
    direct: BTreeSet<Multiaddr>,
    circuits: BTreeSet<Multiaddr>,
}

impl KnownAddresses {
    /// Starts empty. Without a peer, the addresses are of any peer that answers there.
    pub fn of(peer: Option<PeerId>) -> Self {
        Self { peer, ..Self::default() }
    }

    /// Adds an address; returns whether it is known now. An address of a form that nodes do not use, or that names
    /// another peer, is not added. Without room it replaces one for which `replace` returns true: an address that led
    /// nowhere may have been made up.
    pub fn insert(&mut self, address: Multiaddr, replace: bool) -> bool {
        let (kept, most) = match Address::try_from(&address) {
            _ if address.len() > MAX_ADDRESS => return false,
            Ok(Address::Direct(_)) => (&mut self.direct, MAX_ADDRESSES),
            Ok(Address::Circuit(_)) => (&mut self.circuits, MAX_CIRCUITS),
            Err(_) => return false,
        };
        if self.peer.is_some() && peer_of(&address).is_some_and(|named| Some(named) != self.peer) {
            return false;
        }
        let address = if self.peer.is_some() { without_peer(address) } else { address };
        if kept.contains(&address) {
            return true;
        }
        if kept.len() >= most && replace {
            kept.pop_first();
        }
        kept.len() < most && kept.insert(address)
    }

    /// Those to dial, in a fixed order.
    pub fn direct(&self) -> impl Iterator<Item = &Multiaddr> {
        self.direct.iter()
    }

    /// Those by way of a relay, in a fixed order.
    pub fn circuits(&self) -> impl Iterator<Item = &Multiaddr> {
        self.circuits.iter()
    }

    /// Whether there is none to dial.
    pub fn is_empty(&self) -> bool {
        self.direct.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PEER, RELAY, any_multiaddr};
    use proptest::prelude::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    fn peer(text: &str) -> PeerId {
        text.parse().unwrap()
    }

    fn port(port: u16) -> Multiaddr {
        address(&format!("/ip4/8.8.8.8/tcp/{port}"))
    }

    #[test]
    fn addresses_are_kept_without_the_id_and_circuits_apart() {
        let mut known = KnownAddresses::of(Some(peer(PEER)));
        assert!(known.insert(address(&format!("/ip4/8.8.8.8/tcp/1/p2p/{PEER}")), false));
        assert!(known.insert(port(1), false), "the same one");
        assert!(!known.insert(address(&format!("/ip4/8.8.8.8/tcp/2/p2p/{RELAY}")), false), "somebody else's");
        assert!(!known.insert(address("/ip4/8.8.8.8/tcp/1/ws"), false), "no use");
        let circuit = format!("/ip4/9.9.9.9/tcp/1/p2p/{RELAY}/p2p-circuit");
        assert!(known.insert(address(&format!("{circuit}/p2p/{PEER}")), false));
        assert!(!known.insert(address(&format!("{circuit}/p2p/{RELAY}")), false));
        assert_eq!(known.direct().collect::<Vec<_>>(), [&port(1)]);
        assert_eq!(known.circuits().collect::<Vec<_>>(), [&address(&circuit)]);
    }

    #[test]
    fn an_address_of_nobody_in_particular_keeps_its_id() {
        let mut known = KnownAddresses::default();
        let named = address(&format!("/ip4/8.8.8.8/tcp/1/p2p/{PEER}"));
        assert!(known.is_empty() && known.insert(named.clone(), false));
        assert_eq!(known.direct().collect::<Vec<_>>(), [&named]);
    }

    #[test]
    fn what_led_nowhere_gives_way() {
        let mut known = KnownAddresses::of(Some(peer(PEER)));
        assert!((1..=MAX_ADDRESSES as u16).all(|n| known.insert(port(n), false)));
        assert!(!known.insert(port(99), false));
        assert!(known.insert(port(99), true));
        assert_eq!(known.direct().count(), MAX_ADDRESSES);
        assert!(known.direct().any(|it| *it == port(99)));
    }

    proptest! {
        #[test]
        fn there_is_a_bound(
            addresses in prop::collection::vec((any_multiaddr(), any::<bool>()), 0..100),
            named: bool,
        ) {
            let mut known = KnownAddresses::of(named.then(|| peer(PEER)));
            for (address, replace) in addresses {
                known.insert(address, replace);
            }
            prop_assert!(known.direct().count() <= MAX_ADDRESSES && known.circuits().count() <= MAX_CIRCUITS);
            for address in known.direct().chain(known.circuits()) {
                prop_assert!(address.len() <= MAX_ADDRESS);
            }
            prop_assert!(known.direct().all(crate::is_dialable));
        }
    }
}
