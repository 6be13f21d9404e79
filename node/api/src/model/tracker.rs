//! Trackers, and what they know.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Names a tracker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrackerBody {
    /// Its multiaddress, with `/p2p/PEER` at its end.
    pub address: String,
}

/// Whether a tracker came to those that every content is registered at, or left them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackerInfo {
    /// Its address.
    pub address: String,
    /// `false`: it was so already.
    pub changed: bool,
}

/// A tracker that was of no use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrackerFailureInfo {
    /// Its address.
    pub tracker: String,
    /// Why, in words; they may hold words of the tracker.
    pub why: String,
}

/// Contents that trackers and peers know by a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindInfo {
    /// By name, then id; at most as many as was asked for.
    pub items: Vec<FoundInfo>,
    /// Trackers that gave no answer.
    pub failed: Vec<TrackerFailureInfo>,
    /// Neighbours that were asked.
    pub asked: usize,
    /// Of them, those that answered.
    pub answered: usize,
}

/// A content that peers publish at trackers, or that peers say they or others share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundInfo {
    /// Its name, in the words of those that publish it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Files and folders in it.
    pub files: u32,
    /// Its id.
    pub content: String,
    /// How many share it, by the tracker that knows most of them, or as many as peers name.
    pub publishers: u32,
    /// Some of them.
    pub peers: Vec<String>,
    /// Where some of them are said to be, to be given as peers to whoever fetches it.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Who says so: `trackers`, `peers` or both.
    #[serde(default)]
    pub told_by: Vec<String>,
}

/// A payload that trackers keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayloadInfo {
    /// Its id: the SHA-256 of its bytes.
    pub id: String,
    /// How long it is.
    pub bytes: usize,
    /// How long it is kept, by the tracker that keeps it longest.
    pub ttl: u64,
    /// Trackers that keep it.
    pub trackers: Vec<String>,
    /// Trackers that do not.
    pub failed: Vec<TrackerFailureInfo>,
}
