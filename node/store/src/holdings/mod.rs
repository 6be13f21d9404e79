//! Finds chunks by their SHA-256 in all contents that are at hand.
//!
//! What this is not: a store. It owns no bytes and copies none; it knows which content's store to ask, and hashes what
//! that returns, since files may have changed.
//!
//! What always holds: a content costs nothing until something is first looked for, and from then on eight bytes a
//! chunk beside its manifest, and some two hundred of its own. To find one chunk takes a binary search in each content;
//! to find many takes one pass over each, so a thousand contents are no trouble.

mod sorted;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use shoal_content::{ChunkEntry, ChunkIndex, Hash};

use self::sorted::SortedChunks;
use super::ChunkStore;

/// A chunk is looked for in no more places than these, if it has so many.
pub(crate) const MAX_PLACES: usize = 4;

/// All contents that are at hand. Clones share them.
#[derive(Clone, Default)]
pub struct Holdings {
    inner: Arc<RwLock<Inner>>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    /// By the number that each was given; those added first are asked first.
    contents: BTreeMap<u64, Arc<HeldContent>>,
}

/// A content, and where its chunks are in it.
pub(crate) struct HeldContent {
    pub(crate) store: Arc<dyn ChunkStore>,
    sorted: OnceLock<SortedChunks>,
}

/// A chunk that some content has.
#[derive(Clone)]
pub struct HeldChunk {
    /// The content's store.
    pub store: Arc<dyn ChunkStore>,
    /// The chunk's number there.
    pub chunk: ChunkIndex,
}

/// Takes a content out of the [`Holdings`] again when it is dropped.
#[must_use = "the content is taken out again when this is dropped"]
pub struct HoldingGuard {
    holdings: Holdings,
    number: u64,
}

/// A wanted chunk that a content has, by the places of both in the lists that were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Match {
    pub(crate) wanted: u32,
    pub(crate) content: u32,
    /// The chunk's number in that content.
    pub(crate) chunk: ChunkIndex,
}

impl HeldContent {
    pub(crate) fn new(store: Arc<dyn ChunkStore>) -> Self {
        Self { store, sorted: OnceLock::new() }
    }
}

impl Holdings {
    /// Adds a content, for as long as the guard lives. A content that is being downloaded may be added too: its chunks
    /// are found once they are there.
    pub fn add(&self, store: Arc<dyn ChunkStore>) -> HoldingGuard {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let number = inner.next;
        inner.next += 1;
        inner.contents.insert(number, Arc::new(HeldContent::new(store)));
        HoldingGuard { holdings: self.clone(), number }
    }

    /// How many contents there are.
    pub fn len(&self) -> usize {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).contents.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where a chunk of this hash and length can be read, as far as is known without reading it; at most 4 places.
    pub fn find(&self, wanted: &ChunkEntry) -> Vec<HeldChunk> {
        let contents = self.contents();
        let matches = locate(&contents, std::slice::from_ref(wanted));
        let held = |m: Match| HeldChunk { store: contents[m.content as usize].store.clone(), chunk: m.chunk };
        matches.into_iter().map(held).collect()
    }

    /// Reads a chunk from wherever it is: `buf` is cleared and then holds exactly its bytes, whose hash has been
    /// checked. `false` if no content has it, or none any more; `buf` then holds nothing of use.
    pub fn read(&self, wanted: &ChunkEntry, buf: &mut Vec<u8>) -> bool {
        self.find(wanted).iter().any(|held| read_verified(&*held.store, held.chunk, wanted, buf))
    }

    /// All contents, in the order in which they were added.
    pub(crate) fn contents(&self) -> Vec<Arc<HeldContent>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.contents.values().cloned().collect()
    }
}

/// Reads a chunk of a content, and hashes it.
pub(crate) fn read_verified(
    store: &dyn ChunkStore,
    chunk: ChunkIndex,
    wanted: &ChunkEntry,
    buf: &mut Vec<u8>,
) -> bool {
    store.read(chunk, buf).is_ok() && buf.len() == wanted.length as usize && Hash::of(buf) == wanted.hash
}

/// Where wanted chunks are: of each, at most [`MAX_PLACES`], in the order of the contents. Sorted by wanted chunk.
pub(crate) fn locate(contents: &[Arc<HeldContent>], wanted: &[ChunkEntry]) -> Vec<Match> {
    let order = SortedChunks::new(wanted);
    let mut places = vec![0u8; wanted.len()];
    let mut matches = Vec::new();
    for (content, held) in (0..).zip(contents) {
        let chunks = held.store.manifest().chunks();
        let sorted = held.sorted.get_or_init(|| SortedChunks::new(chunks));
        let have = held.store.have();
        sorted.intersect(&order, |chunk, at| {
            let (place, same) = (&mut places[at as usize], chunks[chunk as usize] == wanted[at as usize]);
            if same && usize::from(*place) < MAX_PLACES && have.contains(chunk as usize) {
                *place += 1;
                matches.push(Match { wanted: at, content, chunk });
            }
        });
    }
    matches.sort_unstable();
    matches
}

impl Drop for HoldingGuard {
    fn drop(&mut self) {
        let mut inner = self.holdings.inner.write().unwrap_or_else(PoisonError::into_inner);
        let removed = inner.contents.remove(&self.number);
        drop(inner);
        // A store may do much when it is dropped; other threads should not wait for that.
        drop(removed);
    }
}

impl fmt::Debug for Holdings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holdings({})", self.len())
    }
}

impl fmt::Debug for HoldingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HoldingGuard({})", self.number)
    }
}

impl fmt::Debug for HeldChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeldChunk({} of {})", self.chunk, self.store.manifest().id())
    }
}
