//! Where chunks lie in files: the one place that does arithmetic on offsets.

use std::ops::Range;

/// A chunk's place in the manifest's chunk table, from 0.
pub type ChunkIndex = u32;
/// A file's place in the manifest's file table, from 0.
pub type FileIndex = u32;

/// The part of a chunk that lies in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which file.
    pub file: FileIndex,
    /// Where in the file, in bytes.
    pub file_offset: u64,
    /// Where in the chunk, in bytes.
    pub chunk_offset: u32,
    /// How many bytes; never 0.
    pub len: u32,
}

impl Span {
    /// The bytes of the chunk that belong to this span.
    pub fn in_chunk(&self) -> Range<usize> {
        self.chunk_offset as usize..(self.chunk_offset + self.len) as usize
    }
}

/// Maps between chunks, the stream and files.
///
/// Always holds: chunks and files cover the same stream, without gaps; every chunk has at least one
/// byte; the spans of a chunk add up to its length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Geometry {
    /// Where each chunk ends in the stream; strictly rising.
    chunk_ends: Vec<u64>,
    /// Where each file ends in the stream; rising.
    file_ends: Vec<u64>,
}

impl Geometry {
    /// Lays out chunks and files by their lengths. `None` if a chunk is empty, a sum overflows, or the
    /// two sums differ.
    pub fn new(chunks: impl IntoIterator<Item = u32>, files: impl IntoIterator<Item = u64>) -> Option<Self> {
        let mut end = 0u64;
        let mut chunk_ends = Vec::new();
        for len in chunks {
            end = end.checked_add(u64::from(len)).filter(|_| len > 0)?;
            chunk_ends.push(end);
        }
        let mut file_end = 0u64;
        let mut file_ends = Vec::new();
        for len in files {
            file_end = file_end.checked_add(len)?;
            file_ends.push(file_end);
        }
        (end == file_end).then_some(Self { chunk_ends, file_ends })
    }

    /// The number of chunks.
    pub fn chunks(&self) -> ChunkIndex {
        self.chunk_ends.len() as ChunkIndex
    }

    /// The length of the stream in bytes.
    pub fn size(&self) -> u64 {
        self.chunk_ends.last().copied().unwrap_or(0)
    }

    /// Where a chunk lies in the stream. Panics if there is no such chunk.
    pub fn chunk(&self, chunk: ChunkIndex) -> Range<u64> {
        range(&self.chunk_ends, chunk as usize)
    }

    /// The length of a chunk in bytes. Panics if there is no such chunk.
    pub fn chunk_len(&self, chunk: ChunkIndex) -> u32 {
        let at = self.chunk(chunk);
        (at.end - at.start) as u32
    }

    /// Where a file lies in the stream. Panics if there is no such file.
    pub fn file(&self, file: FileIndex) -> Range<u64> {
        range(&self.file_ends, file as usize)
    }

    /// The chunks that hold bytes of a file; empty for an empty file.
    pub fn chunks_of(&self, file: FileIndex) -> Range<ChunkIndex> {
        let at = self.file(file);
        if at.is_empty() {
            return 0..0;
        }
        let first = self.chunk_ends.partition_point(|end| *end <= at.start);
        let last = self.chunk_ends.partition_point(|end| *end < at.end);
        first as ChunkIndex..last as ChunkIndex + 1
    }

    /// The files that a chunk has bytes of, in order. Panics if there is no such chunk.
    pub fn spans(&self, chunk: ChunkIndex) -> impl Iterator<Item = Span> + '_ {
        let at = self.chunk(chunk);
        let first = self.file_ends.partition_point(|end| *end <= at.start);
        (first..self.file_ends.len())
            .map(move |file| (file, range(&self.file_ends, file)))
            .take_while({
                let end = at.end;
                move |(_, bytes)| bytes.start < end
            })
            .filter(|(_, bytes)| !bytes.is_empty())
            .map(move |(file, bytes)| {
                let start = bytes.start.max(at.start);
                let end = bytes.end.min(at.end);
                Span {
                    file: file as FileIndex,
                    file_offset: start - bytes.start,
                    chunk_offset: (start - at.start) as u32,
                    len: (end - start) as u32,
                }
            })
    }
}

fn range(ends: &[u64], at: usize) -> Range<u64> {
    let start = if at == 0 { 0 } else { ends[at - 1] };
    start..ends[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_must_agree_and_chunks_have_bytes() {
        assert!(Geometry::new([3, 4], [7]).is_some());
        assert!(Geometry::new([3, 4], [8]).is_none());
        assert!(Geometry::new([0], [0]).is_none());
        assert!(Geometry::new([1], [u64::MAX, 2]).is_none());
        assert_eq!(Geometry::new([], []).unwrap().size(), 0);
    }

    proptest! {
        #[test]
        fn spans_tile_chunks_and_files(files in prop::collection::vec(0u64..50, 0..20), cuts in prop::collection::vec(1u32..40, 0..40)) {
            let total: u64 = files.iter().sum();
            let mut left = total;
            let mut chunks = vec![];
            for cut in cuts.into_iter().cycle().take(total as usize) {
                let len = u64::from(cut).min(left);
                if len == 0 { break }
                chunks.push(len as u32);
                left -= len;
            }
            prop_assume!(left == 0);
            let geometry = Geometry::new(chunks.clone(), files.clone()).unwrap();
            let mut filled = vec![0u64; files.len()];
            for chunk in 0..geometry.chunks() {
                let mut at = 0;
                for span in geometry.spans(chunk) {
                    prop_assert_eq!(span.chunk_offset, at);
                    prop_assert_eq!(span.file_offset, filled[span.file as usize]);
                    prop_assert!(geometry.chunks_of(span.file).contains(&chunk));
                    at += span.len;
                    filled[span.file as usize] += u64::from(span.len);
                }
                prop_assert_eq!(at, geometry.chunk_len(chunk));
            }
            prop_assert_eq!(filled, files.clone());
            for file in 0..files.len() as u32 {
                for chunk in geometry.chunks_of(file) {
                    prop_assert!(geometry.spans(chunk).any(|s| s.file == file));
                }
            }
        }
    }
}
