//! What a daemon is asked to do.

use std::path::PathBuf;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use shoal_content::Chunker;
use shoal_engine::SeedGoal;
use shoal_net::FetchOptions;

/// What to share, and how. Plain data: it is kept in the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ShareRequest {
    /// Absolute paths of files and folders; several become one folder.
    pub paths: Vec<PathBuf>,
    /// The name to share under; otherwise it follows from the paths.
    pub name: Option<String>,
    /// How to cut; otherwise by the size.
    pub chunker: Option<Chunker>,
    /// Leave out files whose names cannot be shared, instead of refusing everything.
    pub skip_unsafe: bool,
    /// Whether peers that ask what is shared here are told of it.
    pub public: bool,
    /// Whether trackers are told name, size and number of files.
    pub publish: bool,
    /// When to end serving; `None`: not by itself.
    pub goal: Option<SeedGoal>,
    /// Trackers to register at, beside those of the daemon.
    pub trackers: Vec<Multiaddr>,
}

/// What to fetch, and how. Plain data: it is kept in the database.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FetchRequest {
    /// As for a node; its folder is an absolute path.
    pub options: FetchOptions,
    /// Whether peers that ask what is shared here are told of it once it is complete.
    pub public: bool,
}
