//! From where an address can be reached.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use multiaddr::{Multiaddr, Protocol};

use crate::host::{Host, canonical, ip_of, is_host_name};

/// From where a host can be reached; each from more places than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// From the machine itself.
    Loopback,
    /// From the same link: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// From a private network: RFC 1918, RFC 6598, unique local addresses; and names that only such a network knows.
    Private,
    /// From everywhere.
    Public,
}

impl Scope {
    /// The scope of an IP address. None for what is no host's address: unspecified, multicast, reserved, broadcast.
    pub fn of_ip(ip: IpAddr) -> Option<Self> {
        match canonical(ip) {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => of_v6(ip),
        }
    }

    /// The scope of a name, as far as its text tells; it may lead anywhere. None for what is no host's name, see
    /// [`is_host_name`].
    pub fn of_name(name: &str) -> Option<Self> {
        /// Names that no public server knows.
        const PRIVATE: [&str; 5] = ["local", "internal", "lan", "localdomain", "arpa"];
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(ip) = name.parse() {
            return Self::of_ip(ip);
        }
        if !is_host_name(&name) {
            return None;
        }
        let last = name.rsplit('.').next().filter(|label| !label.is_empty())?;
        Some(match last {
            "localhost" => Self::Loopback,
            _ if last == name || PRIVATE.contains(&last) => Self::Private,
            _ => Self::Public,
        })
    }

    /// The scope of a host.
    pub fn of_host(host: &Host) -> Option<Self> {
        match host {
            Host::Ip(ip) => Self::of_ip(*ip),
            Host::Name(_, name) => Self::of_name(name),
        }
    }

    /// The scope of an address of any form: the narrowest one of the hosts in it. None if it begins with no host, or
    /// if one of its parts can only mean something to one machine.
    pub fn of(address: &Multiaddr) -> Option<Self> {
        let mut narrowest: Option<Self> = None;
        for part in address.iter() {
            let host = match part {
                Protocol::Ip6zone(_) | Protocol::Ipcidr(_) | Protocol::Unix(_) | Protocol::Memory(_) => {
                    return None;
                }
                Protocol::Tcp(0) | Protocol::Udp(0) => return None,
                Protocol::Dnsaddr(name) => Self::of_name(&name)?,
                other => match Host::read(&other) {
                    Some(host) => Self::of_host(&host)?,
                    // Before the first host there is nothing to dial.
                    None => {
                        narrowest?;
                        continue;
                    }
                },
            };
            narrowest = Some(narrowest.map_or(host, |it| it.min(host)));
        }
        narrowest
    }

    /// Where a peer stands, by the address that its connection comes from or was dialled at. An unclear case and a peer
    /// behind a relay count as public, which is trusted least.
    pub fn standing_at(remote: &Multiaddr) -> Self {
        let relayed = remote.iter().any(|part| matches!(part, Protocol::P2pCircuit));
        ip_of(remote).filter(|_| !relayed).map_or(Self::Public, Self::standing_at_ip)
    }

    /// Where a peer stands, by its IP address.
    pub fn standing_at_ip(ip: IpAddr) -> Self {
        Self::of_ip(ip).unwrap_or(Self::Public)
    }
}

fn of_v4(ip: Ipv4Addr) -> Option<Scope> {
    let [first, second, ..] = ip.octets();
    match first {
        0 | 224.. => None,
        127 => Some(Scope::Loopback),
        _ if ip.is_link_local() => Some(Scope::LinkLocal),
        // Carriers' and overlay networks' shared space, RFC 6598.
        100 if (64..128).contains(&second) => Some(Scope::Private),
        // Benchmarks, RFC 2544.
        198 if (18..20).contains(&second) => Some(Scope::Private),
        _ if ip.is_private() => Some(Scope::Private),
        _ => Some(Scope::Public),
    }
}

