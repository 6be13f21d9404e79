//! Takes chunks from other stores on this machine.
//!
//! Neighbouring chunks that lie side by side in one file there and here are a *run*. Where both places are aligned
//! alike, the system is asked to copy a run's whole blocks (`copy_file_range`): file systems that can share blocks then
//! copy nothing. All else is read, hashed and written.
//!
//! What always holds: a chunk counts as stored, and is in the journal, only after its SHA-256 matched. What the system
//! copied is hashed in the copy, which nobody else writes to, so a source that changes meanwhile does no harm; a copy
//! that does not match is made a hole again. Sources are only read.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rustix::fs::{FallocateFlags, copy_file_range, fallocate, fstatvfs};
use shoal_content::{ChunkEntry, ChunkIndex, Hash};

use super::files::Place;
use super::runs::{Piece, Run, Step, plan_runs};
use super::{Target, TargetError, WriteError};
use crate::ChunkStore;
use crate::holdings::{HeldContent, Match, locate, read_verified};
use crate::holes::next_hole;
use crate::parallel;
use crate::serve::lock;
use crate::watch::{Cancelled, Watch};

/// What the system is asked to copy is at least this long, in bytes; it costs some calls.
const WORTH_A_COPY: u64 = 64 << 10;
/// Blocks of file systems are taken to be of this size if they do not tell, in bytes.
const USUAL_BLOCK: u64 = 4 << 10;
/// Larger blocks than these are none, but what a network file system likes to be asked for, in bytes.
const MAX_BLOCK: u64 = 64 << 10;

/// Why no more is taken.
enum Stop {
    Cancelled,
    /// The disk takes no more; the download will say so.
    Blocked(WriteError),
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What all threads need.
struct Taker<'a> {
    target: &'a Target,
    contents: &'a [Arc<HeldContent>],
    matches: &'a [Match],
    watch: &'a Watch<'a>,
}

impl Target {
    /// Wanted chunks that are not here yet.
    pub(super) fn missing(&self) -> Vec<ChunkIndex> {
        let done = lock(&self.progress).done.clone();
        self.plan.wanted.difference(&done).map(|chunk| chunk as ChunkIndex).collect()
    }

    /// Takes what is missing from other contents, on all cores. Returns how many bytes that were.
    pub(super) fn take_from(
        &self,
        contents: &[Arc<HeldContent>],
        watch: &Watch<'_>,
    ) -> Result<u64, TargetError> {
        let missing = self.missing();
        let wanted: Vec<ChunkEntry> =
            missing.iter().map(|chunk| self.manifest().chunks()[*chunk as usize]).collect();
        let matches = locate(contents, &wanted);
        let is_in_part = |file| self.served.files().place(file) == Place::Part;
        let runs = plan_runs(self.manifest(), &missing, contents, &matches, &is_in_part);
        watch.expect(runs.iter().map(|run| run.bytes).sum());
        let taker = Taker { target: self, contents, matches: &matches, watch };
        let taken = parallel::map(&runs, 1, Vec::new, |buf, run| taker.take(run, buf));
        match taken {
            Ok(_) => {}
            Err(Stop::Cancelled) => return Err(TargetError::Cancelled),
            Err(Stop::Blocked(error)) => tracing::debug!(%error, "no more is taken from this machine"),
        }
        let done = &lock(&self.progress).done;
        let now_here = missing.iter().filter(|chunk| done.contains(**chunk as usize));
        Ok(now_here.map(|chunk| u64::from(self.manifest().chunks()[*chunk as usize].length)).sum())
    }
}

