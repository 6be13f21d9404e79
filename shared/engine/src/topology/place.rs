//! Where a peer stands on the ring.

use libp2p_identity::PeerId;
use shoal_content::Hash;

/// A peer's place on the ring: SHA-256 of the bytes of its peer id, read as a number of 256 bits, the most significant
/// byte first. That is the key under which Kademlia in libp2p looks for a peer.
///
/// The ring is the order of these numbers, with the smallest behind the largest. A peer's *successors* are those with the
/// next larger numbers, its *predecessors* those with the next smaller ones. (Kademlia itself measures distances between the same
/// keys by XOR, by which a peer has nearest others, and no sides.)
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RingPlace(Hash);

impl RingPlace {
    /// The place of a peer.
    pub fn of(peer: &PeerId) -> Self {
        Self(Hash::of(&peer.to_bytes()))
    }

    /// Its bytes, the most significant first.
    pub fn bytes(&self) -> [u8; 32] {
        *self.0.as_bytes()
    }
}
