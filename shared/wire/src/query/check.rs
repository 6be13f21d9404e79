//! What the types of the messages cannot express.

use shoal_content::MAX_BLOCK;

use super::{MAX_PEERS, MAX_REQUEST, MAX_RESPONSE, PeerAddresses, QueryRequest, QueryResponse};
use crate::frame::{FrameError, Message, RequestMessage};

impl Message for QueryRequest {
    const MAX: usize = MAX_REQUEST;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Join { have, capabilities, .. } => have.check().and_then(|()| capabilities.check()),
            Self::Have { have, .. } => have.check(),
            Self::Leave { .. } | Self::Block { .. } | Self::Peers { .. } => Ok(()),
        }
    }
}

impl RequestMessage for QueryRequest {
    const KINDS: &'static [&'static str] = &["join", "have", "leave", "block", "peers"];
}

impl Message for QueryResponse {
    const MAX: usize = MAX_RESPONSE;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Joined { have, capabilities, .. } => have.check().and_then(|()| capabilities.check()),
            Self::Peers { peers } => check_peers(peers),
            Self::Block { bytes } if bytes.len() > MAX_BLOCK => {
                Err(FrameError::Value("a manifest block is too long"))
            }
            Self::Ok { .. } | Self::Block { .. } | Self::Error { .. } => Ok(()),
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