impl Taker<'_> {
    fn take(&self, run: &Run, buf: &mut Vec<u8>) -> Result<(), Stop> {
        let store = &*self.contents[run.content as usize].store;
        let copied = run.piece.as_ref().and_then(|piece| self.copy(store, piece).unwrap_or_default());
        let mut offset = run.piece.as_ref().map_or(0, |piece| piece.to);
        for step in &run.steps {
            let wanted = self.target.manifest().chunks()[step.chunk as usize];
            let at = offset..offset + u64::from(wanted.length);
            offset = at.end;
            let in_place = copied.as_ref().is_some_and(|copied| copied.holds(&at));
            let taken = match &copied {
                Some(copied) if in_place => self.adopt(copied, step.chunk, at, buf)?,
                _ => false,
            };
            if !taken {
                self.read(step, &wanted, buf)?;
            }
            self.watch.did(wanted.length.into())?;
        }
        Ok(())
    }

    /// Has the system copy the whole blocks of a run, if it can and there are enough of them.
    fn copy(&self, store: &dyn ChunkStore, piece: &Piece) -> io::Result<Option<Copied>> {
        let from = store.open_file(piece.from_file)?;
        let to = self.target.served.files().writable(piece.to_file)?;
        let ends = (from.metadata()?.len(), to.metadata()?.len());
        let blocks = piece.whole_blocks(block_size(&to), ends);
        if blocks.end - blocks.start < WORTH_A_COPY {
            return Ok(None);
        }
        let mut source = piece.from + (blocks.start - piece.to);
        if next_hole(&from, source) < source + (blocks.end - blocks.start) {
            // A hole is to stay one; a copy of it might be zeros.
            return Ok(None);
        }
        let mut at = blocks.start;
        while at < blocks.end {
            let left = (blocks.end - at) as usize;
            match copy_file_range(&from, Some(&mut source), &to, Some(&mut at), left) {
                Ok(1..) => {}
                // It cannot, or the file has become shorter.
                _ => break,
            }
        }
        self.target.served.files().wrote(piece.to_file);
        self.target.unsynced.fetch_add(at - blocks.start, Ordering::Relaxed);
        Ok(Some(Copied { file: to, range: blocks.start..at }))
    }

    /// Hashes what the system has copied, and stores it in the other places that need it.
    fn adopt(
        &self,
        copied: &Copied,
        chunk: ChunkIndex,
        at: Range<u64>,
        buf: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        buf.resize((at.end - at.start) as usize, 0);
        let read = copied.file.read_exact_at(buf, at.start);
        if read.is_err() || Hash::of(buf) != self.target.manifest().chunks()[chunk as usize].hash {
            copied.undo(at);
            return Ok(false);
        }
        self.target.write_verified(chunk, buf, Some(chunk)).map_err(Stop::Blocked)?;
        Ok(true)
    }

    /// Reads a chunk from wherever it is, and writes it.
    fn read(&self, step: &Step, wanted: &ChunkEntry, buf: &mut Vec<u8>) -> Result<(), Stop> {
        for place in &self.matches[step.places.clone()] {
            let store = &*self.contents[place.content as usize].store;
            if read_verified(store, place.chunk, wanted, buf) {
                self.target.write_verified(step.chunk, buf, None).map_err(Stop::Blocked)?;
                return Ok(());
            }
        }
        Ok(())
    }
}

/// A part of a file that the system has copied from elsewhere.
struct Copied {
    file: Arc<File>,
    range: Range<u64>,
}

impl Copied {
    fn holds(&self, at: &Range<u64>) -> bool {
        self.range.start <= at.start && at.end <= self.range.end
    }

    /// Makes what turned out to be wrong a hole again. If that fails, it is written over when the chunk comes.
    fn undo(&self, at: Range<u64>) {
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if let Err(error) = fallocate(&self.file, how, at.start, at.end - at.start) {
            tracing::debug!(%error, "a copy that does not match stays until the chunk comes");
        }
    }
}

fn block_size(file: &File) -> u64 {
    let size = fstatvfs(file).map_or(0, |fs| fs.f_bsize);
    if size.is_power_of_two() && size <= MAX_BLOCK { size } else { USUAL_BLOCK }
}
