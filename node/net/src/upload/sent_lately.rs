//! Which chunks went to which peers of late.
//!
//! What this is not: a record. It keeps fingerprints in a table of fixed size, in which new ones take the place of old ones, so
//! it forgets; and it takes two for the same about once in 2⁴⁸ times. Both must do no harm where it is asked.
//!
//! What always holds: it takes [`PLACES`] × 8 bytes. The fingerprints are keyed by random numbers, so no peer can aim at
//! those of another.

use std::hash::{BuildHasher, RandomState};

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ContentId};

/// A power of two. At a hundred chunks a second, what was sent five minutes ago is mostly remembered.
const PLACES: usize = 1 << 15;

/// See the module.
#[derive(Debug)]
pub(super) struct SentLately {
    keys: RandomState,
    /// 0 where there is none.
    fingerprints: Box<[u64]>,
}

impl Default for SentLately {
    fn default() -> Self {
        Self { keys: RandomState::new(), fingerprints: vec![0; PLACES].into() }
    }
}

impl SentLately {
    /// A chunk went to a peer.
    pub(super) fn insert(&mut self, peer: &PeerId, content: &ContentId, chunk: ChunkIndex) {
        let (place, fingerprint) = self.place(peer, content, chunk);
        self.fingerprints[place] = fingerprint;
    }

    /// Whether it did, as far as is remembered.
    pub(super) fn contains(&self, peer: &PeerId, content: &ContentId, chunk: ChunkIndex) -> bool {
        let (place, fingerprint) = self.place(peer, content, chunk);
        self.fingerprints[place] == fingerprint
    }

    fn place(&self, peer: &PeerId, content: &ContentId, chunk: ChunkIndex) -> (usize, u64) {
        let hash = self.keys.hash_one((peer, content, chunk));
        (hash as usize % PLACES, hash | 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::Hash;

    #[test]
    fn what_was_sent_is_remembered_until_much_else_was() {
        let mut sent = SentLately::default();
        let (peer, other) = (PeerId::random(), PeerId::random());
        let content = |name: &[u8]| ContentId::from_root_hash(Hash::of(name));
        let (one, two) = (content(b"one"), content(b"two"));
        sent.insert(&peer, &one, 7);
        assert!(sent.contains(&peer, &one, 7));
        assert!(!sent.contains(&other, &one, 7) && !sent.contains(&peer, &two, 7));
        assert!(!sent.contains(&peer, &one, 8));
        (0..20 * PLACES as u32).for_each(|chunk| sent.insert(&other, &two, chunk));
        assert!(!sent.contains(&peer, &one, 7), "memory is bounded");
        assert_eq!(sent.fingerprints.len(), PLACES);
    }
}
