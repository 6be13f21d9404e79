//! The neighbours that were heard of on the LAN.
//!
//! Multicast DNS proves nothing: any machine on the network may name any number of peers anywhere. So only
//! addresses on the networks of this node's own interfaces are taken, and a bounded number of peers.

use core::net::IpAddr;
use std::collections::BTreeMap;
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::RngExt;
use shoal_addresses::{Scope, ip_of, is_dialable, without_peer};

use crate::SeededRng;

/// The most neighbours that are known. A further one takes the place of a random one, so that a flood does not keep out
/// all who come later.
pub const MAX_LAN_PEERS: usize = 64;
/// The most addresses of one of them.
const MAX_ADDRESSES: usize = 8;
/// A neighbour that was not heard of for so long is forgotten.
const STALE: Duration = Duration::from_secs(15 * 60);

/// The network of an interface of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    ip: IpAddr,
    prefix: u8,
}

impl Subnet {
    /// That of an interface with this address and so many fixed bits.
    pub fn new(ip: IpAddr, prefix: u8) -> Self {
        Self { ip, prefix }
    }

    /// Whether an address lies in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix.min(32));
                let network = |ip: core::net::Ipv4Addr| u64::from(ip.to_bits()) >> shift;
                network(own) == network(ip)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix.min(128));
                let network = |ip: core::net::Ipv6Addr| ip.to_bits().checked_shr(shift).unwrap_or(0);
                network(own) == network(ip)
            }
            _ => false,
        }
    }
}

/// Of addresses that multicast DNS brought, those that can be reached from an interface of this machine: plain IP
/// addresses on its networks, without the peer id.
pub(super) fn on_link(addresses: impl IntoIterator<Item = Multiaddr>, own: &[Subnet]) -> Vec<Multiaddr> {
    let mut near: Vec<Multiaddr> = vec![];
    for address in addresses {
        let is_near = ip_of(&address).is_some_and(|ip| {
            Scope::of_ip(ip).is_some_and(|scope| scope != Scope::Loopback)
                && own.iter().any(|subnet| subnet.contains(ip))
        });
        let address = without_peer(address);
        if near.len() < MAX_ADDRESSES && is_near && is_dialable(&address) && !near.contains(&address) {
            near.push(address);
        }
    }
    near
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct LanPeers(BTreeMap<PeerId, Duration>);

impl LanPeers {
    /// A neighbour was heard of. Whether it is new.
    pub(super) fn heard(&mut self, now: Duration, peer: PeerId, rng: &mut SeededRng) -> bool {
        if let Some(heard) = self.0.get_mut(&peer) {
            *heard = now;
            return false;
        }
        self.0.retain(|_, heard| *heard + STALE > now);
        if self.0.len() >= MAX_LAN_PEERS {
            let at = rng.random_range(0..self.0.len());
            if let Some(gone) = self.0.keys().nth(at).copied() {
                self.0.remove(&gone);
            }
        }
        self.0.insert(peer, now);
        true
    }

    /// A neighbour may be gone.
    pub(super) fn forget(&mut self, peer: &PeerId) {
        self.0.remove(peer);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn all(&self) -> Vec<PeerId> {
        self.0.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::testing::peer;

    fn subnet(ip: &str, prefix: u8) -> Subnet {
        Subnet::new(ip.parse().unwrap(), prefix)
    }

    #[test]
    fn a_subnet_has_its_own_addresses_and_no_others() {
        for (ip, prefix, inside, outside) in [
            ("192.168.1.7", 24, "192.168.1.250", "192.168.2.7"),
            ("10.1.2.3", 8, "10.200.0.1", "11.0.0.1"),
            ("10.1.2.3", 32, "10.1.2.3", "10.1.2.4"),
            ("fd00:1::1", 64, "fd00:1::ffff", "fd00:2::1"),
        ] {
            assert!(subnet(ip, prefix).contains(inside.parse().unwrap()), "{inside}");
            assert!(!subnet(ip, prefix).contains(outside.parse().unwrap()), "{outside}");
        }
        assert!(subnet("0.0.0.0", 0).contains("8.8.8.8".parse().unwrap()));
        assert!(subnet("::", 0).contains("2001:db8::1".parse().unwrap()));
        assert!(!subnet("::", 0).contains("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn only_what_an_interface_can_reach_is_taken() {
        let own = [subnet("192.168.1.7", 24), subnet("127.0.0.1", 8), subnet("fd00:1::1", 64)];
        let said = [
            "/ip4/192.168.1.9/tcp/1",
            "/ip4/192.168.1.9/tcp/1",
            "/ip4/192.168.2.9/tcp/1",
            "/ip4/8.8.8.8/tcp/1",
            "/ip4/127.0.0.1/tcp/22",
            "/dns/nas.local/tcp/1",
            "/ip4/192.168.1.9/tcp/1/ws",
            "/ip6/fd00:1::9/udp/1/quic-v1",
        ];
        let near = on_link(said.map(|it| it.parse().unwrap()), &own);
        let near: Vec<_> = near.iter().map(ToString::to_string).collect();
        assert_eq!(near, ["/ip4/192.168.1.9/tcp/1", "/ip6/fd00:1::9/udp/1/quic-v1"]);
        let many = (1..1000).map(|port| format!("/ip4/192.168.1.9/tcp/{port}").parse().unwrap());
        assert_eq!(on_link(many, &own).len(), MAX_ADDRESSES);
    }

    #[test]
    fn a_flood_neither_grows_the_list_nor_closes_it() {
        let mut rng = SeededRng::seed_from_u64(1);
        let mut all = LanPeers::default();
        (0..10_000).for_each(|n| assert!(all.heard(Duration::from_secs(1), peer(n), &mut rng)));
        assert_eq!(all.len(), MAX_LAN_PEERS);
        assert!(all.heard(Duration::from_secs(2), peer(77_777), &mut rng));
        assert!(all.all().contains(&peer(77_777)) && all.len() == MAX_LAN_PEERS);
        assert!(all.heard(STALE * 2, peer(88_888), &mut rng));
        assert_eq!(all.all(), [peer(88_888)], "the others were not heard of again");
    }
}
