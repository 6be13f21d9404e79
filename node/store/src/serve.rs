//! Reading chunks out of files that someone may change at any time.
//!
//! A chunk is *sure* while none of its files has changed since its bytes were seen to match: that is, as
//! long as every stamp, taken after the read, is the recorded one. Any other chunk is hashed before it is
//! handed out, and becomes sure by that, unless the stamp is too young to be trusted. A disk that rots leaves stamps as
//! they are, so a chunk that somebody doubts is hashed too.
//!
//! What always holds: bytes that are handed out had the chunk's SHA-256 when they were read, or come from
//! files whose stamps say that they have not changed since they had it. A chunk that did not match is
//! withdrawn and never comes back.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Hash, Manifest, Span};

use super::ReadError;
use super::lru::Lru;
use super::open_files::{kept_open, opened};
use super::page_cache;
use super::recorded::RecordedStamps;
use super::stamp::{Clock, FileId, Stamp};

/// No more files than these are kept open for reading.
const OPEN_FILES: usize = 64;
/// Of no more files than these is a chunk read by a task that must not be held up.
const MAX_CACHED_FILES: usize = 4;

/// Where the files of a content lie.
pub(crate) trait Files: Send + Sync {
    /// Opens a file anew. Refuses whatever is not a regular file with [`io::ErrorKind::NotFound`].
    fn open(&self, file: FileIndex) -> io::Result<Opened>;

    /// The stamp of what the file's path leads to now.
    fn stamp(&self, file: FileIndex) -> io::Result<Stamp>;

    /// The path, for messages.
    fn path(&self, file: FileIndex) -> PathBuf;
}

/// An open file, and which one it is.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// For positioned reads.
    pub(crate) file: Arc<File>,
    /// Compared with that of the path, to notice a file that was replaced.
    pub(crate) id: FileId,
}

/// Locks even after a panic elsewhere: what these locks guard is never left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves the chunks of a content from its files.
#[derive(Debug)]
pub(crate) struct Served<F> {
    manifest: Arc<Manifest>,
    files: F,
    clock: Clock,
    trust: Mutex<Trust>,
    handles: Mutex<Lru<FileIndex, Opened>>,
}

/// How sure it is that a file is what the manifest says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not all of its chunks can be served.
    Absent,
    /// Its chunks have to be hashed before they are served.
    Unsure,
    /// All of it matched under this stamp, which was no racy one.
    Sure(Stamp),
}

#[derive(Debug)]
struct Trust {
    have: ChunkSet,
    sure: ChunkSet,
    /// By file: the stamp for which its sure chunks are sure.
    stamps: RecordedStamps,
    /// Whether chunks became sure by being read.
    learned: bool,
    /// Whether chunks were withdrawn.
    lost: bool,
}

impl<F: Files> Served<F> {
    /// Starts with nothing to serve.
    pub(crate) fn new(manifest: Arc<Manifest>, files: F, clock: Clock) -> Self {
        let none = ChunkSet::with_capacity(manifest.chunks().len());
        let stamps = RecordedStamps::none(manifest.entries().len());
        let trust = Mutex::new(Trust { have: none.clone(), sure: none, stamps, learned: false, lost: false });
        Self { manifest, files, clock, trust, handles: Mutex::new(Lru::new(kept_open(OPEN_FILES))) }
    }

    pub(crate) fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    pub(crate) fn files(&self) -> &F {
        &self.files
    }

    pub(crate) fn have(&self) -> ChunkSet {
        lock(&self.trust).have.clone()
    }

    pub(crate) fn has(&self, chunk: ChunkIndex) -> bool {
        lock(&self.trust).have.contains(chunk as usize)
    }

    /// Sets the stamps under which chunks are sure.
    pub(crate) fn set_stamps(&self, stamps: Vec<Option<Stamp>>) {
        lock(&self.trust).stamps = stamps.into();
    }

    /// Sets the stamp of each file.
    pub(crate) fn stamp_each(&self, stamp: impl Fn(FileIndex) -> Option<Stamp>) {
        lock(&self.trust).stamps.set_each(stamp);
    }

    /// A chunk can be served from now on; `sure` if its bytes are known to match under the stamps set.
    pub(crate) fn add(&self, chunk: ChunkIndex, sure: bool) {
        let mut trust = lock(&self.trust);
        trust.have.insert(chunk as usize);
        trust.sure.set(chunk as usize, sure);
    }

