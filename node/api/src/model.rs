//! Messages of the API. Sizes are in bytes, rates in bytes per second, times in seconds unless a name says otherwise.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeInfo {
    /// Its peer id.
    pub peer: String,
    /// The program's version.
    pub version: String,
    /// Where peers can reach it.
    pub addresses: Vec<String>,
    /// How long it has been running.
    pub uptime: u64,
    /// Contents in the library.
    pub contents: usize,
    /// Peers it is connected to.
    pub connections: usize,
    /// Trackers that every content is registered at.
    pub trackers: Vec<String>,
    /// Bandwidth limits.
    pub limits: Limits,
    /// Its data folder.
    #[schema(value_type = Option<String>)]
    pub data: Option<PathBuf>,
}

/// Bandwidth limits of the whole node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Most bytes of chunks sent per second; none: no limit.
    pub up: Option<u64>,
    /// Most bytes of chunks fetched per second.
    pub down: Option<u64>,
    /// Whether these are those of the schedule. Ignored in requests.
    #[serde(default)]
    pub scheduled: bool,
}

/// Whether anything is done for a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentState {
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
    pub state: ContentState,
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

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; none: this is the last one.
    pub next: Option<String>,
}

/// Asks to share files. Paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Files and folders; several become one folder.
    #[schema(value_type = Vec<String>)]
    pub paths: Vec<PathBuf>,
    /// The name to share under; otherwise it follows from the paths.
    #[serde(default)]
    pub name: Option<String>,
    /// How to cut, as on the command line.
    #[serde(default)]
    pub chunker: Option<String>,
    /// Leave out files whose names cannot be shared.
    #[serde(default)]
    pub skip_unsafe: bool,
    /// Tell peers that ask what is shared here.
    #[serde(default)]
    pub public: bool,
    /// Tell trackers name, size and number of files.
    #[serde(default)]
    pub publish: bool,
    /// When to end serving.
    #[serde(default)]
    pub goal: Goal,
    /// Trackers to register at, beside those of the node.
    #[serde(default)]
    pub trackers: Vec<String>,
}

/// Asks to fetch a content.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// A ticket or a content id.
    pub source: String,
    /// The folder that gets it under its name; absolute.
    #[schema(value_type = String)]
    pub dir: PathBuf,
    /// Addresses of peers that may have it, beside those in the ticket.
    #[serde(default)]
    pub peers: Vec<String>,
    /// Trackers, beside those of the node and in the ticket.
    #[serde(default)]
    pub trackers: Vec<String>,
    /// Replace what differs.
    #[serde(default)]
    pub force: bool,
    /// Absolute paths from which chunks are taken.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub reuse: Vec<PathBuf>,
    /// Only files whose path inside the content matches one of these.
    #[serde(default)]
    pub include: Vec<String>,
    /// Tell peers that ask what is shared here, once it is complete.
    #[serde(default)]
    pub public: bool,
    /// When to end serving once it is complete.
    #[serde(default)]
    pub goal: Goal,
    /// Fetch from seeds alone, without serving others.
    #[serde(default)]
    pub star: bool,
    /// Ask by latency + 10 × load.
    #[serde(default)]
    pub score: bool,
    /// Ask each peer for this many chunks at once.
    #[serde(default)]
    pub in_flight: Option<u16>,
}

/// When to end serving: as soon as one of these is reached. With none, never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// After so many seconds.
    #[serde(default)]
    pub seconds: Option<u64>,
    /// After sending this many times the size.
    #[serde(default)]
    pub ratio: Option<f64>,
    /// Once others have so many confirmed copies together.
    #[serde(default)]
    pub copies: Option<usize>,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ImportState {
    /// It waits for others.
    Queued,
    /// Files are read and hashed.
    Hashing {
        /// Bytes read so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// It is shared now.
    Done {
        /// As which content.
        content: String,
        /// Its ticket.
        ticket: String,
        /// What was left out, as far as it is listed; in words.
        skipped: Vec<String>,
    },
    /// It has failed.
    Failed {
        /// In words.
        why: String,
    },
}

/// Files that are hashed, or were, in order to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Import {
    /// Names it, for as long as the node runs.
    pub id: u64,
    /// What is shared.
    #[schema(value_type = Vec<String>)]
    pub paths: Vec<PathBuf>,
    /// How far it is.
    #[serde(flatten)]
    pub state: ImportState,
}

/// Why a request was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind: `unauthorized`, `forbidden`, `not_found`, `conflict`, `invalid`, `busy`, `no_peers`, `failed`.
    pub kind: String,
    /// What failed, on what; in words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// Says which peer is meant: by an id of a connected peer, or by an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerRef {
    /// A peer id, or a multiaddress with or without `/p2p/PEER` at its end.
    pub peer: String,
}
