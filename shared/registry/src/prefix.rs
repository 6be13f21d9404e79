//! Addresses as a tracker sees them: which may be told to others, and whose quota they count against.
//!
//! What this is not: a judgement of whether an address works. It only keeps a tracker from being used to
//! send strangers into networks that they cannot see, to a cloud's metadata service, or to a
//! multitude at once.

// From `core`, which has the addresses but no sockets.
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use multiaddr::{Multiaddr, Protocol};
use sha2::{Digest, Sha256};

/// The most addresses of one peer that are told.
pub const MAX_ADDRESSES: usize = 16;

/// A network as large as one subscriber may easily have: /24 of IPv4, /48 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u8; 6]),
}

impl Prefix {
    /// The prefix of a public address. Others have none: a private network is the operator's own, and behind
    /// a proxy everybody comes from the same private address; a quota there would lock out the wrong ones.
    pub fn of(ip: IpAddr) -> Option<Self> {
        let ip = embedded(ip);
        (reach(ip) == Some(Reach::Public)).then(|| match ip {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f])
            }
        })
    }
}

/// The prefixes that a registration from these addresses counts against: each once, at most
/// [`MAX_ADDRESSES`].
///
/// Pass the address that the peer's connection comes from. What a peer merely says of itself can be made up, to
/// pass by its own quota or to use up another's.
pub fn quota_prefixes<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> Vec<Prefix> {
    let mut prefixes: Vec<_> = addresses.into_iter().filter_map(ip_of).filter_map(Prefix::of).collect();
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes.truncate(MAX_ADDRESSES);
    prefixes
}

/// Of the addresses that a peer observed at `observed` has named, those that may be told to others, each
/// once, at most [`MAX_ADDRESSES`].
///
/// Private addresses stay only if the peer itself is seen at a private or loopback address, and loopback
/// addresses only if it is seen at one: told to others they lead to the others themselves. Never told are
/// unspecified, broadcast, multicast, reserved and link-local addresses, metadata services, and addresses
/// that do not begin with a host. In an address by way of a relay each part is looked at.
pub fn tellable(addresses: impl IntoIterator<Item = Multiaddr>, observed: Option<IpAddr>) -> Vec<Multiaddr> {
    let most = observed.and_then(|ip| reach(embedded(ip))).unwrap_or(Reach::Public);
    let mut told: Vec<Multiaddr> = vec![];
    for address in addresses {
        if told.len() == MAX_ADDRESSES {
            break;
        }
        let reach = reach_of(&address);
        if reach.is_some_and(|reach| reach <= most) && !told.contains(&address) {
            told.push(address);
        }
    }
    told
}

/// Whether all addresses may be told to somebody: who is seen at a narrower address than others, if need be.
/// What is not is never told, not even to peers on the same machine.
pub fn harmless<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> bool {
    addresses.into_iter().all(|address| reach_of(address).is_some())
}

/// A number for a set of addresses, in whatever order; another set has another one.
pub fn addresses_digest<'a>(addresses: impl IntoIterator<Item = &'a Multiaddr>) -> u64 {
    let mut addresses: Vec<_> = addresses.into_iter().collect();
    addresses.sort_unstable();
    addresses.dedup();
    let hash = addresses.iter().fold(Sha256::new(), |hash, address| {
        let bytes: &[u8] = address.as_ref();
        hash.chain_update((bytes.len() as u64).to_be_bytes()).chain_update(bytes)
    });
    let hash = hash.finalize();
    hash[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// From where an address can be reached; each is told to fewer than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Public,
    Private,
    Loopback,
}

/// The IP address that a multiaddress begins with.
fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    }
}

/// The narrowest reach of the hosts in an address; none if one of them must not be told.
fn reach_of(address: &Multiaddr) -> Option<Reach> {
    let mut narrowest = None;
    for part in address.iter() {
        let host = match part {
            Protocol::Ip4(ip) => reach(ip.into())?,
            Protocol::Ip6(ip) => reach(embedded(ip.into()))?,
            Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name) => {
                reach_of_name(&name)?
            }
            Protocol::Ip6zone(_) | Protocol::Ipcidr(_) | Protocol::Unix(_) | Protocol::Memory(_) => {
                return None;
            }
            Protocol::Tcp(0) | Protocol::Udp(0) => return None,
            // Before the first host there is nothing to dial.
            _ => {
                narrowest?;
                continue;
            }
        };
        narrowest = narrowest.max(Some(host));
    }
    narrowest
}

