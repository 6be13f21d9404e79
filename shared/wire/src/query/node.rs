//! What a node tells of itself to peers that ask. All of it is its own word: nothing proves it, and nobody should decide
//! anything of weight by it.

use serde::{Deserialize, Serialize};
use shoal_content::{ChunkIndex, ContentId, Hash};

/// Names a chunk of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkRef {
    /// By its SHA-256.
    Hash(Hash),
    /// By its place in the chunk table, from 0.
    Index(ChunkIndex),
}

/// How busy a node says it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadClaim {
    /// Chunks that it may send at once at the moment.
    pub slots: u32,
    /// Chunks that it is sending now.
    pub active: u32,
    /// Bytes asked of it and not sent yet.
    pub queued: u64,
    /// Bytes of chunks per second that it sent of late.
    pub rate_up: u64,
    /// Requests that wait for a slot.
    pub waiting: u32,
    /// Contents whose chunks it fetches now.
    pub fetching: u32,
    /// Most bytes of chunks that it sends per second; none: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_up: Option<u64>,
    /// Bytes of chunks per second that it received of late.
    pub rate_down: u64,
    /// Most bytes of chunks that it fetches per second; none: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_down: Option<u64>,
}

/// What a node says it has done: since it was started, or for one content since that was started there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersClaim {
    /// Bytes of chunks sent to everybody.
    pub sent: u64,
    /// Bytes of chunks sent to who asks, as far as it is among the peers that are counted one by one.
    pub to_you: u64,
    /// Seconds since the node was started; none where it is about one content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime: Option<u64>,
    /// Chunks that came and did not match their hashes.
    pub corrupt: u64,
    /// Requests for chunks that were refused; none where it is about one content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<u64>,
    /// Verified bytes of chunks that came from who asks.
    pub from_you: u64,
    /// Verified bytes of chunks received from everybody.
    pub received: u64,
    /// Bytes that came and were there already.
    pub duplicate: u64,
    /// Chunks sent.
    pub chunks_sent: u64,
    /// Connections that stand; none where it is about one content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u64>,
    /// Verified chunks received, without those that were there already.
    pub chunks_received: u64,
}

/// A content that a node says it shares with whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentClaim {
    /// Chunks that it has.
    pub have: ChunkIndex,
    /// The content's name, by the rules of a name in a manifest.
    pub name: String,
    /// Bytes of the whole content.
    pub size: u64,
    /// Entries in it.
    pub files: u32,
    /// Chunks of the whole content.
    pub chunks: ChunkIndex,
    /// Its id.
    pub content: ContentId,
}
