//! What names a peer.

use std::fmt::Debug;
use std::hash::Hash;

use libp2p_identity::PeerId;

/// What the engine calls a peer: a [`PeerId`] in a node, a number in the simulator, where
/// thousands of engines know each other's peers and a peer id's eighty bytes would fill the caches.
pub trait PeerName: Copy + Ord + Hash + Debug {}

impl<T: Copy + Ord + Hash + Debug> PeerName for T {}

/// What an Ed25519 public key looks like in an identity multihash, before its 32 bytes.
const KEY_PREFIX: [u8; 6] = [0, 36, 8, 1, 18, 32];

/// A well-formed peer id for simulations and tests; different numbers have different ones. Nobody has its key:
/// what stands for the key's 32 bytes is the number, most significant byte first, and then zeros.
pub fn numbered_peer(n: u32) -> PeerId {
    let mut bytes = KEY_PREFIX.to_vec();
    bytes.extend_from_slice(&n.to_be_bytes());
    bytes.resize(KEY_PREFIX.len() + 32, 0);
    PeerId::from_bytes(&bytes).expect("a well-formed multihash")
}
