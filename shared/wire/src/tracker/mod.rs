//! `/shoal/tracker/1`: what a swarm needs of its tracker beyond rendezvous.
//!
//! **Participants.** A peer asks, a tracker answers. The peer opens a stream, sends one request frame, and
//! reads one response frame; then the stream is done.
//!
//! **Goals.** Tell how large a swarm is, take reports of dead peers, find contents by name, hold small
//! payloads for a while, list registered peers, tell the tracker's own counters.
//!
//! **Not goals.** Registering and discovering: that is `/rendezvous/1.0.0`. Authentication: the connection
//! has proven the peer's id already. Truth: names, sizes and roles are what peers say; only a payload can be
//! checked, against its id.
//!
//! A tracker answers every well-formed request, with [`TrackerResponse::Error`] if it must, also one of a kind that it does not
//! know. A malformed or oversized one ends the stream.

mod check;
mod stats;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod vectors;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pub use self::stats::{Current, RefusalCounts, RegistryCounts, RequestCounts, Stats};
use super::query::PeerAddresses;
use shoal_content::{ContentId, Hash};

/// The protocol's id.
pub const PROTOCOL: &str = "/shoal/tracker/1";
/// The longest request, in bytes: 128 KiB. A full list of entries fits, and a payload.
pub const MAX_REQUEST: usize = 128 << 10;
/// The longest response, in bytes: 1 MiB.
pub const MAX_RESPONSE: usize = 1 << 20;
/// The longest payload, in bytes: 64 KiB.
pub const MAX_PAYLOAD: usize = 64 << 10;
/// The most entries in one [`TrackerRequest::Publish`], and contents in one [`TrackerRequest::Withdraw`].
pub const MAX_ENTRIES: usize = 256;
/// The most contents in one [`TrackerResponse::Found`].
pub const MAX_FOUND: usize = 50;
/// The most publishers that are named of one content.
pub const MAX_NAMED: usize = 8;
/// The most peers in one [`TrackerResponse::Peers`].
pub const MAX_LISTED: usize = 100;
/// The longest text to look for, in bytes.
pub const MAX_TEXT: usize = 255;
/// The longest cursor, in bytes.
pub const MAX_CURSOR: usize = 1280;

/// A question to a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackerRequest {
    /// Asks how many peers are in the swarm of a content. Answered by [`TrackerResponse::Swarm`].
    Swarm {
        /// Which content.
        content: ContentId,
    },
    /// Tells the sender's role in the swarm of a content, in which it is registered. Answered by
    /// [`TrackerResponse::Ok`].
    Role {
        /// The sender's role.
        role: Role,
        /// The content of the swarm.
        content: ContentId,
    },
    /// Reports a peer that the sender could not reach. Answered by [`TrackerResponse::Reported`].
    Report {
        /// The bytes of its peer id (a multihash).
        #[serde(with = "serde_bytes")]
        peer: Vec<u8>,
    },
    /// Publishes contents that the sender shares, or renews them. The sender must be registered in the
    /// swarm of each content. Adds to what it published before; another name of the same content replaces
    /// the one before. All or nothing. Answered by [`TrackerResponse::Published`].
    Publish {
        /// What; 1 to 256.
        entries: Vec<IndexEntry>,
    },
    /// Withdraws contents that the sender published. Answered by [`TrackerResponse::Ok`].
    Withdraw {
        /// Which contents; 1 to 256.
        contents: Vec<ContentId>,
    },
    /// Asks for contents by name. Answered by [`TrackerResponse::Found`].
    Find {
        /// How `text` is compared.
        mode: Mode,
        /// What to look for, at most 255 bytes; case and Unicode form do not count. Every name begins with
        /// the empty text.
        text: String,
        /// To go on behind an earlier answer: its `next`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ByteBuf>,
        /// The most contents that are wanted; 0 stands for as many as fit.
        limit: u32,
    },
    /// Keeps some bytes for others to get. Answered by [`TrackerResponse::Stored`].
    Put {
        /// The payload, 1 byte to 64 KiB.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Asks for a payload. Answered by [`TrackerResponse::Payload`].
    Get {
        /// Its SHA-256.
        id: Hash,
    },
    /// Asks for registered peers. Answered by [`TrackerResponse::Peers`].
    Peers {
        /// Where to start. None: the answer has all peers if they fit, else a random sample. Empty: it has the first peers
        /// in the order of their ids. The `next` of an earlier answer: it has the peers behind that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<ByteBuf>,
        /// The most peers that are wanted; 0 stands for as many as fit.
        limit: u32,
    },
    /// Asks for the tracker's counters. Answered by [`TrackerResponse::Stats`].
    Stats {},
}

