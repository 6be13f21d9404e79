//! The pages of a manifest: file table and chunk table.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{MAX_BLOCK, ManifestError};
use crate::{Hash, LinkTarget, SafePath};

/// Every chunk page holds this many chunks, except the last: chunk `i` is on page `i / 4096`.
pub const CHUNKS_PER_PAGE: usize = 4096;
/// Room for the head of a page's array, in bytes.
const ARRAY_HEAD: usize = 5;

/// One chunk of the chunk table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkEntry {
    /// SHA-256 of the chunk's bytes.
    pub hash: Hash,
    /// Bytes; at least 1, at most the chunker's largest.
    pub length: u32,
}

/// One entry of the file table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Where it lies, from inside the content's folder; for a single file, its name.
    pub path: SafePath,
    /// Bytes; 0 for folders and links.
    pub size: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Whether only its owner may read it; never set for links, which have no permissions of their own.
    pub private: bool,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A folder that is private, or has nothing in it; other folders are not listed.
    Folder,
    /// A symbolic link.
    Link(LinkTarget),
}

/// An entry as it is encoded; fields in the canonical order of their keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    path: String,
    size: u64,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    private: bool,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Exec,
    Dir,
    Link,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireChunks {
    hashes: serde_bytes::ByteBuf,
    lengths: Vec<u32>,
}

impl From<&FileEntry> for WireEntry {
    fn from(entry: &FileEntry) -> Self {
        let (kind, target) = match &entry.kind {
            EntryKind::File { executable: false } => (Kind::File, None),
            EntryKind::File { executable: true } => (Kind::Exec, None),
            EntryKind::Folder => (Kind::Dir, None),
            EntryKind::Link(target) => (Kind::Link, Some(target.as_str().to_owned())),
        };
        let path = entry.path.as_str().to_owned();
        Self { path, size: entry.size, kind, target, private: entry.private }
    }
}

impl TryFrom<WireEntry> for FileEntry {
    type Error = ManifestError;

    fn try_from(wire: WireEntry) -> Result<Self, ManifestError> {
        let refuse = |path: &str, why| ManifestError::Path { path: path.to_owned(), why };
        let path = SafePath::new(wire.path.as_str()).map_err(|why| refuse(&wire.path, why))?;
        let kind = match (wire.kind, wire.target) {
            (Kind::File, None) => EntryKind::File { executable: false },
            (Kind::Exec, None) => EntryKind::File { executable: true },
            (Kind::Dir, None) => EntryKind::Folder,
            (Kind::Link, Some(target)) => EntryKind::Link(
                LinkTarget::new(&path, target.as_str())
                    .map_err(|why| refuse(&format!("{} -> {target}", wire.path), why))?,
            ),
            _ => return Err(ManifestError::Counts("links have a target, and nothing else has")),
        };
        if wire.size > 0 && !matches!(kind, EntryKind::File { .. }) {
            return Err(ManifestError::Counts("only files have a size"));
        }
        if wire.private && matches!(kind, EntryKind::Link(_)) {
            return Err(ManifestError::Counts("a link cannot be private"));
        }
        Ok(Self { path, size: wire.size, kind, private: wire.private })
    }
}

/// Encodes a file page.
pub(super) fn encode_file_page(entries: &[FileEntry]) -> Vec<u8> {
    shoal_cbor::encode(&entries.iter().map(WireEntry::from).collect::<Vec<_>>())
}

/// Cuts the file table into pages, each as full as 256 KiB allow.
pub(super) fn fill_file_pages(entries: &[FileEntry]) -> Vec<Range<u32>> {
    let mut pages: Vec<Range<u32>> = Vec::new();
    let mut room = 0;
    for (at, entry) in (0u32..).zip(entries) {
        let len = shoal_cbor::encode(&WireEntry::from(entry)).len();
        match pages.last_mut() {
            Some(page) if len <= room => page.end = at + 1,
            _ => {
                pages.push(at..at + 1);
                room = MAX_BLOCK - ARRAY_HEAD;
            }
        }
        room -= len;
    }
    pages
}

/// Decodes a file page whose hash has been checked.
pub(super) fn decode_file_page(bytes: &[u8]) -> Result<Vec<FileEntry>, ManifestError> {
    let wire: Vec<WireEntry> = shoal_cbor::decode_canonical(bytes)?;
    if wire.is_empty() {
        return Err(ManifestError::Counts("an empty file page"));
    }
    // Exactly as long as it has to be: a manifest may have a thousand pages.
    let mut entries = Vec::with_capacity(wire.len());
    for entry in wire {
        entries.push(FileEntry::try_from(entry)?);
    }
    Ok(entries)
}

/// Encodes a chunk page.
pub(super) fn encode_chunk_page(chunks: &[ChunkEntry]) -> Vec<u8> {
    let hashes: Vec<u8> = chunks.iter().flat_map(|c| *c.hash.as_bytes()).collect();
    shoal_cbor::encode(&WireChunks {
        hashes: hashes.into(),
        lengths: chunks.iter().map(|c| c.length).collect(),
    })
}

/// Decodes a chunk page, whose hash has been checked, with `count` chunks.
pub(super) fn decode_chunk_page(bytes: &[u8], count: usize) -> Result<Vec<ChunkEntry>, ManifestError> {
    let wire: WireChunks = shoal_cbor::decode_canonical(bytes)?;
    if wire.lengths.len() != count || wire.hashes.len() != count * 32 {
        return Err(ManifestError::Counts("a chunk page has more or fewer chunks than it should"));
    }
    let hashes = wire.hashes.as_chunks::<32>().0.iter().map(|h| Hash::from_bytes(*h));
    Ok(hashes.zip(wire.lengths).map(|(hash, length)| ChunkEntry { hash, length }).collect())
}