fn reach(ip: IpAddr) -> Option<Reach> {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Option<Reach> {
    /// Metadata services outside of the link-local network: Alibaba Cloud, Oracle Cloud.
    const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
    let [first, second, ..] = ip.octets();
    match first {
        0 | 224.. => None,
        127 => Some(Reach::Loopback),
        _ if ip.is_link_local() || METADATA.contains(&ip) => None,
        // Carriers' and overlay networks' shared space, RFC 6598.
        100 if (64..128).contains(&second) => Some(Reach::Private),
        _ if ip.is_private() => Some(Reach::Private),
        _ => Some(Reach::Public),
    }
}

fn reach_v6(ip: Ipv6Addr) -> Option<Reach> {
    /// Amazon's metadata service.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    // Site-local addresses are obsolete, and no less narrow than private ones.
    let site_local = ip.segments()[0] & 0xffc0 == 0xfec0;
    if ip.is_unspecified() || ip.is_multicast() || ip.is_unicast_link_local() || ip == METADATA {
        None
    } else if ip.is_loopback() {
        Some(Reach::Loopback)
    } else if ip.is_unique_local() || site_local {
        Some(Reach::Private)
    } else {
        Some(Reach::Public)
    }
}

/// The IPv4 address that packets to an IPv6 address end up at: mapped (::ffff:0:0/96), translated
/// (64:ff9b::/96) or 6to4 (2002::/16); else the address itself.
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let v4 = match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, a, b] | [0x64, 0xff9b, 0, 0, 0, 0, a, b] | [0x2002, a, b, ..] => {
            u32::from(a) << 16 | u32::from(b)
        }
        _ => return ip,
    };
    Ipv4Addr::from_bits(v4).into()
}

