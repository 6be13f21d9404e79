//! The client side of `/shoal/tracker/1`: one question, one answer.
//!
//! What a tracker says is hearsay, and may be a lie: frames are within the limits of
//! [`shoal_wire::tracker`] when they arrive here, answers are of the kind that was asked for, and the
//! bytes of a payload are those of its id. More cannot be known.

mod questions;

use std::time::Duration;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde_bytes::ByteBuf;
use shoal_content::{ContentId, Hash};
use shoal_wire::frame::{FrameError, Message};
use shoal_wire::query::PeerAddresses;
use shoal_wire::tracker::{
    IndexEntry, Match, Mode, Role, Stats, TrackerErrorCode, TrackerRequest, TrackerResponse, Verdict,
};

use super::control::{Control, DialError};

pub(super) use self::questions::{Questions, Reply, behaviour};

/// A tracker is reached and has answered within this time, or has failed.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a tracker's answer cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// Nobody answers at its address.
    #[error("the tracker cannot be reached: {0}")]
    Unreachable(#[from] DialError),
    /// It is a rendezvous point of another kind.
    #[error("this rendezvous point does not speak /shoal/tracker/1")]
    Unsupported,
    /// It said no.
    #[error("the tracker refused: {}", words(*.0))]
    Refused(TrackerErrorCode),
    /// The request breaks the protocol's limits and was not sent.
    #[error("the tracker takes no such request: {0}")]
    Request(#[from] FrameError),
    /// The answer breaks them.
    #[error("the tracker gave an answer that is none: {0}")]
    Malformed(String),
    /// The answer was not one to this question.
    #[error("the tracker gave an answer of the wrong kind")]
    WrongKind,
    /// The bytes are not those of the id.
    #[error("the tracker gave bytes that do not match the id")]
    WrongBytes,
    /// No answer.
    #[error("the tracker did not answer in time")]
    Timeout,
    /// A broken stream or connection.
    #[error("{0}")]
    Failed(String),
}

fn words(code: TrackerErrorCode) -> &'static str {
    match code {
        TrackerErrorCode::Busy => "it has too much to do; try again later",
        TrackerErrorCode::Limited => "this node or its network asks too often; try again later",
        TrackerErrorCode::Quota => "it keeps as much for this node, its network or all together as it takes",
        TrackerErrorCode::TooLarge => "the payload is longer than it takes",
        TrackerErrorCode::NotFound => "it has no payload with this id",
        TrackerErrorCode::NotRegistered => "this node is not registered in the swarm of that content",
        TrackerErrorCode::BadRequest => "it makes nothing of the request",
        TrackerErrorCode::Unsupported => "it does not know this kind of request",
    }
}

/// How many are in a swarm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SwarmSize {
    /// Who said that they have everything.
    pub seeds: u64,
    /// Who said that they are fetching.
    pub downloaders: u64,
    /// Who did not say.
    pub unknown: u64,
}

/// A part of a longer answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is in it.
    pub items: Vec<T>,
    /// Where the next one begins; none at the end.
    pub next: Option<ByteBuf>,
}

/// Which peers to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// All if they fit, else a random sample.
    Sample,
    /// In the order of their ids, from the start.
    First,
    /// Those behind an earlier page: its `next`.
    After(ByteBuf),
}

/// A tracker at an address. Made by [`Node::tracker`](super::Node::tracker).
#[derive(Clone)]
pub struct Tracker {
    control: Control,
    address: Multiaddr,
    peer: Option<PeerId>,
}

impl Tracker {
    pub(super) fn at(control: Control, address: Multiaddr) -> Self {
        let peer = match address.iter().last() {
            Some(Protocol::P2p(peer)) => Some(peer),
            _ => None,
        };
        Self { control, address, peer }
    }

    /// The tracker that a connection leads to already.
    pub(super) fn connected(control: Control, peer: PeerId) -> Self {
        Self { control, address: Multiaddr::empty(), peer: Some(peer) }
    }

    /// Where it is.
    pub fn address(&self) -> &Multiaddr {
        &self.address
    }

