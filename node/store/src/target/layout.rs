//! Which chunks a selection needs, and which of them are the same.

use std::ops::Range;

use fixedbitset::FixedBitSet;
use shoal_content::{ChunkIndex, ChunkSet, Hash, Manifest};

use crate::Selection;

/// What does not change while a download is under way.
#[derive(Debug)]
pub(super) struct Plan {
    /// By entry: whether it is wanted.
    pub(super) entries: FixedBitSet,
    /// Chunks with bytes of wanted files.
    pub(super) needed: ChunkSet,
    /// Of each group of equal needed chunks the first.
    pub(super) wanted: ChunkSet,
    /// The needed chunks in the order of their hashes.
    by_hash: Vec<ChunkIndex>,
}

impl Plan {
    pub(super) fn new(manifest: &Manifest, selection: &Selection) -> Self {
        let count = manifest.entries().len();
        let mut entries = FixedBitSet::with_capacity(count);
        match selection {
            Selection::All => entries.insert_range(..),
            Selection::Entries(bits) => {
                bits.ones().filter(|at| *at < count).for_each(|at| entries.insert(at))
            }
        }
        let mut needed = ChunkSet::with_capacity(manifest.chunks().len());
        for file in entries.ones() {
            let chunks = manifest.geometry().chunks_of(file as u32);
            needed.insert_range(chunks.start as usize..chunks.end as usize);
        }
        let mut by_hash: Vec<ChunkIndex> = needed.ones().map(|chunk| chunk as ChunkIndex).collect();
        by_hash.sort_unstable_by_key(|chunk| (key(manifest, *chunk), *chunk));
        let mut wanted = ChunkSet::with_capacity(manifest.chunks().len());
        for (at, chunk) in by_hash.iter().enumerate() {
            if at == 0 || key(manifest, by_hash[at - 1]) != key(manifest, *chunk) {
                wanted.insert(*chunk as usize);
            }
        }
        Self { entries, needed, wanted, by_hash }
    }

    /// All needed chunks, those that are the same together. The first of each is the wanted one.
    pub(super) fn groups(&self, manifest: &Manifest) -> impl Iterator<Item = &[ChunkIndex]> {
        self.by_hash.chunk_by(|one, other| key(manifest, *one) == key(manifest, *other))
    }

    /// The needed chunks with the bytes of this one, in rising order; itself among them, if needed.
    pub(super) fn group(&self, manifest: &Manifest, chunk: ChunkIndex) -> &[ChunkIndex] {
        let want = key(manifest, chunk);
        let start = self.by_hash.partition_point(|c| key(manifest, *c) < want);
        let len = self.by_hash[start..].partition_point(|c| key(manifest, *c) == want);
        &self.by_hash[Range { start, end: start + len }]
    }
}

/// Chunks with the same key have the same bytes. A manifest could give the same hash to different
/// lengths; then at most one of them can ever be fetched.
fn key(manifest: &Manifest, chunk: ChunkIndex) -> (Hash, u32) {
    let entry = manifest.chunks()[chunk as usize];
    (entry.hash, entry.length)
}
