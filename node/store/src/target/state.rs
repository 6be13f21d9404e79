//! How far a download is.

use shoal_content::{ChunkIndex, ChunkSet, Manifest};

use super::files::{Place, TargetFiles};
use super::journal::Journal;
use super::layout::Plan;

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
