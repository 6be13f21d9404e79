//! Files on their way into the library.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ImportStateInfo {
    /// It waits for others.
    Queued,
    /// Files are read and hashed.
    Hashing {
        /// Bytes read so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// It is shared now.
    Done {
        /// As which content.
        content: String,
        /// Its ticket; none if the content is not in the library any more.
        ticket: Option<String>,
        /// What was left out, as far as it is listed; in words.
        skipped: Vec<String>,
    },
    /// It has failed.
    Failed {
        /// In words.
        why: String,
    },
}

/// Files that are hashed, or were, in order to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportInfo {
    /// Names it, for as long as the node runs.
    pub id: u64,
    /// What is shared.
    #[schema(value_type = Vec<String>)]
    pub paths: Vec<PathBuf>,
    /// How far it is.
    #[serde(flatten)]
    pub state: ImportStateInfo,
}
