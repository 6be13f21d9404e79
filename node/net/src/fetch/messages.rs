//! What passes between the job of a content and the node's streams.

use std::io;
use std::sync::Arc;

use libp2p::PeerId;
use shoal_content::ChunkIndex;
use shoal_engine::RequestId;
use shoal_store::{ChunkStore, Target, WriteError};
use shoal_wire::Have;
use shoal_wire::chunks::ChunkRefusal;
use tokio::task::JoinError;

use crate::streams::OpenError;

/// What a content asks of the stream of a peer.
#[derive(Debug)]
pub(crate) enum FetchOrder {
    /// A certain chunk, which has `len` bytes.
    Get { id: RequestId, chunk: ChunkIndex, len: u32 },
    /// A chunk of the peer's choice.
    Any { id: RequestId },
    /// Tells the peer what is new here.
    Have(Have),
    /// Takes a request back.
    Cancel { id: RequestId },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum FetchEvent {
    /// The stream of a peer stands: it can be asked.
    Opened { peer: PeerId },
    /// It could not be opened. The content does not use it any more.
    OpenFailed { peer: PeerId, error: OpenError },
    /// The stream is gone, and with it all that was asked on it. The content does not use it any more.
    Lost { peer: PeerId, error: Arc<StreamError> },
    /// Bytes of chunks arrived. A job that lags may not be told of all.
    Progress { peer: PeerId, bytes: u64 },
    /// A chunk begins to arrive. `queued`: bytes that are asked of the peer by everybody. A job that lags may not
    /// be told.
    Begun { peer: PeerId, id: RequestId, chunk: ChunkIndex, queued: u64 },
    /// A chunk was verified and written; `complete` are the chunks that can be served only since then.
    Stored { peer: PeerId, id: RequestId, chunk: ChunkIndex, len: u64, complete: Vec<ChunkIndex> },
    /// Bytes that do not match.
    Corrupt { peer: PeerId, id: RequestId, chunk: ChunkIndex },
    /// The peer refused, or this node does for it (busy): too much is asked of the peer, or the disk is behind.
    Refused { peer: PeerId, id: RequestId, why: ChunkRefusal },
    /// The disk does not take bytes. It is tried again until it does; everything that is asked for meanwhile is
    /// refused.
    Blocked { error: WriteError },
    /// The disk takes bytes again.
    Unblocked,
    /// Writing a chunk panicked: a bug.
    Broken { error: JoinError },
}

/// Why a stream ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The peer ended it.
    #[error("closed by the peer")]
    Closed,
    /// The peer sent a chunk that was not asked of it, or that does not exist.
    #[error("data that was not asked for")]
    Unasked,
    /// The peer sent a chunk of another length than it has.
    #[error("a chunk of the wrong length")]
    WrongLength,
    /// The connection broke, or the peer sent something that is no reply.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The task that served it panicked: a bug.
    #[error("the task of the stream broke off")]
    Broken,
}

/// Where the chunks of a content go.
pub(crate) trait ChunkSink: Send + Sync + 'static {
    /// The bytes of a chunk; `None` if there is no such chunk.
    fn chunk_len(&self, chunk: ChunkIndex) -> Option<u32>;

    /// Verifies and writes chunks; returns for each, in their order, all chunks that can be served only since then. Blocks
    /// while the disk does.
    fn write_each(&self, chunks: &[(ChunkIndex, &[u8])]) -> Vec<Result<Vec<ChunkIndex>, WriteError>>;
}

impl ChunkSink for Target {
    fn chunk_len(&self, chunk: ChunkIndex) -> Option<u32> {
        self.manifest().chunks().get(chunk as usize).map(|chunk| chunk.length)
    }

    fn write_each(&self, chunks: &[(ChunkIndex, &[u8])]) -> Vec<Result<Vec<ChunkIndex>, WriteError>> {
        Self::write_each(self, chunks)
    }
}
