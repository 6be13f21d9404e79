//! The manifest: what files a content has and what chunks they are made of.
//!
//! It is a root block and index pages, all canonical DAG-CBOR. *File pages* hold the file table, *chunk
//! pages* the chunk table; the root holds the hashes of the pages, the totals, the name and the
//! chunker. The SHA-256 of the root is the content id, so one hash vouches for everything, and pages can
//! come from different peers and be checked one by one.
//!
//! What always holds for a [`Manifest`]: entries are in canonical order, without duplicates, without one
//! beneath another that is no private folder, and without two that some file system would take for one; sizes of files and
//! lengths of chunks add up to the same total; every count is within its limit.

mod assemble;
mod page;
mod root;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

pub use assemble::ManifestAssembler;
pub use page::{CHUNKS_PER_PAGE, ChunkEntry, EntryKind, FileEntry};
pub use root::{Root, Shape};

use self::page::{encode_chunk_page, encode_file_page, fill_file_pages};
use super::chunker::{Chunker, ChunkerError, PACKED_BELOW};
use super::collisions::each_collision;
use super::geometry::Geometry;
use super::hash::{ContentId, Hash};
use super::path::{PathError, SafePath};
use shoal_cbor::CborError;
use shoal_printable::Printable;

/// The longest block (root or page), in bytes: 256 KiB.
pub const MAX_BLOCK: usize = 256 << 10;
/// The most entries in the file table: about 4 million.
pub const MAX_ENTRIES: u32 = 4 << 20;
/// The most chunks: about 16 million, 16 TiB at the default average.
pub const MAX_CHUNKS: u32 = 16 << 20;

