//! Addresses that peers and trackers tell.

use std::net::IpAddr;

use multiaddr::{Multiaddr, Protocol};
use shoal_addresses::{
    Address, KnownAddresses, MAX_ADDRESS, MAX_ADDRESSES, MAX_AT_HOST, OwnAddresses, Scope, at_host,
    is_harmful, tellable, told,
};

use super::input::Pieces;

/// Where the other side stands, then addresses in binary form, each behind its length.
pub(super) fn filter(bytes: &[u8]) {
    let mut pieces = Pieces::new(bytes);
    let scopes = [Scope::Public, Scope::Private, Scope::LinkLocal, Scope::Loopback];
    let standing = scopes[usize::from(pieces.byte() % 4)];
    let mut addresses: Vec<Multiaddr> = Vec::new();
    while !pieces.is_empty() {
        addresses.extend(Multiaddr::try_from(pieces.piece().to_vec()).ok());
    }
    let passed = tellable(addresses.clone(), standing);
    assert_may_pass(&passed, &addresses, standing);
    let told = told(addresses.clone(), standing);
    assert_may_pass(&told.direct, &addresses, standing);
    assert_may_pass(&told.circuits, &addresses, standing);
    assert!(told.direct.iter().all(|it| matches!(Address::try_from(it), Ok(Address::Direct(_)))));
    let usable = told.usable();
    assert!(usable.len() <= MAX_ADDRESSES + 4);
    let host = IpAddr::from([192, 0, 2, 1]);
    let there = at_host(addresses.clone(), host);
    assert!(there.len() <= MAX_AT_HOST && there.iter().all(|address| ips(address).all(|ip| ip == host)));
    let mut known = KnownAddresses::of(None);
    let mut own = OwnAddresses::default();
    for address in addresses {
        let _ = (is_harmful(&address), Scope::standing_at(&address));
        known.insert(address.clone(), false);
        own.confirm(address);
    }
    assert!(known.direct().count() <= MAX_ADDRESSES && known.circuits().count() <= MAX_ADDRESSES);
    assert!(own.announced([]).len() <= MAX_ADDRESSES);
}

fn ips(address: &Multiaddr) -> impl Iterator<Item = IpAddr> {
    address.iter().filter_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        // As the system does, which connects to the address of version 4.
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    })
}

/// What came through is some of what was there, and nobody can make this node dial where that one does not stand.
fn assert_may_pass(passed: &[Multiaddr], all: &[Multiaddr], standing: Scope) {
    assert!(passed.len() <= MAX_ADDRESSES);
    for address in passed {
        assert!(all.contains(address) && address.len() <= MAX_ADDRESS);
        for ip in ips(address) {
            let metadata = ip == IpAddr::from([169, 254, 169, 254]);
            assert!(!ip.is_unspecified() && !ip.is_multicast() && !metadata, "{address} passed");
            let loopback = ip.is_loopback();
            let link = match ip {
                IpAddr::V4(ip) => ip.is_link_local(),
                IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
            };
            let private = match ip {
                IpAddr::V4(ip) => ip.is_private(),
                IpAddr::V6(ip) => ip.segments()[0] & 0xfe00 == 0xfc00,
            };
            assert!(!loopback || standing == Scope::Loopback, "{address} passed from {standing:?}");
            assert!(!link || standing == Scope::LinkLocal, "{address} passed from {standing:?}");
            assert!(!private || standing != Scope::Public, "{address} passed from {standing:?}");
        }
    }
}
