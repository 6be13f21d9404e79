//! One content from inside.

use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ChunkSet, ContentId};

use crate::traffic::Exchanged;

/// The most cells of a rarity map.
const MAX_CELLS: usize = 4096;

/// What is known of one content and its peers at one moment. Bounded: by the content's chunks, at most 16 777 216, and the
/// node's connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentDetail {
    /// Which content.
    pub content: ContentId,
    /// Chunks of the whole content; 0 until the manifest is known.
    pub chunks: ChunkIndex,
    /// The chunks that are here and served. As long as the content has chunks, or empty before the disk was looked at.
    pub have: ChunkSet,
    /// How many chunks a cell of [`rarity`](Self::rarity) stands for; the last one may stand for fewer. At least 1.
    pub stretch: usize,
    /// For each stretch of chunks: how many connected peers say that they have its rarest chunk. At most 4096 cells;
    /// empty before anything can be served.
    pub rarity: Vec<u16>,
    /// Missing chunks that no connected peer has.
    pub unavailable: usize,
    /// Peers that are connected for the content, by id.
    pub neighbours: Vec<ContentNeighbour>,
}

impl ContentDetail {
    /// How many chunks a cell stands for.
    pub(crate) fn stretch(chunks: ChunkIndex) -> usize {
        (chunks as usize).div_ceil(MAX_CELLS).max(1)
    }
}

/// A peer that is connected for a content. What it has and how busy it is, is its own word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentNeighbour {
    /// Which peer.
    pub peer: PeerId,
    /// How many chunks it says it has.
    pub chunks: usize,
    /// Whether either side has joined the other: before that it has said nothing.
    pub joined: bool,
    /// How long it took to answer the join, if this node asked it.
    pub rtt: Option<Duration>,
    /// Bytes that everybody waits for there, as it said last.
    pub queued: u64,
    /// What was exchanged with it for this content.
    pub exchanged: Exchanged,
}
