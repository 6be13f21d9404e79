//! Why a download cannot start, go on or finish. What to do about it, the caller knows.

use std::io;
use std::path::PathBuf;

use shoal_content::{ChunkIndex, ContentId};
use shoal_printable::Printable;

use crate::{ImportError, show};

/// How many differing entries an error names.
pub(super) const MAX_NAMED: usize = 5;

/// Why a download cannot start or finish.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Something with this name is there and differs. With force it would be replaced.
    #[error("'{}' exists and differs in {count} place(s): {}", show(path), list(differing, *count))]
    Exists {
        /// The file or folder.
        path: PathBuf,
        /// The first entries that differ; at most 5, as the manifest writes them. Small files that share
        /// a chunk are all named when it is not known which of them differs.
        differing: Vec<String>,
        /// How many differ.
        count: usize,
    },
    /// Something stands where a file or folder should be that not even force removes.
    #[error("'{}' is in the way: it is {what}", show(path))]
    InTheWay {
        /// What stands there.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// Something has the name of this download's part or journal and does not belong to it. Not even force
    /// removes it.
    #[error("'{}' is in the way: {}", show(path), owner(content))]
    NotOurs {
        /// The part, or the journal.
        path: PathBuf,
        /// The content it belongs to, if there is a journal that says so.
        content: Option<ContentId>,
    },
    /// Another process works on this download.
    #[error("another shoal is downloading to '{}' right now", show(path))]
    Busy {
        /// The part.
        path: PathBuf,
    },
    /// Chunks were to be taken from here, and it cannot be read.
    #[error("nothing can be taken from '{}': {source}", show(path))]
    Reuse {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        source: ImportError,
    },
    /// The caller asked to stop while it was being opened. What was verified by then is kept.
    #[error("cancelled")]
    Cancelled,
    /// `finish` was called too early.
    #[error("not finished: {missing} chunk(s) are still missing")]
    Incomplete {
        /// How many wanted chunks are missing.
        missing: usize,
    },
    /// Something could not be created, written, moved or removed: disk full, read-only, not permitted.
    #[error("cannot write '{}': {source}", show(path))]
    Blocked {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that is there could not be read.
    #[error("cannot read '{}': {source}", show(path))]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl TargetError {
    /// Whether the disk may take later what it does not take now: it is full, over a quota, or read-only. Nothing is lost
    /// by waiting, and the same call may succeed then.
    pub fn may_pass(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        let Self::Blocked { source, .. } = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
    }
}

/// Why a chunk was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The bytes are not those of the chunk (or there is no such chunk): the sender is at fault.
    #[error("the bytes are not those of chunk {0}")]
    Corrupt(ChunkIndex),
    /// The disk is full or read-only, or something else keeps the bytes from being stored. Nothing is
    /// lost; the same call may succeed later.
    #[error("cannot write '{}': {source}", show(path))]
    Blocked {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn list(differing: &[String], count: usize) -> String {
    let shown: Vec<_> = differing.iter().map(|p| format!("'{}'", Printable(p))).collect();
    let more = if count > differing.len() { ", …" } else { "" };
    shown.join(", ") + more
}

fn owner(content: &Option<ContentId>) -> String {
    match content {
        Some(id) => format!("it belongs to the unfinished download of another content ({id})"),
        None => {
            "it has the name of this download's unfinished part, and this download did not make it".into()
        }
    }
}
