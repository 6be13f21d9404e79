//! A download: verified chunks go to their places beneath one folder.
//!
//! During the download all files lie in a part. The part's journal says which chunks are there (`names` has the names
//! of both). When all chunks are there, [`Target::finish`] moves the part to the content's name. Files that are at the
//! final place already and match stay there, and count as fetched.
//!
//! What always holds: bytes count only after their SHA-256 matched in this run, and bytes from the network are written only then
//! (`take` says when others are). A journal record is written after the bytes it vouches for. The user's files are
//! replaced or removed only with `force`, and files that merely have the name of a part not even then. All file work
//! happens beneath the one folder that was named, without following any symbolic link there. The journal is locked, so
//! that two processes never work on the same part.

mod at_final;
mod discard;
mod error;
mod files;
mod finish;
mod in_place;
mod inherited;
mod journal;
mod layout;
mod merge;
mod modes;
mod names;
mod open;
mod piece;
mod reuse;
mod runs;
mod state;
mod sync;
mod take;
#[cfg(test)]
mod tests;
mod write;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Hash, Manifest};

pub use self::error::{TargetError, WriteError};
use self::files::TargetFiles;
use self::layout::Plan;
pub use self::reuse::Reuse;
use self::state::State;
use super::serve::{Served, lock};
use super::watch::Watch;
use super::{ChunkStore, ReadError, ScanProgress, Selection};

/// [`Target::should_sync`] says so after this many bytes.
const SYNC_AFTER: u64 = 32 << 20;

/// Where and what to download.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// The folder that gets `NAME`; made if it is not there. It may itself be a symbolic link.
    pub dir: PathBuf,
    /// Replace wanted files that are there and differ: at the end, and until then chunks are taken from them.
    pub force: bool,
    /// Which entries are wanted.
    pub selection: Selection,
    /// Where chunks may be taken from instead of fetching them.
    pub reuse: Reuse,
}

/// What was found when a download was opened; in bytes over the network, so that a chunk that occurs
/// several times counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Bytes of all wanted chunks.
    pub wanted_bytes: u64,
    /// Bytes of wanted chunks that were there already, in the part or at the final place.
    pub found_bytes: u64,
    /// Bytes of wanted chunks that were taken from elsewhere on this machine.
    pub reused_bytes: u64,
    /// Chunks that the journal promised and the disk did not hold; they are fetched again.
    pub damaged_chunks: u32,
}

/// What [`Target::finish`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The file or folder that now is complete.
    pub path: PathBuf,
    /// Whether all that was wanted had been there when the download was opened.
    pub already_there: bool,
}

/// A download. See [`TargetOptions`] for where it goes.
///
/// Chunks may be written and read from several threads at once. Dropping a target without
/// [`finish`](Self::finish) keeps what was written, as killing the process does.
#[derive(Debug)]
pub struct Target {
    served: Served<TargetFiles>,
    plan: Plan,
    force: bool,
    journal_name: String,
    journal_path: PathBuf,
    /// Files at the final place whose permissions are to be changed.
    modes: Vec<FileIndex>,
    /// Whether nothing was missing from the start.
    already: bool,
    report: Mutex<OpenReport>,
    /// Set once all is at the final place; held for reading while chunks are read or written.
    phase: RwLock<Option<Placed>>,
    progress: Mutex<State>,
    /// Held while things are made durable or put in their place: a sync that is still under way
    /// must not be overtaken by the rename that relies on it, nor make files in a part that has moved.
    durable: Mutex<()>,
    /// Bytes written since the last sync.
    unsynced: AtomicU64,
}

impl Target {
    /// Opens a download: makes the folder, compares what is there already at the final place, takes over
    /// a part of this very content, or starts a new one.
    ///
    /// Chunks of a part are hashed, whatever its journal says; those that do not match are fetched again. A chunk with
    /// bytes of files that are not wanted is known again by a hash of the rest, as long as the selection is the same.
    ///
    /// Then it takes what it can from the places that may be reused, and with force from the files that will be
    /// replaced, each chunk verified.
    ///
    /// What lies on the disk is hashed on all cores. `progress` is called now and then, from several threads at once;
    /// set `cancel` to stop early, which takes effect within a chunk.
    pub fn open(
        manifest: Arc<Manifest>,
        options: TargetOptions,
        progress: &(dyn Fn(ScanProgress) + Sync),
        cancel: &AtomicBool,
    ) -> Result<Self, TargetError> {
        open::open_at(manifest, options, &Watch::new(progress, cancel))
    }

