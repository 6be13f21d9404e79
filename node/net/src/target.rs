//! Which peer is meant.

use std::str::FromStr;

use libp2p::{Multiaddr, PeerId};

/// Which peer to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerTarget {
    /// One that is connected.
    Connected(PeerId),
    /// Whichever is at an address; with `/p2p/PEER` at its end, only that one.
    Address(Multiaddr),
}

/// A text names no peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither a peer id, such as 12D3KooW…, nor the address of a peer, such as /ip4/192.0.2.1/tcp/4001 or \
     /dns4/example.org/udp/4001/quic-v1/p2p/12D3KooW…"
)]
pub struct PeerTargetError;

impl FromStr for PeerTarget {
    type Err = PeerTargetError;

    fn from_str(text: &str) -> Result<Self, PeerTargetError> {
        if let Ok(peer) = text.parse() {
            return Ok(Self::Connected(peer));
        }
        match text.parse::<Multiaddr>() {
            Ok(address) if !address.is_empty() => Ok(Self::Address(address)),
            _ => Err(PeerTargetError),
        }
    }
}

impl From<PeerId> for PeerTarget {
    fn from(peer: PeerId) -> Self {
        Self::Connected(peer)
    }
}

impl From<Multiaddr> for PeerTarget {
    fn from(address: Multiaddr) -> Self {
        Self::Address(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_named_by_its_id_or_its_address() {
        let peer = PeerId::random();
        assert_eq!(peer.to_string().parse(), Ok(PeerTarget::Connected(peer)));
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/1/p2p/{peer}").parse().unwrap();
        assert_eq!(address.to_string().parse(), Ok(PeerTarget::Address(address)));
        for bad in ["", "/", "peer", "127.0.0.1:4001"] {
            assert_eq!(bad.parse::<PeerTarget>(), Err(PeerTargetError), "{bad}");
        }
    }
}
