//! The network that an address belongs to.

use core::net::IpAddr;

use crate::host::canonical;
use crate::scope::Scope;

/// A network as large as one subscriber may easily have: /24 of IPv4, /48 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Prefix {
    /// The first 24 bits.
    V4([u8; 3]),
    /// The first 48 bits.
    V6([u8; 6]),
}

impl Prefix {
    /// The prefix of a public address. Other addresses have none: a private network is the operator's own, and behind
    /// a proxy all peers come from the same private address, so that a quota would lock out honest peers.
    pub fn of(ip: IpAddr) -> Option<Self> {
        let ip = canonical(ip);
        (Scope::of_ip(ip) == Some(Scope::Public)).then(|| match ip {
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

/// Peers that may all be one: those of a public [`Prefix`], or of one address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// Public addresses with the same first bits.
    Public(Prefix),
    /// One address of a private network, or of the machine itself.
    Host(IpAddr),
}

impl Network {
    /// The network of an address.
    pub fn of(ip: IpAddr) -> Self {
        Prefix::of(ip).map_or(Self::Host(canonical(ip)), Self::Public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn hosts_that_are_not_public_are_networks_of_their_own() {
        let network = |ip: &str| Network::of(ip.parse().unwrap());
        assert_eq!(network("8.8.8.1"), network("8.8.8.2"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
        assert_eq!(network("::ffff:127.0.0.1"), network("127.0.0.1"));
    }
}
