//! Writing verified chunks, syncing, and telling what is there.

use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use shoal_content::{ChunkIndex, FileIndex, Hash, Span};

use super::files::Place;
use super::journal::Pieces;
use super::{OpenReport, Target, WriteError, piece};
use crate::ChunkStore;
use crate::holes::{is_zero, write_zeros};
use crate::serve::{Files, lock};
use crate::stamp::Stamp;

impl Target {
    /// Works out what is there at the start, and copies chunks that are there in one place to the other
    /// places that need them.
    pub(super) fn begin(&self, damaged: u32) {
        let manifest = self.manifest().clone();
        self.served.stamp_each(|file| self.stamp_of(file));
        for chunk in 0..manifest.geometry().chunks() {
            if self.is_whole(chunk) {
                self.served.add(chunk, self.is_ours(chunk));
            }
        }
        let mut buf = Vec::new();
        for group in self.plan.groups(&manifest) {
            let chunk = group[0] as usize;
            let (there, missing): (Vec<_>, Vec<_>) = {
                let progress = lock(&self.progress);
                let is_stored = |c: &ChunkIndex| {
                    progress.is_stored(&manifest, &self.plan, self.served.files(), *c as usize)
                };
                group.iter().copied().partition(is_stored)
            };
            if missing.is_empty() {
                lock(&self.progress).done.insert(chunk);
                continue;
            }
            // A failure here is none: then the chunk is fetched like any other.
            let source = there.into_iter().find(|c| self.served.has(*c));
            if source.is_some_and(|source| self.served.read(source, &mut buf).is_ok()) {
                let _ = self.write_verified(chunk as ChunkIndex, &buf, None);
            }
        }
        let bytes = |chunks: &shoal_content::ChunkSet| {
            chunks.ones().map(|c| u64::from(manifest.chunks()[c].length)).sum()
        };
        *lock(&self.report) = OpenReport {
            wanted_bytes: bytes(&self.plan.wanted),
            found_bytes: bytes(&lock(&self.progress).done),
            reused_bytes: 0,
            damaged_chunks: damaged,
        };
    }

    /// The stamp of a file under which chunks are sure now: known only if nobody else writes to it.
    pub(super) fn stamp_of(&self, file: FileIndex) -> Option<Stamp> {
        (self.served.files().place(file) == Place::Part).then_some(Stamp::OURS)
    }

    /// Whether all bytes of a chunk are on disk, of files that are not wanted too.
    fn is_whole(&self, chunk: ChunkIndex) -> bool {
        let files = self.served.files();
        let stored = lock(&self.progress).stored.contains(chunk as usize);
        self.manifest().geometry().spans(chunk).all(|span| match files.place(span.file) {
            Place::Final => true,
            Place::Part => stored,
            Place::Nowhere => false,
        })
    }

    /// Whether all files of a chunk are in the part, where nobody else writes.
    fn is_ours(&self, chunk: ChunkIndex) -> bool {
        let files = self.served.files();
        self.manifest().geometry().spans(chunk).all(|span| files.place(span.file) == Place::Part)
    }

    /// See [`Target::write`]. `hash` is that of the bytes.
    pub(super) fn write_hashed(
        &self,
        chunk: ChunkIndex,
        bytes: &[u8],
        hash: Hash,
    ) -> Result<Vec<ChunkIndex>, WriteError> {
        let entry = self.manifest().chunks().get(chunk as usize).ok_or(WriteError::Corrupt(chunk))?;
        if bytes.len() != entry.length as usize || hash != entry.hash {
            return Err(WriteError::Corrupt(chunk));
        }
        // While this is held, nothing is moved to the final place.
        let phase = self.phase.read().unwrap_or_else(PoisonError::into_inner);
        if phase.is_some() { Ok(Vec::new()) } else { self.write_verified(chunk, bytes, None) }
    }

