//! What is in the library, as it is now.

use std::path::PathBuf;
use std::time::SystemTime;

use shoal_content::ContentId;
use shoal_net::Progress;

/// Where a content of the library comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is shared from where it lies.
    Shared {
        /// The paths that were shared.
        paths: Vec<PathBuf>,
    },
    /// It is, or was, fetched.
    Fetched {
        /// The folder that gets it under its name.
        dir: PathBuf,
    },
}

/// Whether anything is done for a content of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemState {
    /// It is fetched or served.
    Running,
    /// It was paused by the user.
    Paused,
    /// Its goal is reached.
    Ended,
    /// Its files are not there: a disk may not be mounted yet. It goes on by itself once they are.
    Waiting {
        /// What is missing.
        path: PathBuf,
    },
    /// It has failed; in words.
    Failed(String),
}

/// A content of the library.
#[derive(Debug, Clone)]
pub struct Item {
    /// Which content.
    pub content: ContentId,
    /// Where it comes from.
    pub origin: Origin,
    /// Its name, once that is known.
    pub name: Option<String>,
    /// Bytes of the whole content; 0 until that is known.
    pub size: u64,
    /// Whether everything that is wanted of it is here.
    pub complete: bool,
    /// Whether peers that ask what is shared here are told of it.
    pub public: bool,
    /// When it was added.
    pub added: SystemTime,
    /// Whether anything is done for it.
    pub state: ItemState,
    /// How far it is, since it was started last.
    pub progress: Progress,
}

/// Names an import, for as long as the process lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub u64);

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportState {
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
        content: ContentId,
        /// Names that were left out, as far as they are listed; in words.
        skipped: Vec<String>,
    },
    /// It has failed; in words.
    Failed(String),
}

/// Files that are hashed, or were, in order to be shared.
#[derive(Debug, Clone)]
pub struct Import {
    /// Names it.
    pub id: ImportId,
    /// What is shared.
    pub paths: Vec<PathBuf>,
    /// How far it is.
    pub state: ImportState,
}
