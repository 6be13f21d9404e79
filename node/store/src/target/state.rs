//! How far a download is.

use std::collections::HashMap;
use std::io;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest};

use super::files::{Place, TargetFiles};
use super::journal::Journal;
use super::layout::Plan;
use crate::check::Comparer;

/// What changes while a download is under way.
#[derive(Debug)]
pub(super) struct State {
    /// Needed chunks whose needed bytes are all in the part; those that need none from there are not
    /// among them.
    pub(super) stored: ChunkSet,
    /// Wanted chunks for which all chunks like them are complete.
    pub(super) done: ChunkSet,
    /// Held, and thereby locked, until all is placed.
    pub(super) journal: Option<Journal>,
}

impl State {
    pub(super) fn new(chunks: usize, journal: Option<Journal>) -> Self {
        let none = ChunkSet::with_capacity(chunks);
        Self { stored: none.clone(), done: none, journal }
    }

    /// Takes over recorded chunks: all whose files are there if the journal can be trusted, else those
    /// that still have their hash. Returns how many were not taken.
    pub(super) fn take_recorded(
        &mut self,
        manifest: &Manifest,
        plan: &Plan,
        files: &TargetFiles,
        recorded: &ChunkSet,
        trusted: bool,
    ) -> io::Result<u32> {
        let mut there: HashMap<FileIndex, bool> = HashMap::new();
        let mut comparer = Comparer::new(manifest);
        let mut damaged = 0;
        for chunk in recorded.ones() {
            let in_part = || {
                manifest.geometry().spans(chunk as ChunkIndex).filter(|s| files.place(s.file) == Place::Part)
            };
            if in_part().next().is_none() {
                // Its files match at the final place.
                continue;
            }
            let mut whole = true;
            for span in in_part() {
                whole &= match there.get(&span.file) {
                    Some(known) => *known,
                    None => *there.entry(span.file).or_insert(is_there(files, span.file)?),
                };
            }
            let good = whole && (trusted || hashes(&mut comparer, files, chunk as ChunkIndex)?);
            if good {
                self.stored.insert(chunk);
                // Written by a process that is gone, and perhaps not synced.
                in_part().for_each(|span| files.wrote(span.file));
            } else {
                damaged += 1;
            }
        }
        debug_assert!(self.stored.is_subset(&plan.needed));
        Ok(damaged)
    }

    /// Whether all needed bytes of a needed chunk are on disk.
    pub(super) fn is_stored(
        &self,
        manifest: &Manifest,
        plan: &Plan,
        files: &TargetFiles,
        chunk: usize,
    ) -> bool {
        self.stored.contains(chunk)
            || manifest
                .geometry()
                .spans(chunk as ChunkIndex)
                .filter(|span| plan.entries[span.file as usize])
                .all(|span| files.place(span.file) == Place::Final)
    }
}

/// Whether a file of the part is there in its full length.
fn is_there(files: &TargetFiles, file: FileIndex) -> io::Result<bool> {
    let entry = files.entry(file);
    Ok(files.part.look(&entry.path)?.is_some_and(|meta| meta.is_file() && meta.len() == entry.size))
}

/// Whether a chunk's bytes are right, wherever its files lie. A chunk with bytes of files that are not
/// wanted cannot be hashed, and counts as wrong.
fn hashes(comparer: &mut Comparer<'_>, files: &TargetFiles, chunk: ChunkIndex) -> io::Result<bool> {
    use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
    let open = |file: FileIndex| match files.place(file) {
        Place::Part => files.part.open_read(&files.entry(file).path),
        Place::Final => files.last.open_read(&files.entry(file).path),
        Place::Nowhere => Err(NotFound.into()),
    };
    match comparer.matches(chunk, &open) {
        Err(e) if matches!(e.kind(), NotFound | NotADirectory | UnexpectedEof) => Ok(false),
        result => result,
    }
}
