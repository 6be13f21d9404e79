//! How far a download is.

use std::collections::HashMap;
use std::io;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest, Span};

use super::files::{Place, TargetFiles};
use super::journal::Journal;
use super::layout::Plan;
use crate::check::{CheckError, SIDE_BY_SIDE};
use crate::compare::{Comparer, Unreadable};
use crate::parallel;
use crate::watch::Watch;

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

    /// Takes over recorded chunks: all whose files are there if the journal can be trusted, else those that still
    /// have their hash, which all cores find out. Returns how many were not taken.
    pub(super) fn take_recorded(
        &mut self,
        files: &TargetFiles,
        recorded: &ChunkSet,
        trusted: bool,
        watch: &Watch<'_>,
    ) -> Result<u32, CheckError> {
        let manifest = files.manifest();
        let in_part = |chunk: &ChunkIndex| {
            manifest.geometry().spans(*chunk).filter(|span| files.place(span.file) == Place::Part)
        };
        // The files of others match at the final place.
        let recorded: Vec<ChunkIndex> =
            recorded.ones().map(|c| c as ChunkIndex).filter(|c| in_part(c).next().is_some()).collect();
        let mut there: HashMap<FileIndex, bool> = HashMap::new();
        let mut whole = Vec::with_capacity(recorded.len());
        for chunk in &recorded {
            let mut all = true;
            for Span { file, .. } in in_part(chunk) {
                all &= match there.get(&file) {
                    Some(known) => *known,
                    None => *there.entry(file).or_insert(is_there(files, file)?),
                };
            }
            all.then(|| whole.push(*chunk));
        }
        let damaged = recorded.len();
        let good = if trusted { whole } else { unharmed(files, &whole, watch)? };
        for chunk in &good {
            self.stored.insert(*chunk as usize);
            // Written by a process that is gone, and perhaps not synced.
            in_part(chunk).for_each(|span| files.wrote(span.file));
        }
        Ok((damaged - good.len()) as u32)
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
fn is_there(files: &TargetFiles, file: FileIndex) -> Result<bool, Unreadable> {
    let entry = files.entry(file);
    let meta = files.part.look(&entry.path).map_err(|source| Unreadable { file, source })?;
    Ok(meta.is_some_and(|meta| meta.is_file() && meta.len() == entry.size))
}

/// Those chunks that still have their hash, wherever their files lie. One with bytes of files that are not wanted
/// cannot be hashed, and counts as harmed.
fn unharmed(
    files: &TargetFiles,
    chunks: &[ChunkIndex],
    watch: &Watch<'_>,
) -> Result<Vec<ChunkIndex>, CheckError> {
    let length = |chunk: &ChunkIndex| u64::from(files.manifest().geometry().chunk_len(*chunk));
    watch.expect(chunks.iter().map(length).sum());
    let open = |file: FileIndex| match files.place(file) {
        Place::Part => files.part.open_read(&files.entry(file).path),
        Place::Final => files.last.open_read(&files.entry(file).path),
        Place::Nowhere => Err(io::ErrorKind::NotFound.into()),
    };
    let look = |comparer: &mut Comparer<'_>, chunk: &ChunkIndex| {
        let same = match comparer.matches(*chunk, &open) {
            Err(error) if error.is_absence() => false,
            result => result?,
        };
        watch.did(length(chunk))?;
        Ok::<_, CheckError>(same)
    };
    let same = parallel::map(chunks, SIDE_BY_SIDE, || Comparer::new(files.manifest()), look)?;
    Ok(chunks.iter().zip(same).filter(|(_, same)| *same).map(|(chunk, _)| *chunk).collect())
}
