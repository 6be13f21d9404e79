//! Pieces: what of a chunk is in the part, where the rest of the chunk is not wanted.
//!
//! The manifest has the hash of the whole chunk alone, which cannot be found again from a piece. So the journal gets a
//! hash of the piece when it is written, and by that it is known again.

use std::os::unix::fs::FileExt;

use shoal_content::{ChunkIndex, Hash, Span};

use super::files::{Place, TargetFiles};
use crate::compare::Unreadable;

/// The spans of a chunk that lie in the part.
pub(super) fn spans(files: &TargetFiles, chunk: ChunkIndex) -> impl Iterator<Item = Span> {
    files.manifest().geometry().spans(chunk).filter(|span| files.place(span.file) == Place::Part)
}

/// Whether some of a chunk lies nowhere.
pub(super) fn is_one(files: &TargetFiles, chunk: ChunkIndex) -> bool {
    files.manifest().geometry().spans(chunk).any(|span| files.place(span.file) == Place::Nowhere)
}

/// The hash of a piece, by the bytes of the whole chunk; none if all of the chunk lies somewhere.
pub(super) fn hash(files: &TargetFiles, chunk: ChunkIndex, bytes: &[u8]) -> Option<Hash> {
    let mut piece = Vec::new();
    if is_one(files, chunk) {
        spans(files, chunk).for_each(|span| piece.extend_from_slice(&bytes[span.in_chunk()]));
        return Some(Hash::of(&piece));
    }
    None
}

/// The hash of a piece as it lies on the disk.
pub(super) fn read(files: &TargetFiles, chunk: ChunkIndex) -> Result<Hash, Unreadable> {
    let mut piece = Vec::new();
    for span in spans(files, chunk) {
        let start = piece.len();
        piece.resize(start + span.len as usize, 0);
        files
            .part
            .open_read(&files.entry(span.file).path)
            .and_then(|file| file.read_exact_at(&mut piece[start..], span.file_offset))
            .map_err(|source| Unreadable { file: span.file, source })?;
    }
    Ok(Hash::of(&piece))
}
