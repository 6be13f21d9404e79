//! The addresses that a node says are its own.

use std::cmp::Reverse;

use multiaddr::Multiaddr;

use crate::address::{Address, is_dialable};
use crate::policy::{MAX_ADDRESS, MAX_ADDRESSES};
use crate::scope::Scope;

/// The most addresses that are kept because something confirmed them.
pub const MAX_CONFIRMED: usize = 8;

/// Chooses the addresses that a node announces. They come from its listeners, from peers that have reached it, and from
/// routers that forward to it.
///
/// Always holds: a confirmed address stays until it is retracted, whatever happens to listeners; a loopback address is
/// announced only if there is no other, or if it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnAddresses {
    /// The oldest first; at most [`MAX_CONFIRMED`].
    confirmed: Vec<Multiaddr>,
    /// Whether loopback addresses are announced beside others.
    with_loopback: bool,
}

impl OwnAddresses {
    /// The node was told to listen on loopback, so those addresses are announced beside others.
    pub fn with_loopback() -> Self {
        Self { with_loopback: true, ..Self::default() }
    }

    /// Adds an address at which the node can be reached, found by something other than a listener. Returns whether it is
    /// kept: an address of no use to others is not. At [`MAX_CONFIRMED`] addresses, the new one replaces the oldest.
    pub fn confirm(&mut self, address: Multiaddr) -> bool {
        if rank(&address).is_none() {
            return false;
        }
        if !self.confirmed.contains(&address) {
            if self.confirmed.len() == MAX_CONFIRMED {
                self.confirmed.remove(0);
            }
            self.confirmed.push(address);
        }
        true
    }

    /// Removes a confirmed address at which the node can no longer be reached.
    pub fn retract(&mut self, address: &Multiaddr) {
        self.confirmed.retain(|it| it != address);
    }

    /// Whether something confirmed an address at which everybody can dial this node.
    pub fn is_public(&self) -> bool {
        self.confirmed.iter().any(|it| is_dialable(it) && Scope::of(it) == Some(Scope::Public))
    }

    /// The addresses to announce while the node listens at these. The confirmed ones come first, then the others, widest
    /// scope first; each once, at most [`MAX_ADDRESSES`]. Loopback addresses are left out unless there
    /// are no others or they were asked for.
    pub fn announced<'a>(&self, listening: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<Multiaddr> {
        let confirmed = self.confirmed.iter().map(|address| (false, address));
        let listening = listening.into_iter().map(|address| (true, address));
        let ranked = confirmed.chain(listening).filter_map(|(listens, it)| Some((listens, rank(it)?, it)));
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_by_key(|(listens, scope, _)| (*listens, Reverse(*scope)));
        let others = ranked.iter().any(|(_, scope, _)| *scope > Scope::Loopback);
        let mut announced: Vec<Multiaddr> = vec![];
        for (_, scope, address) in ranked {
            let serves = self.with_loopback || !others || scope > Scope::Loopback;
            if serves && announced.len() < MAX_ADDRESSES && !announced.contains(address) {
                announced.push(address.clone());
            }
        }
        announced
    }
}

