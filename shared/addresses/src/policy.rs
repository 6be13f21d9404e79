//! Which addresses peers may tell each other, and what a node does with addresses that it was told.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use multiaddr::{Multiaddr, Protocol};

use crate::address::{Address, is_circuit};
use crate::host::{Host, canonical, ip_of};
use crate::scope::Scope;

/// The most addresses of one peer that are told, announced or dialled.
pub const MAX_ADDRESSES: usize = 16;
/// The most addresses by way of a relay that are kept of one peer.
pub const MAX_CIRCUITS: usize = 4;
/// The longest address that is told, in bytes.
pub const MAX_ADDRESS: usize = 256;
/// The most addresses at which a tracker looks for one peer.
pub const MAX_AT_HOST: usize = 4;

/// Selects the addresses that this program may tell a peer at `standing`, or be told by it. They keep their order and
/// stand once each, at most [`MAX_ADDRESSES`] of at most [`MAX_ADDRESS`] bytes. The addresses may be of any form, also
/// of one that only other programs know.
pub fn tellable(addresses: impl IntoIterator<Item = Multiaddr>, standing: Scope) -> Vec<Multiaddr> {
    let mut told: Vec<Multiaddr> = vec![];
    for address in addresses {
        if told.len() == MAX_ADDRESSES {
            break;
        }
        if may_pass(&address, standing) && !told.contains(&address) {
            told.push(address);
        }
    }
    told
}

fn may_pass(address: &Multiaddr, standing: Scope) -> bool {
    Scope::of(address).is_some()
        && address.len() <= MAX_ADDRESS
        && !is_metadata(address)
        && address.iter().all(|part| host_may_pass(&part, standing))
}

/// Whether a part of an address is no host, or one that may pass. An address may have several.
fn host_may_pass(part: &Protocol<'_>, standing: Scope) -> bool {
    let scope = match part {
        Protocol::Dnsaddr(name) => Scope::of_name(name),
        other => Host::read(other).and_then(|host| Scope::of_host(&host)),
    };
    match scope {
        None | Some(Scope::Public) => true,
        Some(Scope::Private) => standing < Scope::Public,
        // Those of IPv6 lead nowhere without the name of an interface, and that means nothing to others.
        Some(Scope::LinkLocal) => standing == Scope::LinkLocal && !is_link_local_v6(part),
        Some(Scope::Loopback) => standing == Scope::Loopback,
    }
}

/// Addresses of one peer that were told, sorted by what can be done with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// To be dialled. At most [`MAX_ADDRESSES`].
    pub direct: Vec<Multiaddr>,
    /// By way of a relay. At most [`MAX_ADDRESSES`].
    pub circuits: Vec<Multiaddr>,
}

impl Told {
    /// All that lead somewhere: those to dial, then those by way of a relay whose place they name, of these at most
    /// [`MAX_CIRCUITS`].
    pub fn usable(self) -> Vec<Multiaddr> {
        let circuits = self.circuits.into_iter().filter(is_circuit).take(MAX_CIRCUITS);
        self.direct.into_iter().chain(circuits).collect()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.circuits.is_empty()
    }
}

/// Sorts addresses that a peer or tracker at `standing` told. Addresses of a form that nodes do not use are left out,
/// and those that such a teller must not tell.
pub fn told(addresses: impl IntoIterator<Item = Multiaddr>, standing: Scope) -> Told {
    let (mut direct, mut circuits) = (vec![], vec![]);
    for address in addresses {
        match Address::try_from(&address) {
            Ok(Address::Direct(_)) => direct.push(address),
            Ok(Address::Circuit(_)) => circuits.push(address),
            Err(_) => {}
        }
    }
    Told { direct: tellable(direct, standing), circuits: tellable(circuits, standing) }
}

/// Whether an address is one that a tracker tells to nobody, not even to peers on the same machine: no host's,
/// link-local, a cloud's metadata service, or of a form that only one machine understands.
pub fn is_harmful(address: &Multiaddr) -> bool {
    Scope::of(address).is_none_or(|scope| scope == Scope::LinkLocal) || is_metadata(address)
}