    /// Writes bytes that have a chunk's SHA-256 to all places that need them, and records that. Of the chunk `in_place`
    /// they are where they belong already.
    pub(super) fn write_verified(
        &self,
        chunk: ChunkIndex,
        bytes: &[u8],
        in_place: Option<ChunkIndex>,
    ) -> Result<Vec<ChunkIndex>, WriteError> {
        let manifest = self.manifest().clone();
        let group = self.plan.group(&manifest, chunk);
        let Some(first) = group.first() else { return Ok(Vec::new()) };
        let todo: Vec<ChunkIndex> = {
            let progress = lock(&self.progress);
            let is_stored =
                |c: &ChunkIndex| progress.is_stored(&manifest, &self.plan, self.served.files(), *c as usize);
            group.iter().copied().filter(|c| !is_stored(c)).collect()
        };
        if todo.is_empty() {
            return Ok(Vec::new());
        }
        let zero = is_zero(bytes);
        let to_write = todo.iter().filter(|c| in_place != Some(**c));
        for span in to_write.flat_map(|c| manifest.geometry().spans(*c)) {
            if self.served.files().place(span.file) == Place::Part {
                self.put(&span, bytes, zero).map_err(|source| self.blocked(span.file, source))?;
            }
        }
        self.record(*first, &todo, bytes)?;
        Ok(todo.into_iter().filter(|c| self.add_if_whole(*c)).collect())
    }

    /// Writes the part of a chunk that lies in one file. Zeros are not written into a hole.
    fn put(&self, span: &Span, bytes: &[u8], all_zero: bool) -> io::Result<()> {
        let files = self.served.files();
        let part = &bytes[span.in_chunk()];
        let mut written = u64::from(span.len);
        let zero = all_zero || is_zero(part);
        let at_once = !zero && written == files.entry(span.file).size;
        let file = if at_once { files.writable_at_once(span.file)? } else { files.writable(span.file)? };
        if zero {
            written = write_zeros(&file, span.file_offset, written)?;
        } else {
            file.write_all_at(part, span.file_offset)?;
        }
        if written > 0 {
            files.wrote(span.file);
            self.unsynced.fetch_add(written, Ordering::Relaxed);
        }
        Ok(())
    }

    fn record(&self, first: ChunkIndex, todo: &[ChunkIndex], bytes: &[u8]) -> Result<(), WriteError> {
        let files = self.served.files();
        let pieces: Pieces =
            todo.iter().filter_map(|c| piece::hash(files, *c, bytes).map(|hash| (*c, hash))).collect();
        let mut progress = lock(&self.progress);
        if let Some(journal) = progress.journal.as_mut() {
            let noted = pieces.iter().try_for_each(|(chunk, hash)| journal.piece(*chunk, hash));
            let noted = noted.and_then(|()| journal.chunk(first));
            noted.map_err(|source| WriteError::Blocked { path: self.journal_path.clone(), source })?;
        }
        todo.iter().for_each(|chunk| progress.stored.insert(*chunk as usize));
        progress.done.insert(first as usize);
        Ok(())
    }

    fn add_if_whole(&self, chunk: ChunkIndex) -> bool {
        let new = self.is_whole(chunk) && !self.served.has(chunk);
        if new {
            self.served.add(chunk, self.is_ours(chunk));
        }
        new
    }

    fn blocked(&self, file: FileIndex, source: io::Error) -> WriteError {
        WriteError::Blocked { path: self.path_of(file), source }
    }

    fn path_of(&self, file: FileIndex) -> PathBuf {
        self.served.files().path(file)
    }

    /// See [`Target::sync`].
    pub(super) fn sync_all(&self) -> io::Result<()> {
        // What is written from now on counts for the next time.
        let unsynced = self.unsynced.swap(0, Ordering::Relaxed);
        let synced = self.served.files().sync().and_then(|()| {
            let journal = lock(&self.progress).journal.as_ref().map(|j| j.handle()).transpose()?;
            journal.map_or(Ok(()), |journal| journal.sync_data())
        });
        if synced.is_err() {
            self.unsynced.fetch_add(unsynced, Ordering::Relaxed);
        }
        synced
    }
}