fn of_v6(ip: Ipv6Addr) -> Option<Scope> {
    let segments = ip.segments();
    // Site-local addresses are obsolete, and no less narrow than private ones.
    let site_local = segments[0] & 0xffc0 == 0xfec0;
    // A translator of one network, RFC 8215.
    let translated = segments[..3] == [0x64, 0xff9b, 1];
    if ip.is_unspecified() || ip.is_multicast() {
        None
    } else if ip.is_loopback() {
        Some(Scope::Loopback)
    } else if ip.is_unicast_link_local() {
        Some(Scope::LinkLocal)
    } else if ip.is_unique_local() || site_local || translated {
        Some(Scope::Private)
    } else {
        Some(Scope::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_the_scope_of_its_network() {
        let table: [(Option<Scope>, &[&str]); 5] = [
            (
                Some(Scope::Public),
                &[
                    "8.8.8.8",
                    "100.128.0.1",
                    "172.32.0.1",
                    "192.0.2.1",
                    "198.20.0.1",
                    "2a00::1",
                    "2001:db8::1",
                    "64:ff9b::8.8.8.8",
                    "::ffff:8.8.8.8",
                    "2002:808:808::1",
                ],
            ),
            (
                Some(Scope::Private),
                &[
                    "10.0.0.1",
                    "172.16.0.1",
                    "192.168.1.1",
                    "100.64.0.1",
                    "100.100.100.200",
                    "198.18.0.1",
                    "fd12::1",
                    "fec0::1",
                    "64:ff9b:1::8.8.8.8",
                    "::ffff:10.0.0.1",
                    "::10.0.0.1",
                    "::ffff:0:10.0.0.1",
                    "2002:a00:1::1",
                ],
            ),
            (Some(Scope::LinkLocal), &["169.254.1.1", "169.254.169.254", "fe80::1", "64:ff9b::169.254.1.1"]),
            (Some(Scope::Loopback), &["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::127.0.0.1"]),
            (
                None,
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "224.0.0.1",
                    "250.0.0.1",
                    "255.255.255.255",
                    "::",
                    "ff02::1",
                    "::ffff:0.0.0.0",
                ],
            ),
        ];
        for (scope, hosts) in table {
            for host in hosts {
                assert_eq!(Scope::of_ip(host.parse().unwrap()), scope, "{host}");
                assert_eq!(Scope::of_name(host), scope, "as a name: {host}");
            }
        }
    }

    #[test]
    fn names_have_the_scope_that_their_text_tells() {
        for (name, scope) in [
            ("tracker.example.org", Some(Scope::Public)),
            ("example.org.", Some(Scope::Public)),
            ("printer.local", Some(Scope::Private)),
            ("nas", Some(Scope::Private)),
            ("x.home.ARPA", Some(Scope::Private)),
            ("localhost", Some(Scope::Loopback)),
            ("a.localhost.", Some(Scope::Loopback)),
            ("", None),
            (".", None),
        ] {
            assert_eq!(Scope::of_name(name), scope, "{name:?}");
        }
    }

    #[test]
    fn the_narrowest_host_decides() {
        for (address, scope) in [
            ("/ip4/8.8.8.8/tcp/1", Some(Scope::Public)),
            ("/dns4/example.org/tcp/443/wss", Some(Scope::Public)),
            ("/dnsaddr/example.org", Some(Scope::Public)),
            ("/ip4/8.8.8.8/tcp/1/p2p-circuit/ip4/10.0.0.1/tcp/1", Some(Scope::Private)),
            ("/ip4/10.0.0.1/tcp/1/p2p-circuit/ip4/8.8.8.8/tcp/1", Some(Scope::Private)),
            ("/ip4/8.8.8.8/tcp/1/p2p-circuit/ip4/0.0.0.0/tcp/1", None),
            ("/ip6zone/eth0/ip6/fe80::1/tcp/1", None),
            ("/ip4/8.8.8.8/tcp/0", None),
            ("/ip4/8.8.8.8/udp/0/quic-v1", None),
            ("/tcp/1/ip4/8.8.8.8", None),
            ("/p2p-circuit", None),
            ("/memory/5", None),
            ("/unix/a", None),
        ] {
            assert_eq!(Scope::of(&address.parse().unwrap()), scope, "{address}");
        }
        assert_eq!(Scope::of(&Multiaddr::empty()), None);
    }

    #[test]
    fn a_peer_without_a_known_place_stands_far_away() {
        for (remote, scope) in [
            ("/ip4/127.0.0.1/tcp/1", Scope::Loopback),
            ("/ip4/169.254.1.1/tcp/1", Scope::LinkLocal),
            ("/ip4/192.168.1.1/udp/1/quic-v1", Scope::Private),
            ("/ip4/8.8.8.8/tcp/1", Scope::Public),
            ("/dns/localhost/tcp/1", Scope::Public),
            ("/ip4/10.0.0.1/tcp/1/p2p-circuit", Scope::Public),
            ("/ip4/0.0.0.0/tcp/1", Scope::Public),
            ("/memory/5", Scope::Public),
        ] {
            assert_eq!(Scope::standing_at(&remote.parse().unwrap()), scope, "{remote}");
        }
    }
}
