//! Bytes on disk: what is shared, what is being fetched, and whether either is still what it should be.
//!
//! - [`import`](import()): makes a [`Manifest`] of files where they lie, and serves them from there ([`Source`]).
//! - [`Target`]: a download. Verified chunks go to their places beneath one folder; a journal remembers
//!   which, so that a restart fetches little again.
//! - [`Holdings`]: finds chunks by their hash in all contents at hand.
//! - [`verify()`]: compares a folder or file with a manifest.
//!
//! What this is not: it decides nothing about peers and opens no socket. It is plain blocking code, to be
//! called from threads that may block; every type here is `Send + Sync`.
//!
//! What always holds: no call returns bytes that do not have their chunk's SHA-256, as far as a disk and
//! its time stamps can be trusted; nothing is created, changed or removed outside of a download's target
//! folder (and the cache folder); no symbolic link beneath it is followed; memory does not grow with the
//! length of a file.
//!
//! Unix only: it relies on positioned reads, inode numbers and change times.

mod check;
mod compare;
mod holdings;
mod holes;
mod import;
mod lru;
mod mode;
mod open_files;
mod page_cache;
mod parallel;
mod recorded;
mod selection;
mod serve;
mod stamp;
mod target;
#[cfg(test)]
mod testing;
mod tree;
mod verify;
mod watch;

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest};
use shoal_printable::printable_bytes;

pub use holdings::{HeldChunk, HoldingGuard, Holdings};
pub use import::{
    ImportError, ImportOptions, ImportProgress, Imported, ReopenError, SavedSource, SkipReason, Skipped,
    SkippedList, Source, default_cache_dir, import,
};
pub use open_files::is_too_many_open;
pub use selection::Selection;
pub use target::{OpenReport, Placed, Reuse, Target, TargetError, TargetOptions, WriteError};
pub use verify::{EntryState, MAX_EXTRA, VerifyError, VerifyReport, verify};
pub use watch::ScanProgress;

/// Reads verified chunks for serving.
pub trait ChunkStore: Send + Sync {
    /// The manifest whose chunks these are.
    fn manifest(&self) -> &Arc<Manifest>;

    /// The chunks that can be served now, in full. Its length is the number of chunks.
    fn have(&self) -> ChunkSet;

    /// Whether one chunk can be served now, in full. False for a chunk that does not exist.
    fn has(&self, chunk: ChunkIndex) -> bool;

    /// Reads a chunk: `buf` is cleared and then holds exactly its bytes. After an error `buf` holds
    /// nothing of use.
    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError>;

    /// Reads a chunk, as [`read`](Self::read) does, if that waits for no disk: the system has its bytes in memory, and they
    /// need not be hashed. `false`: that is not so, or nobody can tell. Then `buf` holds nothing of use. Stores that never can
    /// tell need not implement it.
    fn read_cached(&self, _chunk: ChunkIndex, _buf: &mut Vec<u8>) -> bool {
        false
    }

    /// A chunk's bytes may not be what they were although nothing shows that: the next read hashes them, whatever the
    /// stamps of its files say. Nothing happens for a chunk that is not here. Stores that trust no stamps need not
    /// implement it.
    fn doubt(&self, _chunk: ChunkIndex) {}

    /// Opens the file in which an entry's bytes lie, so that the system can copy from it. What it holds is to be hashed:
    /// it may have changed. Stores that have no such files say [`io::ErrorKind::Unsupported`].
    fn open_file(&self, _file: FileIndex) -> io::Result<Arc<File>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Why a chunk could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The chunk is not among those that can be served (any more).
    #[error("chunk {0} is not here")]
    NotHere(ChunkIndex),
    /// The file changed, shrank or vanished after its chunks were computed. The chunk has been taken out
    /// of [`ChunkStore::have`], for good.
    #[error("'{}' {why}: it is no longer served; share it again to serve it as it is now", show(path))]
    Withdrawn {
        /// The file; where a chunk has several, the first that differs, or the first of them.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The file could not be read this time; the chunk is still among those that can be served.
    #[error("cannot read '{}': {source}", show(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A path for people: with everything escaped that a terminal could take for a command.
fn show(path: &Path) -> String {
    printable_bytes(path.as_os_str().as_bytes())
}
