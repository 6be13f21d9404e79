//! Which chunks are taken from where, and which of them lie side by side.

use std::ops::Range;
use std::sync::Arc;

use shoal_content::{ChunkIndex, FileIndex, Manifest, Span};

use crate::holdings::{HeldContent, Match};

/// No run is longer, in bytes, so that all cores have something to do, and progress is told.
const LONGEST: u64 = 16 << 20;

/// Chunks that lie one after another both in another content and in this one.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) content: u32,
    pub(super) steps: Vec<Step>,
    /// Set if all of it lies in one file there and in one file here, which is in the part.
    pub(super) piece: Option<Piece>,
    pub(super) bytes: u64,
}

/// A chunk of this content, and where it can be read.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) chunk: ChunkIndex,
    /// In the list of matches.
    pub(super) places: Range<usize>,
}

/// A stretch of a file there, and where it belongs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) from_file: FileIndex,
    /// In bytes.
    pub(super) from: u64,
    pub(super) to_file: FileIndex,
    /// In bytes.
    pub(super) to: u64,
    pub(super) len: u64,
}

impl Piece {
    /// The whole blocks of this piece, by where they belong; an empty range if blocks there are not blocks here. `ends`
    /// are the lengths of both files: where both end, a last block need not be whole.
    pub(super) fn whole_blocks(&self, block: u64, ends: (u64, u64)) -> Range<u64> {
        let end = self.to + self.len;
        if self.from % block != self.to % block {
            return end..end;
        }
        let at_ends = (self.from + self.len, end) == ends;
        let start = self.to.next_multiple_of(block).min(end);
        let last = if at_ends { end } else { end - end % block };
        start..last.max(start)
    }

    /// Whether `next` goes on where this ends, there and here.
    fn is_followed_by(&self, next: &Self) -> bool {
        let same_files = (self.from_file, self.to_file) == (next.from_file, next.to_file);
        same_files && (self.from + self.len, self.to + self.len) == (next.from, next.to)
    }
}

/// Puts matches together to runs; `matches` are sorted, and of places in `missing`.
pub(super) fn plan_runs(
    manifest: &Manifest,
    missing: &[ChunkIndex],
    contents: &[Arc<HeldContent>],
    matches: &[Match],
    is_in_part: &dyn Fn(FileIndex) -> bool,
) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut before: Option<(ChunkIndex, Match)> = None;
    let mut at = 0;
    while let Some(first) = matches.get(at) {
        let count = matches[at..].iter().take_while(|m| m.wanted == first.wanted).count();
        let places = at..at + count;
        at = places.end;
        let chunk = missing[first.wanted as usize];
        let length = u64::from(manifest.chunks()[chunk as usize].length);
        let follows = |m: &&Match| {
            before.is_some_and(|(last, b)| (last + 1, b.content, b.chunk + 1) == (chunk, m.content, m.chunk))
        };
        let next = matches[places.clone()].iter().find(follows);
        let chosen = *next.unwrap_or(first);
        let theirs = contents[chosen.content as usize].store.manifest();
        let piece = piece(theirs, chosen.chunk, manifest, chunk, is_in_part);
        let step = Step { chunk, places };
        match runs.last_mut().filter(|run| next.is_some() && run.bytes + length <= LONGEST) {
            Some(run) if run.goes_on(&piece) => run.add(step, length),
            _ => runs.push(Run { content: chosen.content, steps: vec![step], piece, bytes: length }),
        }
        before = Some((chunk, chosen));
    }
    runs
}

impl Run {
    fn goes_on(&self, piece: &Option<Piece>) -> bool {
        match (&self.piece, piece) {
            (None, None) => true,
            (Some(last), Some(next)) => last.is_followed_by(next),
            _ => false,
        }
    }

    fn add(&mut self, step: Step, length: u64) {
        self.steps.push(step);
        self.bytes += length;
        if let Some(piece) = &mut self.piece {
            piece.len += length;
        }
    }
}

/// Where a chunk lies if it is in one file, there and here.
fn piece(
    theirs: &Manifest,
    from: ChunkIndex,
    ours: &Manifest,
    to: ChunkIndex,
    is_in_part: &dyn Fn(FileIndex) -> bool,
) -> Option<Piece> {
    let (from, to) = (only_span(theirs, from)?, only_span(ours, to)?);
    is_in_part(to.file).then_some(Piece {
        from_file: from.file,
        from: from.file_offset,
        to_file: to.file,
        to: to.file_offset,
        len: to.len.into(),
    })
}

fn only_span(manifest: &Manifest, chunk: ChunkIndex) -> Option<Span> {
    let mut spans = manifest.geometry().spans(chunk);
    spans.next().filter(|_| spans.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_blocks_are_blocks_on_both_sides() {
        let piece = |from, to, len| Piece { from_file: 0, from, to_file: 0, to, len };
        let inside = (1 << 20, 1 << 20);
        assert_eq!(piece(0, 0, 8192).whole_blocks(4096, inside), 0..8192);
        assert_eq!(piece(4096, 8192, 10_000).whole_blocks(4096, inside), 8192..16_384);
        assert_eq!(piece(100, 8292, 10_000).whole_blocks(4096, inside), 12_288..16_384);
        assert!(piece(100, 101, 10_000).whole_blocks(4096, inside).is_empty(), "not aligned alike");
        assert!(piece(100, 100, 1000).whole_blocks(4096, inside).is_empty(), "less than a block");
        assert!(piece(100, 100, 5000).whole_blocks(4096, inside).is_empty(), "no whole one");
        // The last block of a file may be cut short if it is the last one on both sides.
        assert_eq!(piece(0, 4096, 5000).whole_blocks(4096, (5000, 9096)), 4096..9096);
        assert_eq!(piece(0, 4096, 5000).whole_blocks(4096, (5001, 9096)), 4096..8192);
        assert_eq!(piece(100, 100, 200).whole_blocks(4096, (300, 300)), 300..300);
    }
}
