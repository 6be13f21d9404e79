//! Other peers: what this node knows of them, and what they say.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Says which peer is meant: by an id of a connected peer, or by an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerRef {
    /// A peer id, or a multiaddress with or without `/p2p/PEER` at its end.
    pub peer: String,
}
/// A peer that the node is connected to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NeighbourInfo {
    /// Its id.
    pub peer: String,
    /// The address at the other end of the connection.
    pub address: String,
    /// `tcp` or `quic`, with what secures it where that is known.
    pub transport: String,
    /// Whether it connected to this node.
    pub inbound: bool,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// The last round trip, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// What it says that it is.
    pub agent: Option<String>,
    /// Contents that it is a peer for.
    pub contents: Vec<String>,
    /// Verified bytes that came from it.
    pub received: u64,
    /// Bytes sent to it.
    pub sent: u64,
}

/// A round trip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PingInfo {
    /// Whom it went to, as asked.
    pub peer: String,
    /// How long it took, in milliseconds.
    pub millis: f64,
}

/// What a peer says that it has to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerLoadInfo {
    /// Chunks that it is sending.
    pub uploads: u64,
    /// Contents that it is fetching.
    pub downloads: u64,
    /// Bytes that others wait for.
    pub queued_bytes: u64,
    /// Requests that wait.
    pub queued_requests: u64,
    /// Bytes per second that it sent of late.
    pub rate_up: u64,
    /// Bytes per second that it received of late.
    pub rate_down: u64,
    /// Chunks that it may send at once at the moment.
    pub upload_slots: u64,
    /// Most bytes that it sends per second; none: no limit.
    pub limit_up: Option<u64>,
    /// Most bytes that it fetches per second; none: no limit.
    pub limit_down: Option<u64>,
}

/// Asks a peer what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskCountersBody {
    /// As in [`PeerRef`].
    pub peer: String,
    /// For this content alone.
    #[serde(default)]
    pub content: Option<String>,
}

/// What a peer says that it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerCountersInfo {
    /// How long it has been running; none where it is about one content.
    pub uptime: Option<u64>,
    /// Bytes of chunks sent.
    pub sent: u64,
    /// Verified bytes of chunks received.
    pub received: u64,
    /// Bytes that came and were there already.
    pub duplicate: u64,
    /// Chunks sent.
    pub chunks_sent: u64,
    /// Chunks received.
    pub chunks_received: u64,
    /// Chunks that did not match.
    pub chunks_corrupt: u64,
    /// Requests that it refused; none where it is about one content.
    pub requests_refused: Option<u64>,
    /// Connections that it has; none where it is about one content.
    pub connections: Option<u64>,
    /// Bytes that it sent to this node.
    pub sent_to_us: u64,
    /// Bytes that it received from this node.
    pub received_from_us: u64,
}

/// Asks a peer where a chunk is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskWhereBody {
    /// As in [`PeerRef`].
    pub peer: String,
    /// Which content: its id, or what names one in the library.
    pub content: String,
    /// Which chunk: its index counted from 0, or its SHA-256 as 64 hexadecimal digits.
    pub chunk: String,
}

/// Where a peer says that a chunk is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhereInfo {
    /// Whether that peer has it.
    pub has: bool,
    /// The chunk's index, counted from 0.
    pub chunk: u32,
    /// Others that have it; at most 50.
    pub peers: Vec<PeerPlaceInfo>,
}

/// A peer, and where it may be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerPlaceInfo {
    /// Its id.
    pub peer: String,
    /// Its addresses.
    pub addresses: Vec<String>,
}

/// Asks a peer for what it shares in public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskContentsBody {
    /// As in [`PeerRef`].
    pub peer: String,
    /// The `next` of the page before.
    #[serde(default)]
    pub after: Option<String>,
}

/// Asks peers for contents by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskFindBody {
    /// The peers, by address or id; at most 16.
    pub peers: Vec<String>,
    /// What the name contains; case does not count. Empty: every name.
    pub name: String,
    /// The name begins with it.
    #[serde(default)]
    pub prefix: bool,
    /// Ask peers that are at most so many connections away: 1 to 8; 4 if it is left out.
    #[serde(default)]
    pub hops: Option<u8>,
}

/// A content that a peer says that it shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerContentInfo {
    /// Its id.
    pub content: String,
    /// Its name, in the words of that peer.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Files and folders in it.
    pub files: u64,
    /// Its chunks.
    pub chunks: u64,
    /// How many of them that peer has.
    pub have: u64,
}
