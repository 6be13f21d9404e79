//! What an earlier run left in the part.
//!
//! What always holds: a chunk that is taken over was read and hashed since the part was opened. The journal only says where
//! to look: a disk may have been unplugged, rolled back or written to by others since it was written.

use std::collections::HashMap;
use std::io;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Span};

use super::files::{Place, TargetFiles};
use super::journal::Pieces;
use super::piece;
use super::state::State;
use crate::check::{CheckError, SIDE_BY_SIDE};
use crate::compare::{Comparer, Unreadable};
use crate::parallel;
use crate::watch::Watch;

/// What may be there.
pub(super) struct Inherited<'a> {
    pub(super) files: &'a TargetFiles,
    /// By the journal, and for this very arrangement.
    pub(super) pieces: &'a Pieces,
}

impl Inherited<'_> {
    /// Takes over those recorded chunks that still have their hash, which all cores find out. Returns how many were not
    /// taken.
    pub(super) fn take_over(
        &self,
        state: &mut State,
        recorded: &ChunkSet,
        watch: &Watch<'_>,
    ) -> Result<u32, CheckError> {
        // The files of others match at the final place.
        let recorded: Vec<ChunkIndex> = recorded
            .ones()
            .map(|c| c as ChunkIndex)
            .filter(|c| piece::spans(self.files, *c).next().is_some())
            .collect();
        let mut there: HashMap<FileIndex, bool> = HashMap::new();
        let mut whole = Vec::with_capacity(recorded.len());
        for chunk in &recorded {
            let mut all = true;
            for Span { file, .. } in piece::spans(self.files, *chunk) {
                all &= match there.get(&file) {
                    Some(known) => *known,
                    None => *there.entry(file).or_insert(is_there(self.files, file)?),
                };
            }
            all.then(|| whole.push(*chunk));
        }
        let good = self.unharmed(&whole, watch)?;
        for chunk in &good {
            state.stored.insert(*chunk as usize);
            // Written by a process that is gone, and perhaps not synced.
            piece::spans(self.files, *chunk).for_each(|span| self.files.wrote(span.file));
        }
        Ok((recorded.len() - good.len()) as u32)
    }

    /// The chunks that still have their hash, wherever their files lie.
    fn unharmed(&self, chunks: &[ChunkIndex], watch: &Watch<'_>) -> Result<Vec<ChunkIndex>, CheckError> {
        let manifest = self.files.manifest();
        let length = |chunk: &ChunkIndex| u64::from(manifest.geometry().chunk_len(*chunk));
        watch.expect(chunks.iter().map(length).sum());
        let look = |comparer: &mut Comparer<'_>, chunk: &ChunkIndex| {
            let same = match self.is_unharmed(comparer, *chunk) {
                Err(error) if error.is_absence() => false,
                result => result?,
            };
            watch.did(length(chunk))?;
            Ok::<_, CheckError>(same)
        };
        let same = parallel::map(chunks, SIDE_BY_SIDE, || Comparer::new(manifest), look)?;
        Ok(chunks.iter().zip(same).filter(|(_, same)| *same).map(|(chunk, _)| *chunk).collect())
    }

    fn is_unharmed(&self, comparer: &mut Comparer<'_>, chunk: ChunkIndex) -> Result<bool, Unreadable> {
        if piece::is_one(self.files, chunk) {
            let Some(hash) = self.pieces.get(&chunk) else { return Ok(false) };
            return Ok(piece::read(self.files, chunk)? == *hash);
        }
        let open = |file: FileIndex| match self.files.place(file) {
            Place::Part => self.files.part.open_read(&self.files.entry(file).path),
            Place::Final => self.files.last.open_read(&self.files.entry(file).path),
            Place::Nowhere => Err(io::ErrorKind::NotFound.into()),
        };
        comparer.matches(chunk, &open)
    }
}

/// Whether a file of the part is there in its full length.
fn is_there(files: &TargetFiles, file: FileIndex) -> Result<bool, Unreadable> {
    let entry = files.entry(file);
    let meta = files.part.look(&entry.path).map_err(|source| Unreadable { file, source })?;
    Ok(meta.is_some_and(|meta| meta.is_file() && meta.len() == entry.size))
}
