//! `/shoal/chunks/1`: chunk bytes.
//!
//! **Participants.** A *downloader* opens the stream and keeps it open; a *provider* answers on it. Two
//! peers that download from each other use two streams, one each way. One stream serves any number of
//! contents.
//!
//! **Goals.** Many requests under way at once; bytes of chunks as they are, not wrapped; either side
//! can bound what it holds; news of stored chunks at the price of a few bytes; a provider that knows best
//! which chunk to hand out first may choose it (initial seeding).
//!
//! **Not goals.** Finding out which peer has which chunks ([`/shoal/query/1`](super::query)); ranges within a chunk.
//!
//! The downloader sends [`ChunkRequest`] frames. The provider answers each `get` that is not cancelled in time
//! once, in any order, with a [`ChunkReply`] frame; a `data` frame is followed by exactly `len` raw bytes, and only then comes the next
//! frame. A cancelled request may still be answered. A request of a kind that the provider does not know is refused, if it
//! has an `id`, and ignored else. The downloader checks the SHA-256 of every chunk
//! against the manifest; a chunk of another length or hash ends the connection.
//!
//! An `any` leaves the choice to the provider: it sends a chunk that, as far as it knows, nobody else has
//! and that it has given to nobody, or refuses with `none_fresh`. So a seed hands out each chunk about once
//! before it hands out any twice, however many peers ask (BitTorrent's "super-seeding", BEP 16, serves the same
//! end by hiding chunks).

use serde::{Deserialize, Serialize};

use super::frame::{FrameError, Message, RequestMessage};
use super::have::Have;
use shoal_content::{ChunkIndex, ContentId, MAX_CHUNK};

/// The protocol's id.
pub const PROTOCOL: &str = "/shoal/chunks/1";
/// The most requests that a provider keeps waiting per stream; further ones are refused as busy.
pub const MAX_WAITING: usize = 64;

/// From the downloader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChunkRequest {
    /// Asks for a chunk.
    #[serde(rename = "get")]
    Get {
        /// Chosen by the downloader; not used twice at once on a stream.
        id: u64,
        /// Place in the content's chunk table.
        chunk: ChunkIndex,
        /// Which content.
        content: ContentId,
    },
    /// Asks for a chunk that nobody else has; the provider chooses.
    #[serde(rename = "any")]
    Any {
        /// Chosen by the downloader; not used twice at once on a stream.
        id: u64,
        /// Which content.
        content: ContentId,
    },
    /// Takes a request back. If the answer has been begun it comes all the same.
    #[serde(rename = "cancel")]
    Cancel {
        /// The id of the request.
        id: u64,
    },
    /// Tells chunks that the downloader has got and serves. No answer. Says the same as
    /// [`query::QueryRequest::Have`](super::query::QueryRequest::Have), and costs less.
    #[serde(rename = "have")]
    Have {
        /// What is new.
        have: Have,
        /// Which content.
        content: ContentId,
    },
}

/// From the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChunkReply {
    /// The chunk's bytes follow this frame.
    #[serde(rename = "data")]
    Data {
        /// The id of the request.
        id: u64,
        /// How many bytes follow; 1 to 16 Mi.
        len: u32,
        /// Which chunk it is; the one that was asked for, or for an `any` the provider's choice.
        chunk: ChunkIndex,
        /// How many bytes are asked of the provider by everybody and not sent yet; a hint.
        queued: u64,
    },
    /// The chunk does not come.
    #[serde(rename = "refused")]
    Refused {
        /// The id of the request.
        id: u64,
        /// Why.
        why: ChunkRefusal,
    },
}

/// Why a chunk does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkRefusal {
    /// The provider does not have it (any more).
    NotFound,
    /// The provider has too much to do; ask again after a while.
    Busy,
    /// The provider does not serve this downloader for now.
    Choked,
    /// To an `any`: every chunk has been given to somebody. Ask for a certain one.
    NoneFresh,
    /// The provider does not know this kind of request.
    Unsupported,
}

impl Message for ChunkRequest {
    const MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Have { have, .. } => have.check(),
            Self::Get { .. } | Self::Any { .. } | Self::Cancel { .. } => Ok(()),
        }
    }
}

impl RequestMessage for ChunkRequest {
    const KINDS: &'static [&'static str] = &["get", "any", "cancel", "have"];
}

impl Message for ChunkReply {
    const MAX: usize = 128;

    fn check(&self) -> Result<(), FrameError> {
        match self {
            Self::Data { len, .. } if !(1..=MAX_CHUNK).contains(len) => {
                Err(FrameError::Value("a chunk's length is out of bounds"))
            }
            _ => Ok(()),
        }
    }
}
