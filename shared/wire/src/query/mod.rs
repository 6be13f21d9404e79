//! `/shoal/query/1`: questions and answers between peers.
//!
//! **Participants.** Any two peers. The asking peer opens a stream, sends one request frame, and reads one
//! response frame; then the stream is done.
//!
//! **Goals.** Join the swarm of a content, tell which chunks one has, fetch manifest blocks, learn of
//! other peers, and find contents by name without a tracker. For people that look on: how busy a node is, what it has
//! done, whom it knows, what it shares, where a chunk is.
//!
//! **Not goals.** Chunk bytes: those go over [`/shoal/chunks/1`](super::chunks). Authentication: the
//! connection has proven the peer's id already.
//!
//! A node answers every well-formed request, with [`QueryResponse::Error`] if it must, also one of a kind that it does not
//! know. A malformed or oversized one ends the stream.

mod check;
mod found;
mod links;
mod node;
mod peer;

use serde::{Deserialize, Serialize};
use shoal_content::{ChunkIndex, ContentId, Hash};

pub use self::found::{
    FindId, FoundClaim, MAX_FIND_PASSES, MAX_FIND_RESULTS, MAX_FIND_TEXT, MAX_FOUND_PEERS,
};
pub use self::links::{HoldingClaim, LinkClaim, LinksClaim};
pub use self::node::{ChunkRef, ContentClaim, CountersClaim, LoadClaim};
pub use self::peer::PeerAddresses;
use super::capabilities::Capabilities;
use super::have::Have;

/// The protocol's id.
pub const PROTOCOL: &str = "/shoal/query/1";
/// The longest request, in bytes: 64 KiB.
pub const MAX_REQUEST: usize = 64 << 10;
/// The longest response, in bytes: 1 MiB.
pub const MAX_RESPONSE: usize = 1 << 20;
/// The most peers in one answer.
pub const MAX_PEERS: usize = 50;
/// The most contents in one answer.
pub const MAX_CONTENTS: usize = 100;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryRequest {
    /// Joins the swarm of a content: tells what the sender has, and asks what the receiver has now and gets
    /// later. Holds until the connection ends or [`QueryRequest::Leave`]. Answered by
    /// [`QueryResponse::Joined`].
    #[serde(rename = "join")]
    Join {
        /// What the sender has; empty if it has nothing yet. A map too long for one message goes on in
        /// [`QueryRequest::Have`].
        have: Have,
        /// Which content.
        content: ContentId,
        /// What the sender understands beyond this version.
        capabilities: Capabilities,
    },
    /// Tells chunks that the sender has got. Answered by [`QueryResponse::Ok`].
    #[serde(rename = "have")]
    Have {
        /// What is new.
        have: Have,
        /// Which content.
        content: ContentId,
    },
    /// Ends the sender's part in the swarm of a content; the receiver forgets what the sender said of it. The end of a [`QueryRequest::Join`] of either side. For
    /// a peer that ends one content on a connection that others still use. Answered by [`QueryResponse::Ok`].
    #[serde(rename = "leave")]
    Leave {
        /// Which content.
        content: ContentId,
    },
    /// Asks for a block of a manifest: the root by the hash inside the content id, pages by the hashes
    /// in the root. Answered by [`QueryResponse::Block`].
    #[serde(rename = "block")]
    Block {
        /// SHA-256 of the block.
        hash: Hash,
        /// Of which content.
        content: ContentId,
    },
    /// Asks for other peers in the swarm of a content. Answered by [`QueryResponse::Peers`].
    #[serde(rename = "peers")]
    Peers {
        /// Which content.
        content: ContentId,
    },
    /// Asks for an answer and nothing else, to see how long that takes. Answered by [`QueryResponse::Ok`].
    #[serde(rename = "ping")]
    Ping {},
    /// Asks how busy the node is. Answered by [`QueryResponse::Load`].
    #[serde(rename = "load")]
    Load {},
    /// Asks what the node has done. Answered by [`QueryResponse::Counters`].
    #[serde(rename = "counters")]
    Counters {
        /// For which content; none: for all since the node was started.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<ContentId>,
    },
    /// Asks who has a chunk. Answered by [`QueryResponse::Where`].
    #[serde(rename = "where")]
    Where {
        /// Which chunk.
        chunk: ChunkRef,
        /// Of which content.
        content: ContentId,
    },
    /// Asks to whom the node is connected. Answered by [`QueryResponse::Neighbours`].
    #[serde(rename = "neighbours")]
    Neighbours {},
    /// Asks what the node shares with whoever asks. Answered by [`QueryResponse::Contents`].
    #[serde(rename = "contents")]
    Contents {
        /// To go on behind this content; none: from the start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ContentId>,
    },
    /// Asks for contents by name that the node, or others that it asks in turn, share with whoever asks. Answered by
    /// [`QueryResponse::Found`].
    #[serde(rename = "find")]
    Find {
        /// Names the question, however often it is passed on.
        id: FindId,
        /// How many times it may yet be passed on.
        hops: u8,
        /// What the name contains; case does not count. Empty: every name.
        name: String,
        /// Whether the name has to begin with it.
        prefix: bool,
    },
    /// Asks to whom the node is connected, how far away those are, and how busy it is. Answered by
    /// [`QueryResponse::Links`].
    #[serde(rename = "links")]
    Links {
        /// Asks too how much it has of this content.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<ContentId>,
    },
}

