//! What the types of the messages cannot express.

use shoal_content::{MAX_BLOCK, SafePath};

use super::{
    ContentClaim, MAX_CONTENTS, MAX_PEERS, MAX_REQUEST, MAX_RESPONSE, PeerAddresses, QueryRequest,
    QueryResponse,
};
use crate::frame::{FrameError, Message, RequestMessage};

impl Message for QueryRequest {
    const MAX: usize = MAX_REQUEST;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Join { have, capabilities, .. } => have.check().and_then(|()| capabilities.check()),
            Self::Have { have, .. } => have.check(),
            Self::Leave { .. }
            | Self::Block { .. }
            | Self::Peers { .. }
            | Self::Ping {}
            | Self::Load {}
            | Self::Counters { .. }
            | Self::Where { .. }
            | Self::Neighbours {}
            | Self::Contents { .. } => Ok(()),
        }
    }
}

impl RequestMessage for QueryRequest {
    const KINDS: &'static [&'static str] = &[
        "join",
        "have",
        "leave",
        "block",
        "peers",
        "ping",
        "load",
        "counters",
        "where",
        "neighbours",
        "contents",
    ];
}

impl Message for QueryResponse {
    const MAX: usize = MAX_RESPONSE;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Joined { have, capabilities, .. } => have.check().and_then(|()| capabilities.check()),
            Self::Peers { peers } | Self::Where { peers, .. } | Self::Neighbours { peers } => {
                check_peers(peers)
            }
            Self::Contents { more, contents } => check_contents(*more, contents),
            Self::Block { bytes } if bytes.len() > MAX_BLOCK => {
                Err(FrameError::Value("a manifest block is too long"))
            }
            Self::Ok { .. } | Self::Block { .. } | Self::Load(_) | Self::Counters(_) | Self::Error { .. } => {
                Ok(())
            }
        }
    }
}

fn check_peers(peers: &[PeerAddresses]) -> Result<(), FrameError> {
    if peers.len() <= MAX_PEERS && peers.iter().all(PeerAddresses::is_within_limits) {
        Ok(())
    } else {
        Err(FrameError::Value("too many peers or addresses"))
    }
}

/// A list that does not grow, or says that it goes on and has nothing to go on behind, would be asked for without end.
fn check_contents(more: bool, contents: &[ContentClaim]) -> Result<(), FrameError> {
    if contents.len() > MAX_CONTENTS || (more && contents.is_empty()) {
        return Err(FrameError::Value("too many contents, or a list that does not end"));
    }
    if !contents.iter().all(|claim| claim.have <= claim.chunks && SafePath::name(&claim.name).is_ok()) {
        return Err(FrameError::Value(
            "a content with a name that is not allowed, or more chunks than it has",
        ));
    }
    if !contents.is_sorted_by(|one, next| one.content < next.content) {
        return Err(FrameError::Value("contents are out of order"));
    }
    Ok(())
}
