//! The node as a whole.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeInfo {
    /// Its peer id.
    pub peer: String,
    /// The program's version.
    pub version: String,
    /// Where peers can reach it.
    pub addresses: Vec<String>,
    /// How long it has been running.
    pub uptime: u64,
    /// Contents in the library.
    pub contents: usize,
    /// Peers it is connected to.
    pub connections: usize,
    /// Trackers that every content is registered at.
    pub trackers: Vec<String>,
    /// How peers are found without a tracker.
    #[serde(default)]
    pub without_tracker: TrackerlessInfo,
    /// Bandwidth limits.
    pub limits: LimitsInfo,
    /// Its data folder.
    #[schema(value_type = Option<String>)]
    pub data: Option<PathBuf>,
    /// Where it writes down what it does, if it does.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    pub activity_log: Option<PathBuf>,
}

/// How peers are found without a tracker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackerlessInfo {
    /// What the node is in the distributed hash table: `off`, `client`, `near server` (for peers on private networks) or
    /// `server`.
    pub dht: String,
    /// Peers of the table that are known.
    pub dht_peers: usize,
    /// Contents of this node that are announced there.
    pub own_records: usize,
    /// Records that are kept for others.
    pub other_records: usize,
    /// Neighbours on the local network that are known; none: they are not looked for.
    pub lan_peers: Option<usize>,
}

/// Bandwidth limits of the whole node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitsInfo {
    /// Most bytes of chunks sent per second; none: no limit.
    pub up: Option<u64>,
    /// Most bytes of chunks fetched per second.
    pub down: Option<u64>,
    /// Whether these are those of the schedule. Ignored in requests.
    #[serde(default)]
    pub scheduled: bool,
}

/// What the node counts since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountersInfo {
    /// How long it has been running.
    pub uptime: u64,
    /// Bytes of chunks sent.
    pub sent: u64,
    /// Verified bytes of chunks received.
    pub received: u64,
    /// Bytes of chunks that came twice.
    pub duplicate: u64,
    /// Chunks sent.
    pub chunks_sent: u64,
    /// Verified chunks received.
    pub chunks_received: u64,
    /// Chunks received that did not match their hash.
    pub chunks_corrupt: u64,
    /// Chunks that came twice.
    pub chunks_duplicate: u64,
    /// Requests for chunks that were refused.
    pub requests_refused: u64,
    /// Questions of peers that were answered.
    pub questions_answered: u64,
    /// Questions of peers that were refused.
    pub questions_refused: u64,
    /// Connections now.
    pub connections: u64,
    /// Connections since the start.
    pub connections_ever: u64,
    /// Bytes exchanged with each of some peers; those with the most.
    pub peers: Vec<PeerBytesInfo>,
}

/// Bytes of chunks exchanged with a peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PeerBytesInfo {
    /// Its id.
    pub peer: String,
    /// Verified bytes that came from it.
    pub received: u64,
    /// Bytes that came from it and were here already.
    pub duplicate: u64,
    /// Bytes sent to it.
    pub sent: u64,
}

/// What the node has to do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoadInfo {
    /// Chunks that are being sent.
    pub uploads: u64,
    /// Contents that are being fetched.
    pub downloads: u64,
    /// Bytes of chunks that peers asked for and wait for.
    pub queued_bytes: u64,
    /// Requests of peers that wait.
    pub queued_requests: u64,
    /// Bytes per second sent of late.
    pub rate_up: u64,
    /// Bytes per second received of late.
    pub rate_down: u64,
    /// Chunks that may be sent at once at the moment.
    pub upload_slots: u64,
    /// The limits that hold now.
    pub limits: LimitsInfo,
}
