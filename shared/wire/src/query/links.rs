//! To whom a node says it is connected, and how it is: what a map of the swarm is drawn from. Its own word, all of it.

use serde::{Deserialize, Serialize};
use shoal_content::ChunkIndex;

use super::{LoadClaim, PeerAddresses};

/// How much of a content a node says it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldingClaim {
    /// Chunks that it has.
    pub have: ChunkIndex,
    /// Chunks of the whole content.
    pub chunks: ChunkIndex,
}

/// A peer that a node says it is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkClaim {
    /// The last round trip that was measured, in microseconds; none if there was none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt: Option<u64>,
    /// Which peer, and where it can be reached.
    pub peer: PeerAddresses,
}

/// What a node says of its place in the swarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinksClaim {
    /// How busy it is.
    pub load: LoadClaim,
    /// Peers that it is connected to, also those that are not among the links here.
    pub count: u32,
    /// How much of the content it has that was asked for; none if none was, or it does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<HoldingClaim>,
    /// At most 50 peers that it is connected to.
    pub links: Vec<LinkClaim>,
}