/// Names lead wherever their owner likes; this only keeps back those that are meant for one network.
fn reach_of_name(name: &str) -> Option<Reach> {
    /// Names that no public server knows.
    const PRIVATE: [&str; 5] = ["local", "internal", "lan", "localdomain", "arpa"];
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(ip) = name.parse() {
        return reach(embedded(ip));
    }
    let last = name.rsplit('.').next().filter(|label| !label.is_empty())?;
    match last {
        _ if name == "metadata" || name.starts_with("metadata.") || name == "instance-data" => None,
        "localhost" => Some(Reach::Loopback),
        _ if last == name || PRIVATE.contains(&last) => Some(Reach::Private),
        _ => Some(Reach::Public),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(address: &str, observed: &str) -> bool {
        let address: Multiaddr = address.parse().unwrap();
        tellable([address], Some(observed.parse().unwrap())).len() == 1
    }

    const PEER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn public_addresses_are_told_whoever_names_them() {
        let relayed = format!("/ip4/8.8.8.8/tcp/1/p2p/{PEER}/p2p-circuit");
        for good in [
            "/ip4/8.8.8.8/tcp/1",
            "/ip6/2a00::1/udp/9/quic-v1",
            "/ip6/64:ff9b::8.8.8.8/tcp/1",
            "/dns4/tracker.example.org/tcp/443",
            "/dnsaddr/example.org",
            "/ip4/100.128.0.1/tcp/1",
            "/ip4/172.32.0.1/tcp/1",
            &relayed,
        ] {
            for observed in ["8.8.4.4", "10.0.0.1", "127.0.0.1", "::1"] {
                assert!(told(good, observed), "{good} from {observed}");
            }
        }
    }

    #[test]
    fn private_addresses_are_told_by_private_peers_only() {
        let relayed = format!("/ip4/8.8.8.8/tcp/1/p2p/{PEER}/p2p-circuit/ip4/10.0.0.1/tcp/1");
        for private in [
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
            &relayed,
        ] {
            assert!(!told(private, "8.8.4.4"), "{private}");
            assert!(!told(private, "2a00::1"), "{private}");
            assert!(told(private, "192.168.0.7"), "{private}");
            assert!(told(private, "127.0.0.1"), "{private}");
            assert!(tellable([private.parse().unwrap()], None).is_empty(), "{private}");
        }
    }

    #[test]
    fn loopback_addresses_are_told_on_the_same_machine_only() {
        for own in
            ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/dns/localhost/tcp/1", "/ip6/::ffff:127.0.0.1/tcp/1"]
        {
            assert!(told(own, "127.0.0.1"), "{own}");
            assert!(told(own, "::1"), "{own}");
            assert!(told(own, "::ffff:127.0.0.1"), "{own}");
            assert!(!told(own, "10.0.0.1") && !told(own, "8.8.4.4"), "{own}");
        }
    }

    #[test]
    fn some_addresses_are_never_told() {
        for bad in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/0.1.2.3/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip4/255.255.255.255/tcp/1",
            "/ip4/250.0.0.1/tcp/1",
            "/ip4/169.254.169.254/tcp/80",
            "/ip4/169.254.1.1/tcp/1",
            "/ip4/100.100.100.200/tcp/80",
            "/ip4/192.0.0.192/tcp/80",
            "/ip6/::/tcp/1",
            "/ip6/ff02::1/tcp/1",
            "/ip6/fe80::1/tcp/1",
            "/ip6zone/eth0/ip6/fe80::1/tcp/1",
            "/ip6/fd00:ec2::254/tcp/80",
            "/ip6/::ffff:169.254.169.254/tcp/80",
            "/ip6/64:ff9b::169.254.169.254/tcp/80",
            "/ip6/2002:a9fe:a9fe::1/tcp/80",
            "/dns/169.254.169.254/tcp/80",
            "/dns/metadata.google.internal/tcp/80",
            "/ip4/8.8.8.8/tcp/0",
            "/ip4/8.8.8.8/udp/0/quic-v1",
            "/tcp/1/ip4/8.8.8.8",
            "/memory/5",
            "/unix/a",
            "/p2p-circuit",
            "/ip4/8.8.8.8/tcp/1/p2p-circuit/ip4/169.254.169.254/tcp/1",
        ] {
            for observed in ["8.8.4.4", "10.0.0.1", "127.0.0.1", "169.254.1.1"] {
                assert!(!told(bad, observed), "{bad} from {observed}");
            }
        }
    }

    #[test]
    fn one_harmful_address_makes_a_record_harmful() {
        let addresses =
            |texts: &[&str]| -> Vec<Multiaddr> { texts.iter().map(|a| a.parse().unwrap()).collect() };
        let own = ["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1"];
        assert!(harmless(&addresses(&own)));
        for bad in ["/ip4/169.254.169.254/tcp/80", "/ip4/224.0.0.1/udp/1/quic-v1", "/ip6/fe80::1/tcp/1"] {
            assert!(!harmless(&addresses(&[own[2], bad])), "{bad}");
        }
    }

    #[test]
    fn each_is_told_once_and_no_more_than_sixteen() {
        let address = |port: u16| -> Multiaddr { format!("/ip4/8.8.8.8/tcp/{port}").parse().unwrap() };
        let many = (1..100).flat_map(|port| [address(port), address(port)]);
        let told = tellable(many, None);
        assert_eq!(told, (1..=16).map(address).collect::<Vec<_>>());
    }

    #[test]
    fn neighbours_share_a_prefix() {
        let prefix = |ip: &str| Prefix::of(ip.parse().unwrap());
        assert_eq!(prefix("8.8.8.1"), Some(Prefix::V4([8, 8, 8])));
        assert_eq!(prefix("8.8.8.1"), prefix("8.8.8.255"));
        assert_eq!(prefix("8.8.8.1"), prefix("::ffff:8.8.8.9"));
        assert_ne!(prefix("8.8.8.1"), prefix("8.8.9.1"));
        assert_eq!(prefix("2a00:1:2:3::4"), prefix("2a00:1:2:ffff::"));
        assert_ne!(prefix("2a00:1:2::"), prefix("2a00:1:3::"));
        for without in ["10.0.0.1", "127.0.0.1", "::1", "fe80::1", "fd00::1", "100.64.1.1"] {
            assert_eq!(prefix(without), None, "{without}");
        }
        let from = ["/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.9/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip6/2a00::1/tcp/1"];
        let from = from.map(|address| address.parse().unwrap());
        assert_eq!(quota_prefixes(&from), [Prefix::V4([8, 8, 8]), Prefix::V6([0x2a, 0, 0, 0, 0, 0])]);
    }

    #[test]
    fn the_digest_is_of_the_set() {
        let [a, b]: [Multiaddr; 2] = ["/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/tcp/2"].map(|a| a.parse().unwrap());
        assert_eq!(addresses_digest([&a, &b]), addresses_digest([&b, &a, &b]));
        assert_ne!(addresses_digest([&a]), addresses_digest([&b]));
        assert_ne!(addresses_digest([&a]), addresses_digest([&a, &b]));
    }
}
