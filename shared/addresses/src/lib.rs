//! Judgements of addresses: which a node may dial, and whose they are.
//!
//! What this is not: nothing here dials, resolves a name or remembers an address. What always holds: an address that
//! cannot be dialled, whatever a peer made of it, is told from one that can by its text alone.

use libp2p_identity::PeerId;
use multiaddr::{Multiaddr, Protocol};

/// Whose address it is, if it ends in `/p2p/PEER`.
pub fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// The address without the `/p2p/PEER` at its end, if it has one.
pub fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if peer_of(&address).is_some() {
        address.pop();
    }
    address
}

/// Whether an address is one that a node may dial: an IP address or name of one host, then TCP or QUIC.
pub fn is_dialable(address: &Multiaddr) -> bool {
    let mut parts = address.iter();
    let host = match parts.next() {
        Some(Protocol::Ip4(ip)) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        Some(Protocol::Ip6(ip)) => !ip.is_unspecified() && !ip.is_multicast(),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_)) => true,
        _ => false,
    };
    let transport = match parts.next() {
        Some(Protocol::Tcp(port)) => port > 0,
        Some(Protocol::Udp(port)) => port > 0 && parts.next() == Some(Protocol::QuicV1),
        _ => false,
    };
    host && transport && matches!(parts.next(), None | Some(Protocol::P2p(_))) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_with_tcp_or_quic_are_dialable() {
        for good in ["/ip4/10.0.0.1/tcp/1", "/ip6/::1/udp/9/quic-v1", "/dns4/example.org/tcp/443"] {
            assert!(is_dialable(&good.parse().unwrap()), "{good}");
        }
        for bad in [
            "/ip4/0.0.0.0/tcp/1",
            "/ip4/224.0.0.1/tcp/1",
            "/ip4/1.2.3.4/tcp/0",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4",
            "/unix/a",
            "/ip4/1.2.3.4/tcp/1/ws",
            "/memory/5",
            "/ip4/255.255.255.255/tcp/1",
        ] {
            assert!(!is_dialable(&bad.parse().unwrap()), "{bad}");
        }
    }
}
