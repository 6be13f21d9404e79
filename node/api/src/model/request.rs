//! What the library is asked for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