/// What a peer is in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Has everything.
    Seed,
    /// Is still fetching.
    Downloader,
}

/// How a name is compared with the text that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The name begins with it.
    Prefix,
    /// The name contains it.
    Substring,
}

/// A content as a peer publishes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// Its name, as in the manifest: one component of a [`SafePath`](shoal_content::SafePath).
    pub name: String,
    /// Bytes of all files.
    pub size: u64,
    /// Entries in the manifest.
    pub files: u32,
    /// Which content.
    pub content: ContentId,
}

/// An answer of a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackerResponse {
    /// Done.
    Ok {},
    /// To [`TrackerRequest::Swarm`].
    Swarm {
        /// Registered peers that said that they have everything.
        seeds: u64,
        /// Those that did not say.
        unknown: u64,
        /// Those that said that they are fetching.
        downloaders: u64,
    },
    /// To [`TrackerRequest::Report`].
    Reported {
        /// What comes of it.
        verdict: Verdict,
    },
    /// To [`TrackerRequest::Publish`].
    Published {
        /// How long it is kept, in seconds, if it is not said again.
        ttl: u64,
    },
    /// To [`TrackerRequest::Find`].
    Found {
        /// To go on behind this answer; none if this is the end. An answer may be short, even empty, and not
        /// be the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<ByteBuf>,
        /// At most 50, in the order of their folded names.
        contents: Vec<Match>,
    },
    /// To [`TrackerRequest::Put`].
    Stored {
        /// The payload's SHA-256.
        id: Hash,
        /// How long it is kept, in seconds, if it is not put again.
        ttl: u64,
    },
    /// To [`TrackerRequest::Get`].
    Payload {
        /// What was put.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// To [`TrackerRequest::Peers`].
    Peers {
        /// To go on behind this answer; none at the end, and after a sample.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<ByteBuf>,
        /// At most 100, each once.
        peers: Vec<PeerAddresses>,
        /// How many are registered.
        total: u64,
    },
    /// To [`TrackerRequest::Stats`].
    Stats {
        /// All of it.
        stats: Box<Stats>,
    },
    /// To any request.
    Error {
        /// Why.
        code: TrackerErrorCode,
    },
}

/// What comes of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The tracker probes the peer, and forgets it if it does not answer.
    Probing,
    /// Nothing: the reporter reports too much, the peer has just been probed, or there is no room for a probe.
    Limited,
    /// Nothing: no such peer is registered.
    Unknown,
}

/// A content that was found. Peers that tell different names or sizes of one content make several of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// What its publishers say of it.
    pub entry: IndexEntry,
    /// The bytes of the peer ids of some of them, at most 8.
    pub peers: Vec<ByteBuf>,
    /// How many they are; in a large swarm this may count some that have just left.
    pub publishers: u32,
}

/// Why a request could not be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackerErrorCode {
    /// The tracker has too much to do; ask later.
    Busy,
    /// The sender, or its network, asks too often; ask later.
    Limited,
    /// A quota is used up: the sender's, its network's, or the tracker's.
    Quota,
    /// The tracker takes no payload as long as this.
    TooLarge,
    /// No such payload.
    NotFound,
    /// The sender is not registered in the swarm that the request is about.
    NotRegistered,
    /// The request makes no sense to the tracker, such as a cursor that is none.
    BadRequest,
    /// The tracker does not know this kind of request.
    Unsupported,
}
