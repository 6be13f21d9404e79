//! What names a peer.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use libp2p_identity::PeerId;

/// What the engine calls a peer: a [`PeerId`] in a node, a number in the simulator, where
/// thousands of engines know each other's peers and a peer id's eighty bytes would fill the caches.
pub trait PeerName: Copy + Ord + Hash + Debug {}

impl<T: Copy + Ord + Hash + Debug> PeerName for T {}

/// A map by peers' names that is looked into with almost every input. It has no order, so nothing may walk through it.
pub type PeerMap<P, V> = HashMap<P, V, BuildHasherDefault<PeerHasher>>;

/// A hash that costs a multiplication for each eight bytes (as FxHash, which the Rust compiler uses).
///
/// A peer can choose a name that collides with another. That is harmless where it is used: such a map holds no more
/// peers than a node has connections, so the worst that can be brought about is a search through some hundred entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeerHasher(u64);

impl PeerHasher {
    /// Odd, and without a pattern in its bits: from the expansion of pi.
    const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for PeerHasher {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.add(n.into());
    }

    fn write_u32(&mut self, n: u32) {
        self.add(n.into());
    }

    fn write_u64(&mut self, n: u64) {
        self.add(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.add(n as u64);
    }

    fn finish(&self) -> u64 {
        // The map takes the place from the low bits and a tag from the high ones; a product's low bits are poor.
        self.0.rotate_left(26)
    }
}

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

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    /// A map looks at few bits of a hash: neither the low nor the high ones may be the same for many names.
    #[test]
    fn names_differ_in_low_and_high_bits() {
        let build = BuildHasherDefault::<PeerHasher>::default();
        let spread = |hash: &dyn Fn(u32) -> u64| {
            let distinct = |part: fn(u64) -> u64| {
                (0..256).map(|n| part(hash(n))).collect::<std::collections::BTreeSet<_>>().len()
            };
            distinct(|hash| hash & 0xff).min(distinct(|hash| hash >> 57))
        };
        assert!(spread(&|n| build.hash_one(n)) > 100);
        assert!(spread(&|n| build.hash_one(numbered_peer(n))) > 100);
    }
}
