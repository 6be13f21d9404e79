//! Messages of the API. Sizes are in bytes, rates in bytes per second, times in seconds unless a name says otherwise.
//!
//! What other peers say is data: nothing in it is escaped, and whoever shows it escapes it.

mod content;
mod event;
mod import;
mod node;
mod peer;
mod request;
mod store;
mod topology;
mod tracker;
mod why;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use content::*;
pub use event::*;
pub use import::*;
pub use node::*;
pub use peer::*;
pub use request::*;
pub use store::*;
pub use topology::*;
pub use tracker::*;
pub use why::*;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; none: this is the last one.
    pub next: Option<String>,
}

/// Why a request was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What kind: `unauthorized`, `forbidden`, `not_found`, `conflict`, `invalid`, `busy`, `no_peers`, `failed`.
    pub kind: String,
    /// What failed, on what; in words.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Ids of the contents that were named alike, if that is why; at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}
