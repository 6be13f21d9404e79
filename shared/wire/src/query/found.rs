//! Contents by name, asked from neighbour to neighbour. What is found is the word of whoever tells it.

use serde::{Deserialize, Serialize};
use shoal_content::{ContentId, SafePath};

use super::PeerAddresses;

/// The most contents in one answer to [`find`](super::QueryRequest::Find).
pub const MAX_FIND_RESULTS: usize = 50;
/// The most peers that are named for one content of it.
pub const MAX_FOUND_PEERS: usize = 4;
/// The longest text that may be looked for, in bytes: that of a name.
pub const MAX_FIND_TEXT: usize = 255;
/// How many times a question may be passed on at most.
pub const MAX_FIND_PASSES: u8 = 7;

/// Names a question that is passed on, so that who gets it twice knows it again: drawn at random by who asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FindId(#[serde(with = "serde_bytes")] pub [u8; 16]);

/// A content that somebody says has a name that fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundClaim {
    /// Its name, by the rules of a name in a manifest.
    pub name: String,
    /// Bytes of the whole content.
    pub size: u64,
    /// Entries in it.
    pub files: u32,
    /// At most 4 peers that are said to share it.
    pub peers: Vec<PeerAddresses>,
    /// Its id.
    pub content: ContentId,
}

impl FoundClaim {
    /// Whether its name and its peers are as they must be.
    pub(super) fn is_within_limits(&self) -> bool {
        SafePath::name(&self.name).is_ok()
            && self.peers.len() <= MAX_FOUND_PEERS
            && self.peers.iter().all(PeerAddresses::is_within_limits)
    }
}