    /// The chunks to fetch in all: of each group of equal chunks that the selection needs, the first.
    /// Chunks that are there already are among them.
    pub fn wanted(&self) -> ChunkSet {
        self.plan.wanted.clone()
    }

    /// Of the [`wanted`](Self::wanted) chunks, those that need not be fetched any more. Some may not be
    /// servable, because they also have bytes of files that are not wanted.
    pub fn stored(&self) -> ChunkSet {
        lock(&self.progress).done.clone()
    }

    /// Writes a chunk to all places that need it, after checking its SHA-256, and then records it.
    /// Returns all chunks that can be served only since then. A chunk that is there already, or that
    /// nobody needs, is no error. Blocks while the disk does.
    pub fn write(&self, chunk: ChunkIndex, bytes: &[u8]) -> Result<Vec<ChunkIndex>, WriteError> {
        self.write_hashed(chunk, bytes, Hash::of(bytes))
    }

    /// [Writes](Self::write) several chunks, one after another; what becomes of each, in their order. Their hashes take
    /// less time together.
    pub fn write_each(&self, chunks: &[(ChunkIndex, &[u8])]) -> Vec<Result<Vec<ChunkIndex>, WriteError>> {
        let bytes: Vec<&[u8]> = chunks.iter().map(|(_, bytes)| *bytes).collect();
        let hashed = chunks.iter().zip(Hash::of_each(&bytes));
        hashed.map(|((chunk, bytes), hash)| self.write_hashed(*chunk, bytes, hash)).collect()
    }

    /// Makes sure that everything written so far survives a loss of power. To be called every few
    /// seconds, and when [`should_sync`](Self::should_sync) says so.
    pub fn sync(&self) -> io::Result<()> {
        let _one = lock(&self.durable);
        if self.phase.read().unwrap_or_else(PoisonError::into_inner).is_some() {
            return Ok(());
        }
        self.sync_all()
    }

    /// Whether 32 MiB or more have been written since the last sync. So little, because what is not yet on the disk
    /// when the last chunk comes is what the end has to wait for.
    pub fn should_sync(&self) -> bool {
        self.unsynced.load(Ordering::Relaxed) >= SYNC_AFTER
    }

    /// Whether no wanted chunk is missing, so that [`finish`](Self::finish) can be called.
    pub fn is_complete(&self) -> bool {
        self.plan.wanted.is_subset(&lock(&self.progress).done)
    }

    /// Moves everything to the final place, once no chunk is missing. From then on chunks are read from
    /// there, and hashed before they are served for the first time or after a change. After an error it
    /// can be called again. A second call does nothing.
    pub fn finish(&self) -> Result<Placed, TargetError> {
        self.place_all()
    }

    /// The file or folder that this becomes.
    pub fn path(&self) -> PathBuf {
        self.served.files().last.root()
    }

    /// What was found when it was opened.
    pub fn report(&self) -> OpenReport {
        *lock(&self.report)
    }
}

impl ChunkStore for Target {
    fn manifest(&self) -> &Arc<Manifest> {
        self.served.manifest()
    }

    fn have(&self) -> ChunkSet {
        self.served.have()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.served.has(chunk)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        // While this is held, nothing is moved.
        let _phase = self.phase.read().unwrap_or_else(PoisonError::into_inner);
        self.served.read(chunk, buf)
    }

    fn read_cached(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> bool {
        // While files are moved, it does not wait for that.
        let Ok(_phase) = self.phase.try_read() else { return false };
        self.served.read_cached(chunk, buf)
    }

    fn doubt(&self, chunk: ChunkIndex) {
        self.served.doubt(chunk);
    }

    fn open_file(&self, file: FileIndex) -> io::Result<Arc<File>> {
        let _phase = self.phase.read().unwrap_or_else(PoisonError::into_inner);
        self.served.open_file(file)
    }
}
