//! The store: contents that nodes keep for each other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The store, as the node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreInfo {
    /// Bytes that the node gives to contents of others.
    pub donated: u64,
    /// Bytes of them that are used.
    pub used: u64,
    /// Members of the store that are known to be there.
    pub members: usize,
    /// Those of them that keep contents for others.
    pub willing: usize,
    /// What is kept here for others, kept by others for this node, or both; by id.
    pub contents: Vec<StoredInfo>,
}

/// A content of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredInfo {
    /// Its id.
    pub content: String,
    /// Its name, in its owner's words.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// How many nodes shall keep it.
    pub copies: u8,
    /// Until when, in seconds since 1970.
    pub expires: u64,
    /// What the node keeps of it: `none`, `fetching`, `held`, `leaving`.
    pub state: String,
    /// Whether this node wants it to be kept.
    pub owned: bool,
    /// Peers that want it to be kept.
    pub owners: Vec<String>,
    /// Other nodes that keep it, the nearest first.
    pub holders: Vec<String>,
    /// How many of them have proven that to this node.
    pub proven: usize,
}

/// What others shall keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreOrder {
    /// A content of the library: its id, the beginning of it, or its name.
    pub content: String,
    /// How many nodes shall keep it: 1 to 16.
    pub copies: u8,
    /// For how many seconds from now on.
    pub keep_for: u64,
}

/// A content that the store has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreFoundInfo {
    /// Its id.
    pub content: String,
    /// Its name, in its owner's words.
    pub name: String,
    /// Bytes, as its owner says.
    pub size: u64,
    /// Peers that say that they have all of it.
    pub holders: Vec<StoreHolderInfo>,
}

/// A peer that keeps a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreHolderInfo {
    /// Its id.
    pub peer: String,
    /// Where it is said to be, each ending in its id; none for this node.
    pub addresses: Vec<String>,
}
