//! Has the caches fetch memory before it is needed.
//!
//! Where thousands of engines run in one process, most of the time goes by waiting for memory: none of them is in a cache
//! when its turn comes, and each step finds out only then where the next one reads. A driver that knows what happens soon
//! can have the memory fetched meanwhile.
//!
//! What this is not: it decides nothing, and nothing may depend on it.

use prefetch_index::prefetch_index;
use shoal_content::{ChunkIndex, ChunkSet};

/// The bytes of a line of the cache.
const LINE: usize = 64;
/// The bits of a word of a set.
const BITS: usize = usize::BITS as usize;

/// Has the caches fetch the line in which an item begins.
pub fn prefetch<T>(item: &T) {
    prefetch_index(std::slice::from_ref(item), 0);
}

/// Has the caches fetch an item of so many bytes, of which a field of one byte lies at `offset`.
pub fn prefetch_around<F>(bytes: usize, field: &F, offset: usize) {
    const { assert!(size_of::<F>() == 1, "the field is the unit of addresses") };
    for at in (0..bytes).step_by(LINE) {
        prefetch_index(std::slice::from_ref(field), at.wrapping_sub(offset));
    }
}

/// Fetches the word of a set in which a chunk stands.
pub(crate) fn prefetch_bit(set: &ChunkSet, chunk: ChunkIndex) {
    prefetch_index(set.as_slice(), chunk as usize / BITS);
}

/// Fetches a few items that lie side by side.
pub(crate) fn prefetch_all<T>(items: &[T]) {
    let per_line = (LINE / size_of::<T>().max(1)).max(1);
    items.iter().step_by(per_line).for_each(prefetch);
}
