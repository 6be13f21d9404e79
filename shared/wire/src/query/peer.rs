//! A peer and where it can be reached.

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use shoal_addresses::{MAX_ADDRESS, MAX_ADDRESSES};

/// The longest peer id, in bytes.
const MAX_PEER_ID: usize = 64;

/// A peer and where it can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddresses {
    /// The bytes of its peer id (a multihash).
    #[serde(with = "serde_bytes")]
    pub id: Vec<u8>,
    /// Multiaddrs in binary form; at most 16 of at most 256 bytes.
    pub addresses: Vec<ByteBuf>,
}

impl PeerAddresses {
    /// Says where a peer is, by as many of the addresses as a message may have.
    pub fn new(peer: PeerId, addresses: &[Multiaddr]) -> Self {
        let bytes = addresses.iter().filter(|address| address.len() <= MAX_ADDRESS).take(MAX_ADDRESSES);
        Self {
            id: peer.to_bytes(),
            addresses: bytes.map(|address| ByteBuf::from(address.to_vec())).collect(),
        }
    }

    /// The peer's id; none if the bytes are not one.
    pub fn peer(&self) -> Option<PeerId> {
        PeerId::from_bytes(&self.id).ok()
    }

    /// Where it is said to be, without what is not an address.
    pub fn multiaddrs(&self) -> impl Iterator<Item = Multiaddr> {
        self.addresses.iter().filter_map(|bytes| Multiaddr::try_from(bytes.to_vec()).ok())
    }

    /// Whether the id and the addresses are as few and as short as they must be.
    pub(crate) fn is_within_limits(&self) -> bool {
        self.id.len() <= MAX_PEER_ID
            && self.addresses.len() <= MAX_ADDRESSES
            && self.addresses.iter().all(|a| a.len() <= MAX_ADDRESS)
    }
}
