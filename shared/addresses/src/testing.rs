//! Addresses of all kinds, for property tests.

use core::net::IpAddr;

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{Address, Circuit, Direct, Host, NameKind, Scope, Transport};

pub(crate) const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
pub(crate) const RELAY: &str = "12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A";

fn any_peer() -> impl Strategy<Value = PeerId> {
    select(vec![PEER, RELAY]).prop_map(|text| text.parse().unwrap())
}

/// Any IP address; those of special networks often enough.
pub(crate) fn any_ip() -> impl Strategy<Value = IpAddr> {
    let special = vec![
        "0.0.0.0",
        "10.0.0.1",
        "100.100.100.200",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.1.1",
        "169.254.169.254",
        "192.168.1.1",
        "224.0.0.1",
        "8.8.8.8",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::10.0.0.1",
        "2002:a00:1::1",
        "2002:7f00:1::1",
        "64:ff9b::10.0.0.1",
        "fd00:ec2::254",
        "fd12::1",
        "fe80::1",
        "ff02::1",
    ];
    prop_oneof![
        select(special).prop_map(|text| text.parse().unwrap()),
        any::<[u8; 4]>().prop_map(IpAddr::from),
        any::<[u8; 16]>().prop_map(IpAddr::from),
    ]
}

fn any_host() -> impl Strategy<Value = Host> {
    let names =
        vec!["example.org", "localhost", "nas", "a.local", "metadata.google.internal", "127.0.0.1", ""];
    let kind = select(vec![NameKind::Any, NameKind::V4, NameKind::V6]);
    prop_oneof![
        2 => any_ip().prop_map(Host::Ip),
        1 => (kind, select(names)).prop_map(|(kind, name)| Host::Name(kind, name.to_owned())),
    ]
}

fn any_place() -> impl Strategy<Value = (Host, Transport)> {
    let transport = (1..=u16::MAX, any::<bool>())
        .prop_map(|(port, quic)| if quic { Transport::Quic(port) } else { Transport::Tcp(port) });
    let usable = |host: &Host| Scope::of_host(host).is_some();
    (any_host().prop_filter("a host", usable), transport)
}

/// Any address of the known forms.
pub(crate) fn any_address() -> impl Strategy<Value = Address> {
    let direct = (any_place(), prop::option::of(any_peer()))
        .prop_map(|((host, transport), peer)| Address::Direct(Direct { host, transport, peer }));
    let circuit = (any_peer(), prop::option::of(any_place()), prop::option::of(any_peer()))
        .prop_map(|(relay, place, peer)| Address::Circuit(Circuit { relay, place, peer }));
    prop_oneof![2 => direct, 1 => circuit]
}

/// Any address at all: of the known forms, of parts in any order, of any bytes that are an address.
pub(crate) fn any_multiaddr() -> impl Strategy<Value = Multiaddr> {
    let part = prop_oneof![
        any_ip().prop_map(Protocol::from),
        any::<u16>().prop_map(Protocol::Tcp),
        any::<u16>().prop_map(Protocol::Udp),
        any_peer().prop_map(Protocol::P2p),
        select(vec!["example.org", "localhost", "metadata"]).prop_map(|name| Protocol::Dns(name.into())),
        "[a-z.]{0,40}".prop_map(|name| Protocol::Dnsaddr(name.into())),
        select(vec![
            Protocol::QuicV1,
            Protocol::Quic,
            Protocol::P2pCircuit,
            Protocol::Tls,
            Protocol::WebTransport
        ]),
        any::<u64>().prop_map(Protocol::Memory),
    ];
    let parts = prop::collection::vec(part, 0..12).prop_map(Multiaddr::from_iter);
    let bytes = prop::collection::vec(any::<u8>(), 0..64)
        .prop_map(|bytes| Multiaddr::try_from(bytes).unwrap_or_else(|_| Multiaddr::empty()));
    prop_oneof![
        3 => any_address().prop_map(|address| Multiaddr::from(&address)),
        2 => parts,
        1 => bytes,
    ]
}
