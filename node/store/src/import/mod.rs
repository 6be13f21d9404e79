//! Sharing in place: a manifest is made of files where they lie; nothing is copied.
//!
//! Five steps: find out what the paths mean (`roots`), list what is there (`walk`), take over what a
//! cache still knows (`cache`), read and cut the rest (`cut`) while worker threads hash (`pool`), and
//! build the manifest. The result, a [`Source`], reads chunks from the files themselves.
//!
//! What always holds: a file that changes while it is read makes the import fail; what the cache says
//! counts only for files whose size, times, inode and device are what they were; memory stays below
//! 48 MiB plus the tables of files and chunks.

mod cache;
mod cut;
mod pool;
mod reader;
mod roots;
mod run;
mod saved;
mod skipped;
mod source;
#[cfg(test)]
mod tests;
mod walk;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use shoal_content::{Chunker, ManifestError, PathError};
use shoal_printable::Printable;

pub use cache::default_cache_dir;
pub use saved::{ReopenError, SavedSource};
pub use skipped::{SkipReason, Skipped, SkippedList};
pub use source::Source;

use super::show;
use super::stamp::Clock;

/// What to share, and how.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// One file, one folder, or several of either; at least one. A link given here is followed, a link
    /// found inside of a folder never is.
    pub paths: Vec<PathBuf>,
    /// The name to share under; otherwise that of the one path, or of the folder that holds them all.
    pub name: Option<String>,
    /// How to cut; otherwise [`Chunker::for_size`] of all files.
    pub chunker: Option<Chunker>,
    /// The folder of the hash cache; none: nothing is remembered. See [`default_cache_dir`].
    pub cache: Option<PathBuf>,
    /// Leave out files and folders whose names cannot be shared, instead of refusing everything.
    pub skip_unsafe: bool,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportProgress {
    /// Files in all.
    pub files: u64,
    /// Bytes read, skipped as holes, or known from the cache.
    pub bytes_done: u64,
    /// Bytes in all.
    pub bytes_total: u64,
}

/// What an import made.
#[derive(Debug)]
pub struct Imported {
    /// Serves the content from where it lies.
    pub source: Source,
    /// What was left out.
    pub skipped: SkippedList,
    /// Whether the cache knew everything, so that no file was read.
    pub from_cache: bool,
}

/// Why an import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No path was given.
    #[error("nothing to share")]
    Nothing,
    /// A path that does not exist.
    #[error("'{}' does not exist", show(.0))]
    NotFound(PathBuf),
    /// A path to something that is neither a file nor a folder.
    #[error("'{}' is neither a file nor a folder, and nothing else can be shared", show(.0))]
    NotShareable(PathBuf),
    /// A path that was given, whose name is not UTF-8.
    #[error("the name of '{}' is not UTF-8", show(.0))]
    NotUtf8(PathBuf),
    /// Names that cannot be created safely everywhere: all that there are.
    #[error("{count} cannot be shared for their names: {0}", count = .0.count)]
    UnsafeNames(SkippedList),
    /// The name that was asked for, or that follows from the paths, is not a safe one.
    #[error("'{}' cannot be the name of a shared content: {why}", Printable(name))]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: PathError,
    },
    /// Several paths that do not lie in one folder, so that no name follows from them.
    #[error("the paths do not lie in one folder, so that no name follows from them")]
    NameNeeded,
    /// Two of several paths have the same last component.
    #[error("'{}' and '{}' have the same name", show(.0), show(.1))]
    SameName(PathBuf, PathBuf),
    /// A file was written to, replaced or removed in the meantime.
    #[error("'{}' changed while it was being read", show(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The chunker has impossible sizes, or there is more than a manifest can hold.
    #[error("cannot be shared: {0}")]
    Manifest(#[from] ManifestError),
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// Something could not be read.
    #[error("cannot read '{}': {source}", show(path))]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes a manifest of what lies at the paths. Blocks until everything has been read.
///
/// `progress` is called now and then, always from the calling thread; set `cancel` to stop early, which
/// takes effect within the reading of some MiB.
pub fn import(
    options: &ImportOptions,
    progress: &(dyn Fn(ImportProgress) + Sync),
    cancel: &AtomicBool,
) -> Result<Imported, ImportError> {
    run::import_at(options, progress, cancel, Clock::default())
}
