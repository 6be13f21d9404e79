//! What a content's task tells.

use std::path::PathBuf;
use std::sync::Arc;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkIndex, Manifest, ManifestError};
use shoal_engine::ReachedGoal;
use shoal_store::{ScanProgress, TargetError};
use tokio::task::JoinError;

use super::include::IncludeError;
use crate::tracker_client::TrackerError;
use crate::traffic::Traffic;

/// What is done for a content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looking for peers and fetching the manifest.
    #[default]
    Manifest,
    /// Looking at what is on disk already.
    Opening,
    /// Fetching chunks.
    Downloading,
    /// Syncing and renaming.
    Finishing,
    /// Complete; serving others.
    Serving,
}

/// A snapshot of what is done for a content.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// The content's name, once the manifest is known.
    pub name: Option<String>,
    /// Bytes of the whole content, once the manifest is known.
    pub size: u64,
    /// Bytes of all distinct chunks that are wanted.
    pub total: u64,
    /// Bytes of those that are verified and stored.
    pub done: u64,
    /// Bytes of those that were there when the download began.
    pub found: u64,
    /// Bytes of those that were taken from elsewhere on this machine.
    pub reused: u64,
    /// How far the look at what is on disk already is.
    pub scan: ScanProgress,
    /// Peers connected for this content.
    pub peers: usize,
    /// Missing chunks that no connected peer has.
    pub unavailable: usize,
    /// How many copies of the whole the connected peers have together: of the rarest chunk as many as that.
    pub copies: usize,
    /// Peers that have not said yet that they have the chunk that was sent to them last: it may be on its way.
    pub unconfirmed: usize,
    /// Why nothing can be stored for now.
    pub blocked: Option<String>,
    /// Chunk bytes sent per second, of about the last two seconds; falls to 0 when nothing moves any more.
    pub rate_up: u64,
    /// Chunk bytes received per second, of about the last two seconds, before they are verified.
    pub rate_down: u64,
    /// What was exchanged with peers.
    pub traffic: Traffic,
}

/// Something worth telling a person.
#[derive(Debug, Clone)]
pub enum ContentEvent {
    /// The manifest is known.
    Manifest {
        /// The content's name.
        name: String,
        /// Bytes of the whole content.
        size: u64,
        /// Entries in it.
        files: u32,
    },
    /// A peer sent bytes that do not match and was banned.
    BadPeer {
        /// The peer.
        peer: PeerId,
        /// The chunk; `None` for a manifest block.
        chunk: Option<ChunkIndex>,
    },
    /// Chunks cannot be stored; the download waits until they can. In words.
    Blocked(String),
    /// They can again.
    Unblocked,
    /// A shared file changed or vanished; in words.
    Withdrawn(String),
    /// No peer that can be reached has some of the missing chunks; the download waits for them.
    Unavailable {
        /// How many.
        chunks: usize,
    },
    /// No tracker is of use, each for its reason; the content goes on without.
    TrackersUseless(Vec<(Multiaddr, TrackerError)>),
    /// The connected peers have the whole content together, so many times as was asked for, or once. Comes once for
    /// each time that a content is started.
    Safe {
        /// How many times.
        copies: usize,
    },
    /// The goal of serving is reached; [`ContentEvent::Ended`] follows.
    GoalReached(ReachedGoal),
    /// The download is complete or has failed. Comes once for each time that a content is started.
    Finished(Result<Finished, Arc<Failure>>),
    /// Nothing is done for this content any more: it was paused or removed, or has failed or reached its goal.
    Ended,
}

/// A download that is complete.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Where it lies; empty if only the manifest was wanted.
    pub path: PathBuf,
    /// Whether nothing had to be fetched.
    pub already_there: bool,
    /// The manifest.
    pub manifest: Arc<Manifest>,
}

/// Why something ended without its result.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody was found, or nobody that was found had it.
    #[error("no peer could be reached that has this content")]
    NoPeers {
        /// Bytes that are verified and kept.
        kept: u64,
    },
    /// The manifest itself is bad. No peer can have a better one.
    #[error("this content is not safe to fetch: {0}")]
    Manifest(#[from] ManifestError),
    /// Nothing can be chosen from it.
    #[error(transparent)]
    Include(#[from] IncludeError),
    /// The target folder is not usable.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The node serves or fetches this content already.
    #[error("this node is busy with this content already")]
    Busy,
    /// Stopped before it was complete.
    #[error("stopped")]
    Stopped {
        /// Bytes that are verified and kept; `None` if it was not known yet.
        kept: Option<u64>,
    },
    /// The node's network task has ended.
    #[error("the node has ended")]
    NodeEnded,
    /// A bug: a task of the content panicked.
    #[error("internal error: {0}")]
    Panicked(JoinError),
}
