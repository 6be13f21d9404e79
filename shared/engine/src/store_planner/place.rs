//! Where peers and contents are to each other.

use libp2p_identity::PeerId;
use shoal_content::{ContentId, Hash};

/// How far two places are from each other: the exclusive or of them, as a number. Of two peers, no two are as far from a
/// third place.
pub(super) type Distance = [u8; 32];

/// A place in the space of Kademlia (Maymounkov and Mazières 2002; as in libp2p's specification of it): the SHA-256 of a
/// peer's id, or of the hash of a content's manifest root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place([u8; 32]);

impl Place {
    pub(super) fn of_peer(peer: &PeerId) -> Self {
        Self(*Hash::of(&peer.to_bytes()).as_bytes())
    }

    pub(super) fn of_content(content: &ContentId) -> Self {
        Self(*Hash::of(content.root_hash().as_bytes()).as_bytes())
    }

    pub(super) fn distance(&self, other: &Self) -> Distance {
        std::array::from_fn(|at| self.0[at] ^ other.0[at])
    }
}
