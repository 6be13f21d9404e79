//! What the types of the messages cannot express.

use libp2p_identity::PeerId;
use serde_bytes::ByteBuf;

use super::{
    IndexEntry, MAX_CURSOR, MAX_ENTRIES, MAX_FOUND, MAX_LISTED, MAX_NAMED, MAX_PAYLOAD, MAX_REQUEST,
    MAX_RESPONSE, MAX_TEXT, Match, TrackerRequest, TrackerResponse,
};
use crate::frame::{FrameError, Message, RequestMessage};
use shoal_content::SafePath;
use shoal_printable::is_unprintable;

/// The longest version of a tracker, in bytes.
const MAX_VERSION: usize = 64;

impl Message for TrackerRequest {
    const MAX: usize = MAX_REQUEST;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Report { peer } => require(PeerId::from_bytes(peer).is_ok(), "not a peer id"),
            Self::Publish { entries } => {
                require((1..=MAX_ENTRIES).contains(&entries.len()), "no entries or too many")?;
                entries.iter().try_for_each(check_entry)
            }
            Self::Withdraw { contents } => {
                require((1..=MAX_ENTRIES).contains(&contents.len()), "no contents or too many")
            }
            Self::Find { text, after, .. } => {
                require(text.len() <= MAX_TEXT, "a text to look for is too long")?;
                check_cursor(after.as_ref())
            }
            Self::Put { bytes } => check_payload(bytes),
            Self::Peers { after, .. } => check_cursor(after.as_ref()),
            Self::Swarm { .. } | Self::Role { .. } | Self::Get { .. } | Self::Stats {} => Ok(()),
        }
    }
}

impl RequestMessage for TrackerRequest {
    const KINDS: &'static [&'static str] =
        &["swarm", "role", "report", "publish", "withdraw", "find", "put", "get", "peers", "stats"];
}

impl Message for TrackerResponse {
    const MAX: usize = MAX_RESPONSE;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Found { next, contents } => {
                require(contents.len() <= MAX_FOUND, "too many contents")?;
                check_cursor(next.as_ref())?;
                contents.iter().try_for_each(check_match)
            }
            Self::Payload { bytes } => check_payload(bytes),
            Self::Peers { next, peers, .. } => {
                let fit = peers.len() <= MAX_LISTED && peers.iter().all(|peer| peer.is_within_limits());
                require(fit, "too many peers or addresses")?;
                check_cursor(next.as_ref())
            }
            Self::Stats { stats } => {
                let version = &stats.version;
                require(
                    version.len() <= MAX_VERSION && !version.contains(is_unprintable),
                    "a version is too long or not printable",
                )
            }
            Self::Ok {}
            | Self::Swarm { .. }
            | Self::Reported { .. }
            | Self::Published { .. }
            | Self::Stored { .. }
            | Self::Error { .. } => Ok(()),
        }
    }
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), FrameError> {
    if holds { Ok(()) } else { Err(FrameError::Value(otherwise)) }
}

/// The same rules as for the name in a manifest, so none has control characters or separators.
fn check_entry(entry: &IndexEntry) -> Result<(), FrameError> {
    require(SafePath::name(entry.name.as_str()).is_ok(), "a content has a name that is not allowed")
}

fn check_match(found: &Match) -> Result<(), FrameError> {
    check_entry(&found.entry)?;
    let valid = found.peers.len() <= MAX_NAMED && found.peers.iter().all(|id| PeerId::from_bytes(id).is_ok());
    require(valid, "too many publishers, or one without a peer id")
}

fn check_payload(bytes: &[u8]) -> Result<(), FrameError> {
    require((1..=MAX_PAYLOAD).contains(&bytes.len()), "a payload is empty or too long")
}

fn check_cursor(cursor: Option<&ByteBuf>) -> Result<(), FrameError> {
    require(cursor.is_none_or(|cursor| cursor.len() <= MAX_CURSOR), "a cursor is too long")
}