    /// Takes over how all files stand, one for each entry: what is not absent can be served from now on.
    pub(crate) fn restore(&self, standings: &[Standing]) {
        let stamp = |standing: &Standing| match standing {
            Standing::Sure(stamp) => Some(*stamp),
            Standing::Absent | Standing::Unsure => None,
        };
        self.stamp_each(|file| stamp(&standings[file as usize]));
        let geometry = self.manifest.geometry();
        for chunk in 0..geometry.chunks() {
            let of = |span: Span| standings[span.file as usize];
            if geometry.spans(chunk).all(|span| of(span) != Standing::Absent) {
                self.add(chunk, geometry.spans(chunk).all(|span| matches!(of(span), Standing::Sure(_))));
            }
        }
    }

    /// How all files stand now, one for each entry.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        let trust = lock(&self.trust);
        let all = |set: &ChunkSet, file| self.manifest.geometry().chunks_of(file).all(|c| set[c as usize]);
        let standing = |(file, stamp): (FileIndex, Option<Stamp>)| match stamp {
            _ if !all(&trust.have, file) => Standing::Absent,
            Some(stamp) if all(&trust.sure, file) => Standing::Sure(stamp),
            _ => Standing::Unsure,
        };
        (0..).zip(trust.stamps.iter()).map(standing).collect()
    }

    /// The files have been moved, and have these stamps: closes them all. No chunk is sure until it has been hashed once.
    pub(crate) fn moved(&self, stamp: impl Fn(FileIndex) -> Option<Stamp>) {
        lock(&self.handles).clear();
        let mut trust = lock(&self.trust);
        trust.sure.clear();
        trust.stamps.set_each(stamp);
    }

    /// See [`ChunkStore::read`](super::ChunkStore::read).
    pub(crate) fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        let sure = {
            let trust = lock(&self.trust);
            if !trust.have.contains(chunk as usize) {
                return Err(ReadError::NotHere(chunk));
            }
            trust.sure.contains(chunk as usize)
        };
        buf.resize(self.manifest.geometry().chunk_len(chunk) as usize, 0);
        if sure && self.read_sure(chunk, buf) { Ok(()) } else { self.read_hashed(chunk, buf) }
    }

    /// See [`ChunkStore::read_cached`](super::ChunkStore::read_cached).
    pub(crate) fn read_cached(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> bool {
        let is_sure = {
            let trust = lock(&self.trust);
            trust.have.contains(chunk as usize) && trust.sure.contains(chunk as usize)
        };
        let geometry = self.manifest.geometry();
        if !is_sure || geometry.spans(chunk).nth(MAX_CACHED_FILES).is_some() {
            return false;
        }
        buf.resize(geometry.chunk_len(chunk) as usize, 0);
        geometry.spans(chunk).all(|span| {
            // To open a file may take long.
            let open = lock(&self.handles).get(span.file);
            open.is_some_and(|opened| {
                page_cache::read(&opened.file, &mut buf[span.in_chunk()], span.file_offset)
                    && self.is_unchanged(&span, &opened)
            })
        })
    }

    /// See [`ChunkStore::doubt`](super::ChunkStore::doubt).
    pub(crate) fn doubt(&self, chunk: ChunkIndex) {
        let mut trust = lock(&self.trust);
        if trust.sure.contains(chunk as usize) {
            trust.sure.remove(chunk as usize);
        }
    }

    /// Reads without hashing. `false` for whatever is not as it was: the other way finds out.
    fn read_sure(&self, chunk: ChunkIndex, buf: &mut [u8]) -> bool {
        self.manifest.geometry().spans(chunk).all(|span| {
            let Ok(opened) = self.handle(&span) else { return false };
            opened.file.read_exact_at(&mut buf[span.in_chunk()], span.file_offset).is_ok()
                && self.is_unchanged(&span, &opened)
        })
    }

    /// Whether a span's file has the recorded stamp. To be asked after a read, so that a change before or during it is seen.
    fn is_unchanged(&self, span: &Span, opened: &Opened) -> bool {
        let now = self.files.stamp(span.file).ok();
        let recorded = lock(&self.trust).stamps.get(span.file);
        now.is_some() && now == recorded && now.is_some_and(|s| s.id() == opened.id)
    }

    fn read_hashed(&self, chunk: ChunkIndex, buf: &mut [u8]) -> Result<(), ReadError> {
        let began = self.clock.now();
        let mut stamps = Vec::new();
        let mut sure = true;
        for span in self.manifest.geometry().spans(chunk) {
            let (stamp, same) = self
                .read_anew(&span, &mut buf[span.in_chunk()])
                .map_err(|error| self.failed(chunk, span.file, error))?;
            sure &= same && !stamp.is_racy(began);
            stamps.push((span.file, stamp));
        }
        if Hash::of(buf) != self.manifest.chunks()[chunk as usize].hash {
            return Err(self.withdraw(chunk, self.culprit(&stamps), "has changed".into()));
        }
        self.note(chunk, &stamps, sure);
        Ok(())
    }

    /// Reads a span from a newly opened file: its stamp after that, and whether it is that of the very
    /// file that was read.
    fn read_anew(&self, span: &Span, buf: &mut [u8]) -> io::Result<(Stamp, bool)> {
        let opened = self.open(span)?;
        opened.file.read_exact_at(buf, span.file_offset)?;
        let stamp = self.files.stamp(span.file)?;
        Ok((stamp, stamp.id() == opened.id))
    }

    /// The open file of a span.
    fn handle(&self, span: &Span) -> io::Result<Opened> {
        // Bound to a name, so that the lock is not held while opening.
        let open = lock(&self.handles).get(span.file);
        open.map_or_else(|| self.open(span), Ok)
    }

    /// Opens a span's file anew. Files that lie whole in the span are not worth keeping open.
    fn open(&self, span: &Span) -> io::Result<Opened> {
        let opened = opened(|| lock(&self.handles).clear(), || self.files.open(span.file))?;
        if u64::from(span.len) < self.manifest.entries()[span.file as usize].size {
            lock(&self.handles).insert(span.file, opened.clone());
        }
        Ok(opened)
    }

    /// The open file of an entry.
    pub(crate) fn open_file(&self, file: FileIndex) -> io::Result<Arc<File>> {
        let open = lock(&self.handles).get(file);
        Ok(open.map_or_else(|| self.files.open(file), Ok)?.file)
    }

    /// Records that a chunk matched while its files had these stamps.
    fn note(&self, chunk: ChunkIndex, stamps: &[(FileIndex, Stamp)], sure: bool) {
        let mut trust = lock(&self.trust);
        for (file, stamp) in stamps {
            if trust.stamps.get(*file) != Some(*stamp) {
                trust.stamps.set(*file, Some(*stamp));
                let chunks = self.manifest.geometry().chunks_of(*file);
                trust.sure.remove_range(chunks.start as usize..chunks.end as usize);
            }
        }
        if sure {
            trust.learned |= !trust.sure.put(chunk as usize);
        }
    }

    /// Whether more of it is sure than at the start, and all of it is still there.
    pub(crate) fn has_learned(&self) -> bool {
        let trust = lock(&self.trust);
        trust.learned && !trust.lost
    }

    /// The first file whose stamp is not the recorded one, else the first.
    fn culprit(&self, stamps: &[(FileIndex, Stamp)]) -> FileIndex {
        let trust = lock(&self.trust);
        let differs = |(file, stamp): &&(FileIndex, Stamp)| trust.stamps.get(*file) != Some(*stamp);
        stamps.iter().find(differs).or(stamps.first()).map_or(0, |(file, _)| *file)
    }

    fn failed(&self, chunk: ChunkIndex, file: FileIndex, error: io::Error) -> ReadError {
        use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
        match error.kind() {
            NotFound | NotADirectory => self.withdraw(chunk, file, "is gone".into()),
            UnexpectedEof => self.withdraw(chunk, file, "has become shorter".into()),
            _ => ReadError::Io { path: self.files.path(file), source: error },
        }
    }

    fn withdraw(&self, chunk: ChunkIndex, file: FileIndex, why: String) -> ReadError {
        let mut trust = lock(&self.trust);
        trust.have.remove(chunk as usize);
        trust.sure.remove(chunk as usize);
        trust.lost = true;
        ReadError::Withdrawn { path: self.files.path(file), why }
    }
}