impl QueryRequest {
    /// Which content the question is about, if it is about one.
    pub fn content(&self) -> Option<ContentId> {
        match self {
            Self::Join { content, .. }
            | Self::Have { content, .. }
            | Self::Leave { content }
            | Self::Block { content, .. }
            | Self::Peers { content }
            | Self::Where { content, .. } => Some(*content),
            Self::Counters { content } | Self::Links { content } => *content,
            Self::Ping {}
            | Self::Load {}
            | Self::Neighbours {}
            | Self::Contents { .. }
            | Self::Find { .. } => None,
        }
    }

    /// The name of its kind on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::Have { .. } => "have",
            Self::Leave { .. } => "leave",
            Self::Block { .. } => "block",
            Self::Peers { .. } => "peers",
            Self::Ping {} => "ping",
            Self::Load {} => "load",
            Self::Counters { .. } => "counters",
            Self::Where { .. } => "where",
            Self::Neighbours {} => "neighbours",
            Self::Contents { .. } => "contents",
            Self::Find { .. } => "find",
            Self::Links { .. } => "links",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryResponse {
    /// Done.
    #[serde(rename = "ok")]
    Ok {
        /// How busy the answering peer is.
        load: Load,
    },
    /// To [`QueryRequest::Join`].
    #[serde(rename = "joined")]
    Joined {
        /// What the answering peer has. A map too long for one message goes on in [`QueryRequest::Have`].
        have: Have,
        /// How busy it is.
        load: Load,
        /// What it understands beyond this version.
        capabilities: Capabilities,
    },
    /// To [`QueryRequest::Block`].
    #[serde(rename = "block")]
    Block {
        /// The block's bytes, at most 256 KiB.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// To [`QueryRequest::Peers`].
    #[serde(rename = "peers")]
    Peers {
        /// At most 50 peers that the answering peer is connected to.
        peers: Vec<PeerAddresses>,
    },
    /// To [`QueryRequest::Load`].
    #[serde(rename = "load")]
    Load(LoadClaim),
    /// To [`QueryRequest::Counters`].
    #[serde(rename = "counters")]
    Counters(CountersClaim),
    /// To [`QueryRequest::Where`].
    #[serde(rename = "where")]
    Where {
        /// Whether the answering peer has the chunk.
        has: bool,
        /// The chunk's place in the chunk table.
        chunk: ChunkIndex,
        /// At most 50 peers that it is connected to and that told it that they have the chunk.
        peers: Vec<PeerAddresses>,
    },
    /// To [`QueryRequest::Neighbours`].
    #[serde(rename = "neighbours")]
    Neighbours {
        /// At most 50 peers that the answering peer is connected to.
        peers: Vec<PeerAddresses>,
    },
    /// To [`QueryRequest::Contents`].
    #[serde(rename = "contents")]
    Contents {
        /// Whether there are more behind the last of these.
        more: bool,
        /// At most 100, in the order of their ids.
        contents: Vec<ContentClaim>,
    },
    /// To [`QueryRequest::Find`].
    #[serde(rename = "found")]
    Found {
        /// At most 50, in no order.
        found: Vec<FoundClaim>,
    },
    /// To [`QueryRequest::Links`].
    #[serde(rename = "links")]
    Links(LinksClaim),
    /// To any request.
    #[serde(rename = "error")]
    Error {
        /// Why.
        code: QueryErrorCode,
    },
}

/// Why a request could not be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueryErrorCode {
    /// The peer does not have this content, or not (yet) this block.
    NotFound,
    /// The peer has too much to do; ask later.
    Busy,
    /// The request makes no sense to the peer, such as chunks that the content does not have.
    BadRequest,
    /// The peer does not know this kind of request.
    Unsupported,
}

/// How busy a peer is, as it says itself: a hint, never trusted further.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Bytes per second that it sent of late, to everybody.
    pub rate: u64,
    /// Chunks that it is sending now.
    pub active: u32,
    /// Bytes asked of it and not sent yet, by everybody.
    pub queued: u64,
}