/// Why a manifest is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// A block does not have the hash that it was asked by: the sender is at fault, not the manifest.
    #[error("a manifest block does not match its hash")]
    WrongHash,
    /// A block is longer than any may be.
    #[error("a manifest block has {0} bytes, over the limit of {MAX_BLOCK}")]
    BlockTooLong(usize),
    /// A block that is not the canonical encoding of what it should be.
    #[error("a manifest block is not valid: {0}")]
    Encoding(#[from] CborError),
    /// A version that this code does not know.
    #[error("the manifest is of version {0}, and this Shoal reads version 1: please update Shoal")]
    FutureVersion(u32),
    /// Counts, lengths or sums that contradict each other or exceed a limit.
    #[error("the manifest contradicts itself: {0}")]
    Counts(&'static str),
    /// Long stretches of equal chunks: read, it would take far more memory than it has bytes.
    #[error("the content repeats itself for too long; larger chunks make it possible")]
    Repetitive,
    /// A chunker with impossible sizes.
    #[error("the manifest's chunker is not valid: {0}")]
    Chunker(#[from] ChunkerError),
    /// A path that must not be created.
    #[error("the manifest has an unsafe path '{}': {why}", Printable(path))]
    Path {
        /// The path as it was written.
        path: String,
        /// What is wrong with it.
        why: PathError,
    },
    /// Two paths where only one can be.
    #[error("the manifest has two paths that cannot both exist: '{}' and '{}'", Printable(.0), Printable(.1))]
    Conflict(String, String),
    /// Entries are not in canonical order.
    #[error("the manifest's files are not in canonical order at '{}'", Printable(.0))]
    Order(String),
}

/// Where a block of the manifest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Root,
    FilePage(u32),
    ChunkPage(u32),
}

/// A whole, checked manifest. See its module for what always holds.
#[derive(Debug, Clone)]
pub struct Manifest {
    id: ContentId,
    root: Root,
    entries: Vec<FileEntry>,
    chunks: Vec<ChunkEntry>,
    geometry: Geometry,
    /// The range of entries on each file page; the pages are encoded again when someone asks for them.
    file_pages: Vec<Range<u32>>,
    blocks: BTreeMap<Hash, Block>,
}

/// The id says everything that is in it.
impl PartialEq for Manifest {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Manifest {}

impl Manifest {
    /// The content's id.
    pub fn id(&self) -> ContentId {
        self.id
    }

    /// The root: name, totals, chunker, page hashes.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The name under which the content is placed.
    pub fn name(&self) -> &SafePath {
        &self.root.name
    }

    /// The file table, in canonical order.
    pub fn entries(&self) -> &[FileEntry] {
        &self.entries
    }

    /// The chunk table, in stream order.
    pub fn chunks(&self) -> &[ChunkEntry] {
        &self.chunks
    }

    /// Where chunks lie in files.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Whether only its owner may read the folder at a path inside of the content; the content's own for an
    /// empty path.
    pub fn is_private_folder(&self, path: &str) -> bool {
        if path.is_empty() {
            return self.root.private;
        }
        let found = self.entries.binary_search_by(|entry| entry.path.cmp_str(path));
        found.is_ok_and(|at| self.entries[at].private && self.entries[at].kind == EntryKind::Folder)
    }

    /// The encoded block with this hash, if it is one of this manifest's: at most 256 KiB.
    pub fn block(&self, hash: &Hash) -> Option<Vec<u8>> {
        Some(match self.blocks.get(hash)? {
            Block::Root => shoal_cbor::encode(&self.root),
            Block::FilePage(page) => {
                let on_page = &self.file_pages[*page as usize];
                encode_file_page(&self.entries[on_page.start as usize..on_page.end as usize])
            }
            Block::ChunkPage(page) => encode_chunk_page(chunk_page(&self.chunks, *page)),
        })
    }

    /// Puts parts together that were checked one by one, and checks what only the whole can show.
    fn assemble(
        id: ContentId,
        root: Root,
        entries: Vec<FileEntry>,
        chunks: Vec<ChunkEntry>,
        file_pages: Vec<Range<u32>>,
    ) -> Result<Self, ManifestError> {
        check_entries(&root, &entries)?;
        let max = root.chunker.max_size();
        if chunks.iter().any(|c| c.length > max) {
            return Err(ManifestError::Counts("a chunk is longer than the chunker allows"));
        }
        let geometry = Geometry::new(chunks.iter().map(|c| c.length), entries.iter().map(|e| e.size))
            .filter(|g| g.size() == root.size)
            .ok_or(ManifestError::Counts("sizes of files, lengths of chunks and the total differ"))?;
        let mut blocks = BTreeMap::from([(*id.root_hash(), Block::Root)]);
        blocks.extend(root.file_pages.iter().zip(0..).map(|(h, n)| (*h, Block::FilePage(n))));
        blocks.extend(root.chunk_pages.iter().zip(0..).map(|(h, n)| (*h, Block::ChunkPage(n))));
        Ok(Self { id, root, entries, chunks, geometry, file_pages, blocks })
    }
}

fn chunk_page(chunks: &[ChunkEntry], page: u32) -> &[ChunkEntry] {
    let start = page as usize * CHUNKS_PER_PAGE;
    &chunks[start..chunks.len().min(start + CHUNKS_PER_PAGE)]
}

/// Checks order, conflicts, collisions and what the shape asks for.
fn check_entries(root: &Root, entries: &[FileEntry]) -> Result<(), ManifestError> {
    if root.shape == Shape::File {
        let fits = |e: &FileEntry| e.path == root.name && matches!(e.kind, EntryKind::File { .. });
        if !matches!(entries, [only] if fits(only)) {
            return Err(ManifestError::Counts("a single file must have one entry of its own name"));
        }
        if root.private {
            return Err(ManifestError::Counts("a single file has no folder that could be private"));
        }
    }
    let conflict = |a: &SafePath, b: &str| ManifestError::Conflict(a.to_string(), b.to_owned());
    let mut before: Option<&FileEntry> = None;
    for entry in entries {
        if let Some(before) = before {
            match before.path.cmp(&entry.path) {
                std::cmp::Ordering::Greater => return Err(ManifestError::Order(entry.path.to_string())),
                std::cmp::Ordering::Equal => return Err(conflict(&entry.path, before.path.as_str())),
                std::cmp::Ordering::Less => {}
            }
            // Canonical order puts what lies beneath an entry straight after it.
            let may_hold = before.private && before.kind == EntryKind::Folder;
            if entry.path.is_beneath(&before.path) && !may_hold {
                return Err(conflict(&entry.path, before.path.as_str()));
            }
        }
        before = Some(entry);
    }
    let mut collision = None;
    let path = |at: usize| entries[at].path.as_str();
    let _ = each_collision(entries.len(), path, |found| {
        collision = Some(conflict(&entries[found.at].path, &found.earlier));
        ControlFlow::Break(())
    });
    collision.map_or(Ok(()), Err)
}

/// Makes a manifest from what was found on disk.
#[derive(Debug)]
pub struct ManifestBuilder {
    /// The name under which the content will be placed.
    pub name: SafePath,
    /// A folder or a single file.
    pub shape: Shape,
    /// How the stream was cut.
    pub chunker: Chunker,
    /// Whether only its owner may read the content's own folder; for a folder only.
    pub private: bool,
    /// The content that this is a new version of.
    pub parent: Option<ContentId>,
    /// The file table, in canonical order.
    pub entries: Vec<FileEntry>,
    /// The chunk table.
    pub chunks: Vec<ChunkEntry>,
}

impl ManifestBuilder {
    /// Checks everything and computes the id.
    pub fn build(self) -> Result<Manifest, ManifestError> {
        if self.entries.len() > MAX_ENTRIES as usize {
            return Err(ManifestError::Counts("too many files"));
        }
        if self.chunks.len() > MAX_CHUNKS as usize {
            return Err(ManifestError::Counts("too many chunks"));
        }
        self.chunker.check()?;
        let file_pages = fill_file_pages(&self.entries);
        let hash_files =
            |r: &Range<u32>| Hash::of(&encode_file_page(&self.entries[r.start as usize..r.end as usize]));
        let root = Root {
            version: root::VERSION,
            shape: self.shape,
            name: self.name,
            size: self.entries.iter().map(|e| e.size).sum(),
            files: self.entries.len() as u32,
            chunks: self.chunks.len() as u32,
            parent: self.parent,
            chunker: self.chunker,
            private: self.private,
            file_pages: file_pages.iter().map(hash_files).collect(),
            chunk_pages: self
                .chunks
                .chunks(CHUNKS_PER_PAGE)
                .map(|c| Hash::of(&encode_chunk_page(c)))
                .collect(),
        };
        let bytes = shoal_cbor::encode(&root);
        if bytes.len() > MAX_BLOCK {
            return Err(ManifestError::BlockTooLong(bytes.len()));
        }
        // Nobody could read it otherwise.
        root.check()?;
        let id = ContentId::from_root_hash(Hash::of(&bytes));
        Manifest::assemble(id, root, self.entries, self.chunks, file_pages)
    }
}

/// Cuts a file table into the runs that are chunked one by one: each file of at least [`PACKED_BELOW`] bytes is a
/// run of its own, and so is every stretch of smaller files between such. `sizes` in canonical order.
pub fn segments(sizes: &[u64]) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (at, size) in sizes.iter().enumerate() {
        let large = *size >= PACKED_BELOW;
        match all.last_mut() {
            Some(run) if open && !large => run.end = at + 1,
            _ => all.push(at..at + 1),
        }
        open = !large;
    }
    all
}
