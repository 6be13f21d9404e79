//! Contents of the library, and what is known of one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether anything is done for a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentStateInfo {
    /// Looking for peers and fetching the manifest.
    Looking,
    /// Looking at what is on disk already.
    Checking,
    /// Fetching chunks.
    Fetching,
    /// Syncing and renaming.
    Placing,
    /// Complete; serving others.
    Serving,
    /// Paused by the user.
    Paused,
    /// Its goal is reached.
    Ended,
    /// Its files are not there; it goes on once they are.
    Waiting,
    /// It has failed.
    Failed,
}

impl ContentStateInfo {
    /// As it is written in a request or an answer.
    pub fn name(self) -> &'static str {
        match self {
            Self::Looking => "looking",
            Self::Checking => "checking",
            Self::Fetching => "fetching",
            Self::Placing => "placing",
            Self::Serving => "serving",
            Self::Paused => "paused",
            Self::Ended => "ended",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }
}

/// A content of the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Content {
    /// Its id.
    pub content: String,
    /// Its name, once that is known.
    pub name: Option<String>,
    /// Whether it is shared from here, rather than fetched.
    pub shared: bool,
    /// Whether peers that ask what is shared here are told of it.
    pub public: bool,
    /// Whether everything that is wanted of it is here.
    pub complete: bool,
    /// What is done for it.
    pub state: ContentStateInfo,
    /// Why it is failed, waiting or cannot store anything; in words.
    pub why: Option<String>,
    /// Bytes of the whole content.
    pub size: u64,
    /// Bytes of all distinct chunks that are wanted.
    pub total: u64,
    /// Bytes of those that are verified and stored.
    pub done: u64,
    /// Bytes sent since it was started.
    pub sent: u64,
    /// Verified bytes received since it was started.
    pub received: u64,
    /// Bytes that came twice since it was started.
    pub duplicate: u64,
    /// Bytes per second sent of late.
    pub rate_up: u64,
    /// Bytes per second received of late.
    pub rate_down: u64,
    /// Peers connected for it.
    pub peers: usize,
    /// Missing chunks that no connected peer has.
    pub unavailable: usize,
    /// How many copies of the whole the connected peers say they have together.
    pub copies: usize,
    /// When it was added, in seconds since 1970.
    pub added: u64,
    /// Where it lies, or will.
    #[schema(value_type = Vec<String>)]
    pub paths: Vec<PathBuf>,
}

/// A ticket, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketInfo {
    /// Which content.
    pub content: String,
    /// The ticket, as `shoal get` takes it.
    pub ticket: String,
    /// Addresses of peers in it.
    pub peers: Vec<String>,
    /// Trackers in it.
    pub trackers: Vec<String>,
}

/// Whether peers that ask what is shared here are told of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicBody {
    /// Whether they are.
    pub public: bool,
}

/// A peer, as far as one content is concerned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ContentPeerInfo {
    /// Its id.
    pub peer: String,
    /// Whether it is connected for this content now.
    pub connected: bool,
    /// How many chunks it says that it has; none if it has not said.
    pub chunks: Option<u64>,
    /// How long it took to answer, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Bytes that everybody waits for there, as it said last.
    pub queued_bytes: u64,
    /// Verified bytes that came from it since the content was started.
    pub received: u64,
    /// Bytes that came from it and were here already.
    pub duplicate: u64,
    /// Bytes sent to it.
    pub sent: u64,
}

/// Whether a chunk is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChunkStateInfo {
    /// It is here, verified.
    Have,
    /// It is not here.
    Missing,
}

/// Neighbouring chunks in the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChunkRun {
    /// The first chunk, counted from 0.
    pub start: u32,
    /// How many; at least one.
    pub len: u32,
    /// Their state.
    pub state: ChunkStateInfo,
}

/// Which chunks of a content are here, and how rare its chunks are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChunkMapInfo {
    /// Which content.
    pub content: String,
    /// Chunks in all; 0 until the manifest is known.
    pub chunks: u32,
    /// How many of them are here.
    pub have: u32,
    /// Runs from the chunk that was asked for on; at most 4096, each after the one before, without gaps.
    pub runs: Vec<ChunkRun>,
    /// The chunk to ask for next as `from`; none: the runs reach the end.
    pub next: Option<u32>,
    /// Missing chunks that no connected peer has.
    pub unavailable: u32,
    /// How many chunks a cell of `rarity` stands for; the last one may stand for fewer.
    pub stretch: u32,
    /// For each stretch of chunks, from the first on: how many connected peers say that they have its rarest chunk. At most
    /// 4096 cells; empty while nothing is done for the content.
    pub rarity: Vec<u16>,
}
