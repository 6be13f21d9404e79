//! `/shoal/store/1`: what nodes that keep contents for others say to each other.
//!
//! **Participants.** Any two nodes. The asking one opens a stream, sends one request frame, and reads one response frame;
//! then the stream is done.
//!
//! **Goals.** Tell who offers space and who else does, place a content on a node, learn who has it, look whether that is so,
//! end it for good, part in good order.
//!
//! **Not goals.** Bytes of contents: a node that took an offer fetches it as any other content. Which nodes are asked, and
//! when: that is the planner's decision (`shoal-engine`).
//!
//! A content is placed by a [`StoreRecord`] that its owner signed, and ended by a [`StoreEnd`] of the same owner. Everything
//! else is a claim of the peer that says it.

mod check;
mod presence;
mod record;
mod signing;

use serde::{Deserialize, Serialize};
use shoal_content::{ChunkIndex, ContentId, Hash};

pub use self::presence::Presence;
pub use self::record::{StoreEnd, StoreRecord};
pub use self::signing::SignedWords;
use crate::query::{PeerAddresses, QueryErrorCode};

/// The protocol's id.
pub const PROTOCOL: &str = "/shoal/store/1";
/// The longest request, in bytes: 64 KiB.
pub const MAX_REQUEST: usize = 64 << 10;
/// The longest response, in bytes: 256 KiB.
pub const MAX_RESPONSE: usize = 256 << 10;
/// The most peers in one list.
pub const MAX_LISTED: usize = 16;
/// The most records in one answer.
pub const MAX_RECORDS: usize = 16;
/// The most copies that an owner may ask for.
pub const MAX_COPIES: u8 = 16;

/// A question, or something to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreRequest {
    /// Tells of the sender and of some members, and asks for the same. Says too that both are there: it is the ping of the
    /// store. Answered by [`StoreResponse::Hello`].
    #[serde(rename = "hello")]
    Hello(StoreHello),
    /// Offers a content to be kept, or a newer record of it. Answered by [`StoreResponse::Offered`].
    #[serde(rename = "offer")]
    Offer {
        /// What its owner wants.
        record: StoreRecord,
        /// Who has it, and where; at most 16.
        holders: Vec<PeerAddresses>,
    },
    /// Tells what the sender has of a content, and asks the same and who else has it. Answered by
    /// [`StoreResponse::Status`].
    #[serde(rename = "status")]
    Status {
        /// What the sender has of it.
        state: CopyState,
        /// Which content.
        content: ContentId,
    },
    /// Asks for SHA-256 over a nonce and the bytes of a chunk, which only who has the chunk can know. Answered by
    /// [`StoreResponse::Proof`].
    #[serde(rename = "check")]
    Check {
        /// Which chunk.
        chunk: ChunkIndex,
        /// What nobody knew before; comes before the bytes of the chunk.
        nonce: Hash,
        /// Of which content.
        content: ContentId,
    },
    /// Ends what an owner asked for. Answered by [`StoreResponse::Ok`].
    #[serde(rename = "end")]
    End(StoreEnd),
    /// The sender goes now, and what it had is elsewhere. Answered by [`StoreResponse::Ok`].
    #[serde(rename = "bye")]
    Bye {},
    /// Asks for contents that are kept under a name. Answered by [`StoreResponse::Found`].
    #[serde(rename = "find")]
    Find {
        /// The whole name.
        name: String,
    },
}

impl StoreRequest {
    /// Which content it is about, if it is about one.
    pub fn content(&self) -> Option<ContentId> {
        match self {
            Self::Offer { record, .. } => Some(record.content),
            Self::Status { content, .. } | Self::Check { content, .. } => Some(*content),
            Self::End(end) => Some(end.content),
            Self::Hello(_) | Self::Bye {} | Self::Find { .. } => None,
        }
    }

    /// The name of its kind on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Offer { .. } => "offer",
            Self::Status { .. } => "status",
            Self::Check { .. } => "check",
            Self::End(_) => "end",
            Self::Bye {} => "bye",
            Self::Find { .. } => "find",
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreResponse {
    /// Done.
    #[serde(rename = "ok")]
    Ok {},
    /// To [`StoreRequest::Hello`].
    #[serde(rename = "hello")]
    Hello(StoreHello),
    /// To [`StoreRequest::Offer`].
    #[serde(rename = "offered")]
    Offered {
        /// The owner has ended it: here is what it signed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<StoreEnd>,
        /// Why it was not taken; none: it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<StoreRefusal>,
        /// What the answering node has of it now.
        state: CopyState,
    },
    /// To [`StoreRequest::Status`].
    #[serde(rename = "status")]
    Status {
        /// What the answering node has of it.
        state: CopyState,
        /// Who else has it, as far as it knows; at most 16.
        holders: Vec<PeerAddresses>,
        /// The members nearest to the content that it knows; at most 16.
        nearest: Vec<PeerAddresses>,
        /// What owners want, if the node has the content; at most 8.
        records: Vec<StoreRecord>,
    },
    /// To [`StoreRequest::Check`].
    #[serde(rename = "proof")]
    Proof {
        /// SHA-256 over the nonce and the bytes of the chunk.
        hash: Hash,
    },
    /// To [`StoreRequest::Find`].
    #[serde(rename = "found")]
    Found {
        /// At most 16.
        records: Vec<StoreRecord>,
    },
    /// To any request.
    #[serde(rename = "error")]
    Error {
        /// Why.
        code: QueryErrorCode,
    },
}

/// What a node says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreHello {
    /// Bytes that it would take more.
    pub free: u64,
    /// In an answer: another program with the key of the asker was here after the asker. It is what that one signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rival: Option<Presence>,
    /// Some other members; at most 16.
    pub members: Vec<PeerAddresses>,
    /// Whether it keeps contents for others, and takes more.
    pub willing: bool,
    /// Which process this is.
    pub presence: Presence,
}

/// What a node has of a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyState {
    /// Nothing that it keeps for others.
    None,
    /// It is fetching it.
    Fetching,
    /// All of it, verified.
    Held,
    /// All of it, but the node is about to go.
    Leaving,
    /// Its owner has ended it.
    Ended,
}

/// Why a node does not take a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreRefusal {
    /// It offers no space, or too little is left, or it keeps as many contents as it may.
    Full,
    /// It is about to go.
    Leaving,
    /// The record has expired, or its signature is wrong.
    Invalid,
    /// Its owner has ended it.
    Ended,
}
