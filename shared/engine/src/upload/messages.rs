//! What an upload queue is told and what it says: its options, requests and grants.

use std::time::Duration;

use shoal_content::{ChunkIndex, ContentId};
use shoal_wire::chunks::ChunkRefusal;

/// Which requests come first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Fairness {
    /// In the order that lets all peers finish soonest.
    #[default]
    Cooperative,
    /// Those of the peers that have sent us most of late.
    TitForTat,
}

/// What a user may choose.
#[derive(Debug, Clone, Copy)]
pub struct UploadConfig {
    /// Chunks sent at once; `None`: as many as it takes to fill the line, up to `most_slots`.
    pub slots: Option<usize>,
    /// Chunks that may be in memory at once.
    pub most_slots: usize,
    /// Which requests come first.
    pub fairness: Fairness,
    /// A request that waits for longer is refused as busy: before the downloader takes the silence for a stall.
    pub patience: Duration,
}

impl Default for UploadConfig {
    fn default() -> Self {
        Self { slots: None, most_slots: 32, fairness: Fairness::default(), patience: Duration::from_secs(8) }
    }
}

/// Names a session; chosen by the caller, not used twice.
pub type SessionId = u64;

/// A request of a downloader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Chosen by the downloader.
    pub id: u64,
    /// Which content.
    pub content: ContentId,
    /// Which chunk; `None` leaves the choice to us.
    pub chunk: Option<ChunkIndex>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Send the chunk; tell [`UploadQueue::ended`](super::UploadQueue::ended) afterwards.
    Send {
        /// On which session.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// Of which content.
        content: ContentId,
        /// Which chunk.
        chunk: ChunkIndex,
    },
    /// End the session, which is closed already: its peer takes nothing, and others wait.
    Close {
        /// Which session.
        session: SessionId,
    },
    /// Refuse it.
    Refuse {
        /// On which session.
        session: SessionId,
        /// The request's id.
        id: u64,
        /// Why.
        why: ChunkRefusal,
    },
}
