//! A download: verified chunks go to their places beneath one folder.
//!
//! While it is under way, everything lies in `NAME.part`, and `NAME.part.journal` says which chunks are
//! there. When all are, [`Target::finish`] moves it to `NAME`. Files that already are at `NAME` and
//! match stay there and count as fetched.
//!
//! What always holds: bytes get in only after their SHA-256 matched; a position of a file in the part
//! holds either the right bytes or a hole; a journal record is written after the bytes it vouches for;
//! nothing that the user has is replaced or removed unless `force` says so; all file work happens beneath
//! the one folder that was named, without following any symbolic link there. The journal is locked, so
//! that two processes never work on the same part.

mod discard;
mod files;
mod finish;
mod journal;
mod layout;
mod open;
mod state;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fixedbitset::FixedBitSet;
use shoal_content::{ChunkIndex, ChunkSet, ContentId, Manifest};
use shoal_printable::Printable;

use self::files::TargetFiles;
use self::layout::Plan;
use self::state::State;
use super::serve::{Served, lock};
use super::{ChunkStore, ReadError, show};

/// [`Target::should_sync`] says so after this many bytes.
const SYNC_AFTER: u64 = 32 << 20;

/// Where and what to download.
#[derive(Debug, Clone)]
pub struct TargetOptions {
    /// The folder that gets `NAME`; made if it is not there. It may itself be a symbolic link.
    pub dir: PathBuf,
    /// Replace wanted files that are there and differ, and discard a part that belongs to something else.
    pub force: bool,
    /// Which entries are wanted.
    pub selection: Selection,
}

/// Which entries of a manifest are wanted.
#[derive(Debug, Clone, Default)]
pub enum Selection {
    /// All of them.
    #[default]
    All,
    /// Those whose bit is set; bits stand for the places in `Manifest::entries`, missing bits are 0.
    Entries(FixedBitSet),
}

/// What was found when a download was opened; in bytes over the network, so that a chunk that occurs
/// several times counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// Bytes of all wanted chunks.
    pub wanted_bytes: u64,
    /// Bytes of wanted chunks that were there already, in the part or at the final place.
    pub found_bytes: u64,
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

/// Why a download cannot start or finish.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Something with this name is there and differs.
    #[error("'{}' exists and differs in {count} place(s): {}; use --force to replace what differs, or -o for another folder", show(path), list(differing, *count))]
    Exists {
        /// The file or folder.
        path: PathBuf,
        /// The first entries that differ; at most 5, as the manifest writes them. Small files that share
        /// a chunk are all named when it is not known which of them differs.
        differing: Vec<String>,
        /// How many differ.
        count: usize,
    },
    /// Something of another kind stands where a file or folder should be; not even force removes it.
    #[error("'{}' is in the way: it is {what}. Move it away, or choose another folder with -o", show(path))]
    InTheWay {
        /// What stands there.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A part or journal of the same name that does not belong to this content.
    #[error(
        "'{}' {}: remove it, choose another folder with -o, or discard it with --force",
        show(path),
        owner(content)
    )]
    OtherDownload {
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

/// Why a chunk was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The bytes are not those of the chunk (or there is no such chunk): whoever sent them is at fault.
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
        Some(id) => format!("is the unfinished download of another content ({id})"),
        None => "was not made by this download".into(),
    }
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
    /// Files at the final place whose executable bit is to be changed.
    modes: Vec<shoal_content::FileIndex>,
    /// Whether nothing was missing from the start.
    already: bool,
    report: Mutex<Report>,
    /// Set once all is at the final place; held for reading while chunks are read or written.
    phase: RwLock<Option<Placed>>,
    progress: Mutex<State>,
    /// Held by whoever makes things durable or puts them in their place: a sync that is still under way
    /// must not be overtaken by the rename that relies on it, nor make files in a part that has moved.
    durable: Mutex<()>,
    /// Bytes written since the last sync.
    unsynced: AtomicU64,
}

impl Target {
    /// Opens a download: makes the folder, compares what is there already at the final place, takes over
    /// a part of this very content, or starts a new one.
    ///
    /// Chunks of a part are believed if the journal was written since the system started; else they are
    /// hashed, and those with bytes of files that are not wanted are dropped, because they cannot be.
    pub fn open(manifest: Arc<Manifest>, options: TargetOptions) -> Result<Self, TargetError> {
        open::open_at(manifest, options, journal::boot_id())
    }

    /// The chunks to fetch in all: of each group of equal chunks that the selection needs, the first.
    /// Those that are there already are among them.
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
        self.write_chunk(chunk, bytes)
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
    pub fn report(&self) -> Report {
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
}