/// From where an address can be reached, if others can make use of it.
fn rank(address: &Multiaddr) -> Option<Scope> {
    let scope = Address::try_from(address).ok().and(Scope::of(address))?;
    // The name of an interface is missing, and would mean nothing to others.
    let unusable =
        scope == Scope::LinkLocal && address.iter().any(|part| matches!(part, multiaddr::Protocol::Ip6(_)));
    (address.len() <= MAX_ADDRESS && !unusable).then_some(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{PEER, RELAY, any_multiaddr};
    use proptest::prelude::*;

    fn addresses(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_is_announced() {
        let circuit = &*format!("/ip4/9.9.9.9/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}");
        let table: [(&[&str], &[&str], &[&str]); 8] = [
            (&[], &[], &[]),
            (&["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"], &[], &["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]),
            (
                &["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip6/fe80::1/tcp/1", "/ip6/2a00::1/tcp/1"],
                &[],
                &["/ip6/2a00::1/tcp/1", "/ip4/10.0.0.1/tcp/1"],
            ),
            (&["/ip4/127.0.0.1/tcp/1", "/ip4/169.254.1.1/tcp/1"], &[], &["/ip4/169.254.1.1/tcp/1"]),
            (&["/ip4/127.0.0.1/tcp/1", "/ip6/fe80::1/tcp/1"], &[], &["/ip4/127.0.0.1/tcp/1"]),
            (&["/ip4/127.0.0.1/tcp/1"], &["/ip4/8.8.8.8/tcp/9"], &["/ip4/8.8.8.8/tcp/9"]),
            (
                &["/ip6/2a00::1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/9"],
                &["/ip4/8.8.8.8/tcp/9", circuit],
                &["/ip4/8.8.8.8/tcp/9", circuit, "/ip6/2a00::1/tcp/1", "/ip4/10.0.0.1/tcp/1"],
            ),
            (&["/ip4/0.0.0.0/tcp/1", "/memory/5", "/ip4/10.0.0.1/tcp/0"], &[], &[]),
        ];
        for (listening, confirmed, announced) in table {
            let mut own = OwnAddresses::default();
            for address in addresses(confirmed) {
                assert!(own.confirm(address));
            }
            assert_eq!(
                own.announced(&addresses(listening)),
                addresses(announced),
                "{listening:?} {confirmed:?}"
            );
        }
    }

    #[test]
    fn loopback_that_was_asked_for_is_announced_beside_others() {
        let listening = addresses(&["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1"]);
        let both = addresses(&["/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"]);
        assert_eq!(OwnAddresses::with_loopback().announced(&listening), both);
        assert_eq!(OwnAddresses::default().announced(&listening), both[..1]);
    }

    #[test]
    fn a_confirmed_address_outlives_listeners_until_it_is_retracted() {
        let mut own = OwnAddresses::default();
        let [outside, inside] = ["/ip4/8.8.8.8/tcp/9", "/ip4/10.0.0.1/tcp/1"].map(|it| it.parse().unwrap());
        assert!(own.confirm(Multiaddr::clone(&outside)));
        assert_eq!(own.announced([&inside]), [outside.clone(), inside.clone()]);
        assert_eq!(own.announced([]), std::slice::from_ref(&outside));
        assert!(own.is_public());
        own.retract(&outside);
        assert!(
            own.confirm(format!("/ip4/8.8.8.8/tcp/9/p2p/{RELAY}/p2p-circuit/p2p/{PEER}").parse().unwrap())
        );
        assert!(!own.is_public(), "a relay's place is not this node's");
        let own = OwnAddresses::default();
        assert_eq!(own.announced([&inside]), [inside]);
    }

    #[test]
    fn what_nobody_can_use_is_not_confirmed() {
        let mut own = OwnAddresses::default();
        for bad in addresses(&["/memory/5", "/ip4/0.0.0.0/tcp/1", "/ip6/fe80::1/tcp/1"]) {
            assert!(!own.confirm(bad));
        }
        assert_eq!(own, OwnAddresses::default());
    }

    proptest! {
        #[test]
        fn the_promises_hold(
            listening in prop::collection::vec(any_multiaddr(), 0..40),
            confirmed in prop::collection::vec(any_multiaddr(), 0..20),
        ) {
            let mut own = OwnAddresses::default();
            let mut kept: Vec<_> = confirmed.into_iter().filter(|address| own.confirm(address.clone())).collect();
            let announced = own.announced(&listening);
            prop_assert!(announced.len() <= MAX_ADDRESSES && own.confirmed.len() <= MAX_CONFIRMED);
            let is_loopback = |address: &Multiaddr| Scope::of(address) == Some(Scope::Loopback);
            prop_assert!(announced.iter().all(is_loopback) || !announced.iter().any(is_loopback));
            if let Some(last) = kept.pop().filter(|last| !is_loopback(last)) {
                prop_assert!(announced.contains(&last));
            }
            let again = own.announced(&announced);
            prop_assert_eq!(&again, &announced, "to listen where one is announced changes nothing");
        }
    }
}