/// Selects the addresses at which a peer can be dialled at one host, in their order, at most [`MAX_AT_HOST`].
///
/// A tracker looks for a peer at no other host than the one that it was seen at: another host may belong to somebody
/// that never registered, and a name leads wherever its owner likes. An address of IPv6 that a gateway would translate is
/// one of another host.
pub fn at_host(addresses: impl IntoIterator<Item = Multiaddr>, host: IpAddr) -> Vec<Multiaddr> {
    let is_there = |address: &Multiaddr| {
        matches!(Address::try_from(address), Ok(Address::Direct(_)))
            && ip_of(address).is_some_and(|ip| ip.to_canonical() == host.to_canonical())
    };
    let mut there = tellable(addresses.into_iter().filter(is_there), Scope::standing_at_ip(host));
    there.truncate(MAX_AT_HOST);
    there
}

/// Whether one of an address's hosts is a cloud's metadata service, which hands out a machine's secrets.
fn is_metadata(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Dnsaddr(name) => is_metadata_name(&name),
        other => match Host::read(&other) {
            Some(Host::Ip(ip)) => is_metadata_ip(ip),
            Some(Host::Name(_, name)) => is_metadata_name(&name),
            None => false,
        },
    })
}

fn is_metadata_ip(ip: IpAddr) -> bool {
    /// What most clouds use, and what Alibaba Cloud and Oracle Cloud use outside of the link-local network.
    const V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
    /// Amazon's.
    const V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match canonical(ip) {
        // Amazon's containers ask at 169.254.170.2 and 169.254.170.23; other services are beside them.
        IpAddr::V4(ip) => V4.contains(&ip) || matches!(ip.octets(), [169, 254, 169 | 170, _]),
        IpAddr::V6(ip) => ip == V6,
    }
}

fn is_metadata_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let by_number = || name.parse().is_ok_and(is_metadata_ip);
    name == "metadata" || name.starts_with("metadata.") || name == "instance-data" || by_number()
}

