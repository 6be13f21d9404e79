//! What the types of the messages cannot express.

use shoal_content::{MAX_BLOCK, SafePath};

use super::{
    ContentClaim, FoundClaim, LinksClaim, MAX_CONTENTS, MAX_FIND_PASSES, MAX_FIND_RESULTS, MAX_FIND_TEXT,
    MAX_PEERS, MAX_REQUEST, MAX_RESPONSE, PeerAddresses, QueryRequest, QueryResponse,
};
use crate::frame::{FrameError, Message, RequestMessage};

impl Message for QueryRequest {
    const MAX: usize = MAX_REQUEST;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Join { have, capabilities, .. } => have.check().and_then(|()| capabilities.check()),
            Self::Have { have, .. } => have.check(),
            Self::Find { hops, name, .. } if *hops > MAX_FIND_PASSES || name.len() > MAX_FIND_TEXT => {
                Err(FrameError::Value("a question for a name that is too long, or passed on too often"))
            }
            Self::Leave { .. }
            | Self::Block { .. }
            | Self::Peers { .. }
            | Self::Ping {}
            | Self::Load {}
            | Self::Counters { .. }
            | Self::Where { .. }
            | Self::Neighbours {}
            | Self::Contents { .. }
            | Self::Find { .. }
            | Self::Links { .. } => Ok(()),
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
        "find",
        "links",
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
            Self::Found { found } => check_found(found),
            Self::Links(claim) => check_links(claim),
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

fn check_found(found: &[FoundClaim]) -> Result<(), FrameError> {
    if found.len() <= MAX_FIND_RESULTS && found.iter().all(FoundClaim::is_within_limits) {
        Ok(())
    } else {
        Err(FrameError::Value("too much that was found, a name that is not allowed, or too many peers"))
    }
}

fn check_links(claim: &LinksClaim) -> Result<(), FrameError> {
    let LinksClaim { count, holds, links, .. } = claim;
    let few = links.len() <= MAX_PEERS && links.iter().all(|link| link.peer.is_within_limits());
    if few && *count as usize >= links.len() && holds.is_none_or(|holds| holds.have <= holds.chunks) {
        Ok(())
    } else {
        Err(FrameError::Value("too many links, or more chunks than a content has"))
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
