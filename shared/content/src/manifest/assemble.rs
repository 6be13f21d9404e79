//! A manifest that arrives block by block, in any order, from anyone.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::page::{CHUNKS_PER_PAGE, ChunkEntry, FileEntry, decode_chunk_page, decode_file_page};
use super::{Block, MAX_BLOCK, Manifest, ManifestError, Root};
use crate::{ContentId, Hash};

/// Collects the pages of a manifest whose root is known.
///
/// Memory grows only with pages whose hash matched, and with the bytes that arrived: a page that stands in many places is kept
/// once. Only the whole manifest has all places, and the root bounds how many of them say nothing new.
#[derive(Debug)]
pub struct ManifestAssembler {
    id: ContentId,
    root: Root,
    /// Hash of every page still missing → the places it goes to. Equal pages share a hash.
    missing: BTreeMap<Hash, Vec<Block>>,
    file_pages: Vec<Vec<FileEntry>>,
    chunk_pages: Vec<Arc<[ChunkEntry]>>,
    /// Entries received so far; never more than the root says.
    files: usize,
}

impl ManifestAssembler {
    /// Starts from the bytes of the root. [`ManifestError::WrongHash`] means that the sender is at
    /// fault; any other error means that the manifest itself is bad.
    pub fn new(id: ContentId, root: &[u8]) -> Result<Self, ManifestError> {
        let root = Root::decode(&id, root)?;
        let mut missing: BTreeMap<Hash, Vec<Block>> = BTreeMap::new();
        for (hash, page) in root.file_pages.iter().zip(0..) {
            missing.entry(*hash).or_default().push(Block::FilePage(page));
        }
        for (hash, page) in root.chunk_pages.iter().zip(0..) {
            missing.entry(*hash).or_default().push(Block::ChunkPage(page));
        }
        let file_pages = vec![Vec::new(); root.file_pages.len()];
        let chunk_pages = vec![Arc::default(); root.chunk_pages.len()];
        Ok(Self { id, root, missing, file_pages, chunk_pages, files: 0 })
    }

    /// The root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The hashes of the pages still to be fetched, in a fixed order.
    pub fn missing(&self) -> impl Iterator<Item = &Hash> {
        self.missing.keys()
    }

    /// Takes the page that was asked for by `hash`. Errors as for [`new`](Self::new). A page that is
    /// not missing (any more) is ignored.
    pub fn add(&mut self, hash: &Hash, bytes: &[u8]) -> Result<(), ManifestError> {
        if bytes.len() > MAX_BLOCK {
            return Err(ManifestError::BlockTooLong(bytes.len()));
        }
        if Hash::of(bytes) != *hash {
            return Err(ManifestError::WrongHash);
        }
        // Equal chunk pages are decoded once: long runs of equal chunks have many.
        let mut decoded: Option<Arc<[ChunkEntry]>> = None;
        for place in self.missing.remove(hash).unwrap_or_default() {
            match place {
                Block::FilePage(page) => {
                    let entries = decode_file_page(bytes)?;
                    self.files += entries.len();
                    if self.files > self.root.files as usize {
                        return Err(ManifestError::Counts("the pages have more files than the root says"));
                    }
                    self.file_pages[page as usize] = entries;
                }
                Block::ChunkPage(page) => {
                    let before = page as usize * CHUNKS_PER_PAGE;
                    let count = (self.root.chunks as usize - before).min(CHUNKS_PER_PAGE);
                    let chunks = match decoded.take() {
                        Some(chunks) if chunks.len() == count => chunks,
                        _ => decode_chunk_page(bytes, count)?.into(),
                    };
                    self.chunk_pages[page as usize] = chunks.clone();
                    decoded = Some(chunks);
                }
                Block::Root => unreachable!("the root is not among the missing pages"),
            }
        }
        Ok(())
    }

    /// Checks the whole once no page is missing. Panics if one is.
    pub fn finish(self) -> Result<Manifest, ManifestError> {
        assert!(self.missing.is_empty(), "a page is missing");
        if self.files != self.root.files as usize {
            return Err(ManifestError::Counts("the pages have fewer files than the root says"));
        }
        let mut end = 0;
        let ranges = self.file_pages.iter().map(|page| {
            let start = end;
            end += page.len() as u32;
            start..end
        });
        let ranges: Vec<Range<u32>> = ranges.collect();
        // Room for all at once: a list that grows as it is filled takes twice the memory. Each page goes when it is copied.
        let mut entries = Vec::with_capacity(self.files);
        self.file_pages.into_iter().for_each(|page| entries.extend(page));
        let mut chunks = Vec::with_capacity(self.root.chunks as usize);
        self.chunk_pages.into_iter().for_each(|page| chunks.extend_from_slice(&page));
        Manifest::assemble(self.id, self.root, entries, chunks, ranges)
    }
}