    /// How many are in the swarm of a content?
    pub async fn swarm(&self, content: ContentId) -> Result<SwarmSize, TrackerError> {
        match self.ask(TrackerRequest::Swarm { content }).await? {
            TrackerResponse::Swarm { seeds, unknown, downloaders } => {
                Ok(SwarmSize { seeds, downloaders, unknown })
            }
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Says what this node is in a swarm that it is registered in.
    pub async fn set_role(&self, content: ContentId, role: Role) -> Result<(), TrackerError> {
        self.ask_for_ok(TrackerRequest::Role { role, content }).await
    }

    /// Says that a peer does not answer.
    pub async fn report(&self, peer: PeerId) -> Result<Verdict, TrackerError> {
        match self.ask(TrackerRequest::Report { peer: peer.to_bytes() }).await? {
            TrackerResponse::Reported { verdict } => Ok(verdict),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Tells what this node shares, at most 256 contents. Returns how long that is kept.
    pub async fn publish(&self, entries: Vec<IndexEntry>) -> Result<Duration, TrackerError> {
        match self.ask(TrackerRequest::Publish { entries }).await? {
            TrackerResponse::Published { ttl } => Ok(Duration::from_secs(ttl)),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Takes back what was published, at most 256 contents.
    pub async fn withdraw(&self, contents: Vec<ContentId>) -> Result<(), TrackerError> {
        self.ask_for_ok(TrackerRequest::Withdraw { contents }).await
    }

    /// Looks for contents by name; `after` is the `next` of an earlier page. At most `limit`, and at most 50;
    /// a page may have less, or nothing, and not be the last.
    pub async fn find(
        &self,
        mode: Mode,
        text: &str,
        after: Option<ByteBuf>,
        limit: u32,
    ) -> Result<Page<Match>, TrackerError> {
        match self.ask(TrackerRequest::Find { mode, text: text.into(), after, limit }).await? {
            TrackerResponse::Found { next, contents } => Ok(Page { items: contents, next }),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Keeps a payload of at most 64 KiB there. Returns its id, and how long it is kept.
    pub async fn put(&self, bytes: Vec<u8>) -> Result<(Hash, Duration), TrackerError> {
        let own = Hash::of(&bytes);
        match self.ask(TrackerRequest::Put { bytes }).await? {
            TrackerResponse::Stored { id, ttl } if id == own => Ok((id, Duration::from_secs(ttl))),
            TrackerResponse::Stored { .. } => Err(TrackerError::WrongBytes),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Gets a payload. Its bytes are those of the id.
    pub async fn get(&self, id: Hash) -> Result<Vec<u8>, TrackerError> {
        match self.ask(TrackerRequest::Get { id }).await? {
            TrackerResponse::Payload { bytes } if Hash::of(&bytes) == id => Ok(bytes),
            TrackerResponse::Payload { .. } => Err(TrackerError::WrongBytes),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// Who is registered? At most `limit`, and at most 100. The number is that of all.
    pub async fn peers(
        &self,
        which: Listing,
        limit: u32,
    ) -> Result<(Page<PeerAddresses>, u64), TrackerError> {
        let after = match which {
            Listing::Sample => None,
            Listing::First => Some(ByteBuf::new()),
            Listing::After(next) => Some(next),
        };
        match self.ask(TrackerRequest::Peers { after, limit }).await? {
            TrackerResponse::Peers { next, peers, total } => Ok((Page { items: peers, next }, total)),
            _ => Err(TrackerError::WrongKind),
        }
    }

    /// What it counts.
    pub async fn stats(&self) -> Result<Stats, TrackerError> {
        match self.ask(TrackerRequest::Stats {}).await? {
            TrackerResponse::Stats { stats } => Ok(*stats),
            _ => Err(TrackerError::WrongKind),
        }
    }

    async fn ask_for_ok(&self, request: TrackerRequest) -> Result<(), TrackerError> {
        match self.ask(request).await? {
            TrackerResponse::Ok {} => Ok(()),
            _ => Err(TrackerError::WrongKind),
        }
    }

    async fn ask(&self, request: TrackerRequest) -> Result<TrackerResponse, TrackerError> {
        request.check()?;
        let ask = async {
            let peer = match self.peer {
                Some(peer) if self.address.is_empty() => peer,
                peer => self.control.reach(peer, self.address.clone()).await?,
            };
            self.control.ask_tracker(peer, request).await
        };
        match tokio::time::timeout(TIMEOUT, ask).await {
            Ok(Ok(TrackerResponse::Error { code })) => Err(TrackerError::Refused(code)),
            Ok(answer) => answer,
            Err(_) => Err(TrackerError::Timeout),
        }
    }
}
