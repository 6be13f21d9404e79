//! What happens, as it is told to those that follow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Content, ImportInfo, Page};

/// An event of the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiEvent {
    /// What to give to go on after this one.
    pub id: String,
    /// What happened.
    pub change: ApiChange,
}

/// What happened. Each stands for itself: it says how something is now, so one that comes twice does no harm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub enum ApiChange {
    /// How everything is; what was known before counts no more.
    Snapshot(SnapshotInfo),
    /// A content is new, or has changed. Comes at most four times per second for each.
    Content(Box<Content>),
    /// A content is not in the library any more.
    Removed(RemovedInfo),
    /// An import is new, or has changed.
    Import(ImportInfo),
    /// Connections to peers came or went.
    Peers(PeerCountInfo),
    /// The reader was too slow, or what came since is not known any more; a snapshot follows.
    Gap(GapInfo),
}

impl ApiChange {
    /// What events are called in the stream.
    pub const KINDS: [&str; 6] = ["snapshot", "content", "removed", "import", "peers", "gap"];

    /// What it is called in the stream.
    pub fn kind(&self) -> &'static str {
        let [snapshot, content, removed, import, peers, gap] = Self::KINDS;
        match self {
            Self::Snapshot(_) => snapshot,
            Self::Content(_) => content,
            Self::Removed(_) => removed,
            Self::Import(_) => import,
            Self::Peers(_) => peers,
            Self::Gap(_) => gap,
        }
    }
}

/// How everything is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotInfo {
    /// Contents in the library.
    pub count: usize,
    /// Peers that the node is connected to.
    pub connections: usize,
    /// The first contents by id, at most 100. The rest is listed by `GET contents`, from this page's `next` on.
    pub contents: Page<Content>,
    /// Imports that wait or run, at most 100.
    pub imports: Vec<ImportInfo>,
}

/// A content that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedInfo {
    /// Which content.
    pub content: String,
}

/// How many peers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerCountInfo {
    /// Peers that the node is connected to.
    pub connections: usize,
}

/// What was missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapInfo {
    /// How many events, if that is known.
    pub missed: Option<u64>,
}
