//! What is found, put together.

use std::collections::BTreeMap;

use shoal_content::ContentId;
use shoal_wire::query::{FoundClaim, MAX_FIND_RESULTS, MAX_FOUND_PEERS, PeerAddresses};

/// What tells one claim from another: who says something else of the same content makes another entry, so that nobody's
/// word replaces another's.
type Key = (ContentId, String, u64, u32);

/// What several nodes say they have found.
///
/// Always holds: no more is kept of one node than an answer may hold; the result holds no more than an answer may.
#[derive(Debug, Default)]
pub struct FoundSet {
    /// By teller, in the order in which they told.
    told: Vec<Vec<Key>>,
    /// Peers that are said to share it, by content and claim.
    peers: BTreeMap<Key, Vec<PeerAddresses>>,
}

impl FoundSet {
    /// Starts empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what one node says. What is beyond the bounds of an answer is cut.
    pub fn add(&mut self, claims: impl IntoIterator<Item = FoundClaim>) {
        let mut told = Vec::new();
        for claim in claims.into_iter().take(MAX_FIND_RESULTS) {
            let key = (claim.content, claim.name, claim.size, claim.files);
            let known = self.peers.entry(key.clone()).or_default();
            for peer in claim.peers {
                if known.len() < MAX_FOUND_PEERS && known.iter().all(|it| it.id != peer.id) {
                    known.push(peer);
                }
            }
            told.push(key);
        }
        self.told.push(told);
    }

    /// How many different claims there are, before the result is cut.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// As much as an answer may hold. Where there is more, every teller gets its turn, so that one that says much does not
    /// take the place of the others.
    pub fn finish(mut self) -> Vec<FoundClaim> {
        let mut result = Vec::new();
        let longest = self.told.iter().map(Vec::len).max().unwrap_or(0);
        for turn in 0..longest {
            for key in self.told.iter().filter_map(|told| told.get(turn)) {
                if result.len() == MAX_FIND_RESULTS {
                    return result;
                }
                // None: another one has told of it already.
                if let Some(peers) = self.peers.remove(key) {
                    let (content, name, size, files) = key.clone();
                    result.push(FoundClaim { name, size, files, peers, content });
                }
            }
        }
        result
    }
}