fn is_link_local_v6(part: &Protocol<'_>) -> bool {
    matches!(part, Protocol::Ip6(ip) if ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testing::{PEER, RELAY, any_multiaddr};
    use proptest::prelude::*;
    use proptest::sample::select;

    use Scope::{LinkLocal, Loopback, Private, Public};

    const EVERYWHERE: [Scope; 4] = [Loopback, LinkLocal, Private, Public];

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    /// The scopes at which an address may be told.
    fn told_at(text: &str) -> Vec<Scope> {
        EVERYWHERE.into_iter().filter(|scope| !tellable([address(text)], *scope).is_empty()).collect()
    }

    #[test]
    fn what_may_be_told_where() {
        let table: [(&[Scope], &[&str]); 5] = [
            (
                &EVERYWHERE,
                &[
                    "/ip4/8.8.8.8/tcp/1",
                    "/ip6/2a00::1/udp/9/quic-v1",
                    "/ip6/64:ff9b::8.8.8.8/tcp/1",
                    "/ip4/100.128.0.1/tcp/1",
                    "/ip4/172.32.0.1/tcp/1",
                    "/dns4/tracker.example.org/tcp/443",
                    "/dnsaddr/example.org",
                    "/ip4/8.8.8.8/tcp/443/wss",
                    &format!("/ip4/8.8.8.8/tcp/1/p2p/{PEER}"),
                    &format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"),
                ],
            ),
            (
                &[Loopback, LinkLocal, Private],
                &[
                    "/ip4/10.0.0.1/tcp/1",
                    "/ip4/172.16.0.1/tcp/1",
                    "/ip4/192.168.1.1/tcp/1",
                    "/ip4/100.64.0.1/tcp/1",
                    "/ip6/fd12::1/tcp/1",
                    "/ip6/fec0::1/tcp/1",
                    "/ip6/::ffff:10.0.0.1/tcp/1",
                    "/ip6/2002:a00:1::1/tcp/1",
                    "/dns/printer.local/tcp/1",
                    "/dns/nas/tcp/1",
                    "/dns/10.0.0.1/tcp/1",
                    &format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/ip4/10.0.0.1/tcp/1"),
                    &format!("/ip4/10.0.0.1/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"),
                ],
            ),
            (&[LinkLocal], &["/ip4/169.254.1.1/tcp/1", "/ip6/::ffff:169.254.1.1/tcp/1"]),
            (
                &[Loopback],
                &[
                    "/ip4/127.0.0.1/tcp/1",
                    "/ip6/::1/tcp/1",
                    "/dns/localhost/tcp/1",
                    "/ip6/::ffff:127.0.0.1/tcp/1",
                    &format!("/ip4/127.0.0.1/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"),
                ],
            ),
            (
                &[],
                &[
                    "/ip4/0.0.0.0/tcp/1",
                    "/ip4/224.0.0.1/tcp/1",
                    "/ip4/255.255.255.255/tcp/1",
                    "/ip4/169.254.169.254/tcp/80",
                    "/ip4/169.254.170.2/tcp/80",
                    "/ip4/100.100.100.200/tcp/80",
                    "/ip4/192.0.0.192/tcp/80",
                    "/ip6/::/tcp/1",
                    "/ip6/ff02::1/tcp/1",
                    "/ip6/fe80::1/tcp/1",
                    "/ip6/fe80::1/tcp/1/p2p-circuit/ip4/127.0.0.1/tcp/1",
                    "/ip6zone/eth0/ip6/fe80::1/tcp/1",
                    "/ip6/fd00:ec2::254/tcp/80",
                    "/ip6/::ffff:169.254.169.254/tcp/80",
                    "/ip6/64:ff9b::169.254.169.254/tcp/80",
                    "/ip6/2002:a9fe:a9fe::1/tcp/80",
                    "/dns/169.254.169.254/tcp/80",
                    "/dns/metadata.google.internal/tcp/80",
                    "/dnsaddr/metadata",
                    "/ip4/8.8.8.8/tcp/0",
                    "/memory/5",
                    "/p2p-circuit",
                    &format!("/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"),
                    "/ip4/8.8.8.8/tcp/1/p2p-circuit/ip4/169.254.169.254/tcp/1",
                ],
            ),
        ];
        for (scopes, addresses) in table {
            for text in addresses {
                assert_eq!(told_at(text), scopes, "{text}");
            }
        }
    }

    #[test]
    fn a_record_with_one_of_these_is_refused() {
        for bad in
            ["/ip4/169.254.169.254/tcp/80", "/ip4/224.0.0.1/udp/1/quic-v1", "/ip6/fe80::1/tcp/1", "/unix/a"]
        {
            assert!(is_harmful(&address(bad)), "{bad}");
        }
        for good in
            ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1", "/dnsaddr/example.org"]
        {
            assert!(!is_harmful(&address(good)), "{good}");
        }
    }

    #[test]
    fn what_is_told_is_sorted_and_of_known_forms() {
        let circuit = address(&format!("/ip4/8.8.8.8/tcp/1/p2p/{RELAY}/p2p-circuit/p2p/{PEER}"));
        let (public, private) = (address("/ip4/8.8.8.8/tcp/1"), address("/ip4/10.0.0.1/tcp/1"));
        let socket = address("/ip4/8.8.8.8/tcp/1/ws");
        let all = [circuit.clone(), public.clone(), private.clone(), socket];
        let expected = Told { direct: vec![public.clone()], circuits: vec![circuit.clone()] };
        assert_eq!(told(all.clone(), Public), expected);
        assert_eq!(told(all, Private), Told { direct: vec![public, private], circuits: vec![circuit] });
    }

    #[test]
    fn each_is_told_once_and_no_more_than_sixteen_and_none_that_is_too_long() {
        let port = |port: u16| address(&format!("/ip4/8.8.8.8/tcp/{port}"));
        let long = address(&format!("/dns/{}/tcp/1", "a.".repeat(MAX_ADDRESS / 2)));
        let many = std::iter::once(long).chain((1..100).flat_map(|n| [port(n), port(n)]));
        assert_eq!(tellable(many, Public), (1..=16).map(port).collect::<Vec<_>>());
    }

    #[test]
    fn a_peer_is_looked_for_at_one_host_only() {
        let addresses: Vec<Multiaddr> = [
            "/ip4/8.8.8.8/tcp/1",
            "/ip4/9.9.9.9/tcp/1",
            "/ip4/127.0.0.1/tcp/1",
            "/ip4/10.0.0.1/tcp/1",
            "/dns4/example.org/tcp/1",
            "/ip6/2001:db8::1/tcp/1",
            "/ip4/8.8.8.8/tcp/1/ws",
            // Other machines, which 8.8.8.8 would have to pass packets on to.
            "/ip6/2002:808:808::1/tcp/1",
            "/ip6/64:ff9b::808:808/tcp/1",
            "/ip6/::808:808/tcp/1",
        ]
        .map(address)
        .into();
        let at = |host: &str| at_host(addresses.clone(), host.parse().unwrap());
        assert_eq!(at("8.8.8.8"), [addresses[0].clone()]);
        assert_eq!(at("::ffff:8.8.8.8"), [addresses[0].clone()]);
        assert_eq!(at("127.0.0.1"), [addresses[2].clone()]);
        assert_eq!(at("10.0.0.1"), [addresses[3].clone()]);
        assert_eq!(at("2001:db8::1"), [addresses[5].clone()]);
        assert_eq!(at("7.7.7.7"), []);
        assert_eq!(at_host([address("/ip4/169.254.169.254/tcp/80")], [169, 254, 169, 254].into()), []);
        let many = (1..9).map(|port| address(&format!("/ip4/8.8.8.8/tcp/{port}")));
        assert_eq!(at_host(many, [8, 8, 8, 8].into()).len(), MAX_AT_HOST);
    }

    /// Hosts that a stranger has no business with, found without the code under test.
    fn leads_inwards(ip: IpAddr) -> bool {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
            }
            IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
            }
        }
    }

    proptest! {
        #[test]
        fn strangers_name_no_inner_address(addresses in prop::collection::vec(any_multiaddr(), 0..40)) {
            let told = told(addresses, Public);
            for address in told.direct.iter().chain(&told.circuits) {
                prop_assert!(!ip_of(address).is_some_and(leads_inwards), "{}", address);
            }
        }

        #[test]
        fn what_is_told_is_a_bounded_part_of_what_was_said(
            addresses in prop::collection::vec(any_multiaddr(), 0..40),
            standing in select(EVERYWHERE.to_vec()),
        ) {
            let told = tellable(addresses.clone(), standing);
            prop_assert!(told.len() <= MAX_ADDRESSES && told.iter().all(|it| it.len() <= MAX_ADDRESS));
            prop_assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
            prop_assert!(told.iter().all(|it| addresses.contains(it)));
            prop_assert_eq!(tellable(told.clone(), standing), told, "nothing more comes off the second time");
        }

        #[test]
        fn a_nearer_peer_may_say_more(address in any_multiaddr()) {
            let at = |scope| !tellable([address.clone()], scope).is_empty();
            prop_assert!(!at(Public) || EVERYWHERE.into_iter().all(at));
            prop_assert!(!at(Private) || at(Loopback) && at(LinkLocal));
            prop_assert!(!is_harmful(&address) || !at(Public) && !at(Private) && !at(Loopback));
        }

        #[test]
        fn a_probe_never_leaves_its_host(
            addresses in prop::collection::vec(any_multiaddr(), 0..40),
            host in crate::testing::any_ip(),
        ) {
            for address in at_host(addresses, host) {
                prop_assert_eq!(ip_of(&address).map(|ip| ip.to_canonical()), Some(host.to_canonical()));
            }
        }
    }
}
