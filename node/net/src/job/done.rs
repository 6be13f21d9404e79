//! What the tasks of a job bring back.

use std::sync::Arc;
use std::time::Duration;

use libp2p::PeerId;
use shoal_content::{ChunkSet, ContentId, Hash};
use shoal_engine::BlockFailure;
use shoal_store::{Placed, Target, TargetError};
use shoal_wire::Have;
use shoal_wire::query::{Load, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse};

use crate::control::{Control, QueryError};
use crate::tracker_client::{DiscoveredPeer, TrackerError};

/// What a task has to tell.
pub(super) enum Done {
    Nothing,
    Synced,
    Registered {
        tracker: usize,
        result: Result<Duration, TrackerError>,
    },
    Discovered {
        tracker: usize,
        result: Result<Vec<DiscoveredPeer>, TrackerError>,
    },
    Block {
        peer: PeerId,
        hash: Hash,
        block: Result<Vec<u8>, BlockFailure>,
        /// Whether the peer does not know the question.
        unsupported: bool,
    },
    /// With what of the own map did not fit into the join.
    Joined {
        peer: PeerId,
        /// From the question to the answer.
        took: Duration,
        rest: Vec<Have>,
        result: Result<(Have, Load), QueryError>,
    },
    Told {
        peer: PeerId,
        lost: Option<Arc<ChunkSet>>,
    },
    Peers {
        teller: PeerId,
        peers: Vec<PeerAddresses>,
    },
    Opened(Result<Arc<Target>, TargetError>),
    Placed(Result<Placed, TargetError>),
}

/// Asks a peer for a block. Only the stream's own failure ends it: when others are asked too is the member's decision,
/// and a late block is as good as any.
pub(super) async fn fetch_block(control: Control, content: ContentId, peer: PeerId, hash: Hash) -> Done {
    let answer = control.query(peer, QueryRequest::Block { hash, content }).await;
    let unsupported = answer.as_ref().is_err_and(QueryError::is_unsupported);
    let block = match answer {
        Ok(QueryResponse::Block { bytes }) => Ok(bytes),
        Err(QueryError::Refused(QueryErrorCode::NotFound)) => Err(BlockFailure::NotFound),
        Ok(_) | Err(_) => Err(BlockFailure::Other),
    };
    Done::Block { peer, hash, block, unsupported }
}
