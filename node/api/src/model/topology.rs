//! The map of a swarm, and the ring of neighbours.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PeerLoadInfo;

/// What map is to be drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MapBody {
    /// Ask too how much each peer has of this content: its id, or what names one in the library.
    #[serde(default)]
    pub content: Option<String>,
    /// Ask peers that are at most so many connections away: 0 to 16; 4 if it is left out.
    #[serde(default)]
    pub hops: Option<u8>,
    /// Begin at these peers, by address or id, and leave this node out; at most 16.
    #[serde(default)]
    pub peers: Vec<String>,
}

/// The map of a swarm. What other peers say is their claim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapInfo {
    /// By distance, then by id.
    pub nodes: Vec<MapNodeInfo>,
    /// Each connection once.
    pub links: Vec<MapLinkInfo>,
    /// The neighbours of this node on the ring of all peers.
    pub ring: Vec<RingInfo>,
    /// Whether there was more than is shown.
    pub cut: bool,
}

/// A peer on the map.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapNodeInfo {
    /// Its id.
    pub peer: String,
    /// Whether it is this node itself.
    pub own: bool,
    /// How many connections away it is.
    pub hops: u8,
    /// How long it took for the smallest answer, in milliseconds: about two round trips.
    pub answer_ms: Option<f64>,
    /// What it says that it has to do; none if it gave no answer.
    pub load: Option<PeerLoadInfo>,
    /// How many peers it says that it is connected to.
    pub connections: Option<u32>,
    /// Chunks that it says it has of the content that was asked about.
    pub have: Option<u32>,
    /// Chunks of that content, as it says.
    pub chunks: Option<u32>,
    /// Why it gave no answer; none if it did, or was not asked.
    pub why: Option<String>,
}

/// A connection between two peers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MapLinkInfo {
    /// One end, the smaller id.
    pub a: String,
    /// The other end.
    pub b: String,
    /// Whether this node sees it; it is one of its own then.
    pub seen: bool,
    /// Which ends say so: `a`, `b` or both.
    pub said_by: Vec<String>,
    /// The last round trip, in milliseconds, by the end that tells the smaller one.
    pub round_trip_ms: Option<f64>,
}

/// A neighbour on the ring of all peers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RingInfo {
    /// Its id.
    pub peer: String,
    /// `successor` or `predecessor`.
    pub side: String,
    /// 1 for the nearest.
    pub rank: usize,
    /// Whether it is connected; otherwise it is being sought.
    pub connected: bool,
    /// How long the last ping took, in milliseconds.
    pub round_trip_ms: Option<f64>,
    /// Pings since then that were not answered.
    pub lost: u32,
}
