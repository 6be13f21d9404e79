//! The root block of a manifest.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::page::CHUNKS_PER_PAGE;
use super::{MAX_BLOCK, MAX_CHUNKS, MAX_ENTRIES, ManifestError};
use crate::{Chunker, ContentId, Hash, SafePath};

/// The version of manifests that this code reads and writes.
pub(super) const VERSION: u32 = 1;
/// No entry is shorter in a file page, in bytes; bounds how many a page may hold.
pub(super) const MIN_ENTRY: usize = 23;
/// So many chunk pages may be equal to earlier ones: 2 Mi chunks, some 100 MB of memory that no byte has arrived for.
/// Zeros of 8 TiB have as many when they are cut as `share` cuts them.
const MAX_REPEATED: usize = 512;

/// What a content is placed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One file; its single entry has the content's name.
    File,
    /// A folder; the entries' paths start inside of it.
    Folder,
}

/// The root block. Fields stand in the canonical order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// 1.
    #[serde(rename = "v")]
    pub(super) version: u32,
    /// The name under which the content is placed: a single component.
    #[serde(with = "name")]
    pub name: SafePath,
    /// Bytes of all files together.
    pub size: u64,
    /// Entries in the file table; at most 4 Mi.
    pub files: u32,
    /// A folder or a single file.
    pub shape: Shape,
    /// Entries in the chunk table; at most 16 Mi.
    pub chunks: u32,
    /// The content that this is a new version of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ContentId>,
    /// How the stream was cut.
    pub chunker: Chunker,
    /// Whether only its owner may read the content's own folder; never set for a single file, whose entry
    /// says it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// SHA-256 of each file page.
    pub file_pages: Vec<Hash>,
    /// SHA-256 of each chunk page.
    pub chunk_pages: Vec<Hash>,
}

impl Root {
    /// Reads the root block of `id`, and checks all that it says of itself.
    pub fn decode(id: &ContentId, bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_BLOCK {
            return Err(ManifestError::BlockTooLong(bytes.len()));
        }
        if Hash::of(bytes) != *id.root_hash() {
            return Err(ManifestError::WrongHash);
        }
        // The version first, so that a later one is told apart from nonsense.
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let version = shoal_cbor::decode::<Version>(bytes)?.v;
        if version != VERSION {
            return Err(ManifestError::FutureVersion(version));
        }
        let root: Self = shoal_cbor::decode_canonical(bytes)?;
        root.check()?;
        Ok(root)
    }

    /// Checks the counts against their limits and each other.
    pub(super) fn check(&self) -> Result<(), ManifestError> {
        self.chunker.check()?;
        if self.files > MAX_ENTRIES || self.chunks > MAX_CHUNKS {
            return Err(ManifestError::Counts("too many files or chunks"));
        }
        if self.chunk_pages.len() != (self.chunks as usize).div_ceil(CHUNKS_PER_PAGE) {
            return Err(ManifestError::Counts("the number of chunk pages does not fit the number of chunks"));
        }
        let different: BTreeSet<&Hash> = self.chunk_pages.iter().collect();
        if self.chunk_pages.len() - different.len() > MAX_REPEATED {
            return Err(ManifestError::Repetitive);
        }
        let files = self.files as usize;
        let fewest = (files * MIN_ENTRY).div_ceil(MAX_BLOCK);
        if !(fewest..=files).contains(&self.file_pages.len()) {
            return Err(ManifestError::Counts("the number of file pages does not fit the number of files"));
        }
        // Paths rise from page to page, so no two can be equal; one page many times over would only cost.
        let mut seen = BTreeSet::new();
        if !self.file_pages.iter().all(|hash| seen.insert(hash)) {
            return Err(ManifestError::Counts("two file pages are the same"));
        }
        let most = u64::from(self.chunks) * u64::from(self.chunker.max_size());
        if self.size > most || self.size < u64::from(self.chunks) {
            return Err(ManifestError::Counts("the size does not fit the number of chunks"));
        }
        Ok(())
    }
}

/// The content's name as CBOR text; checked while it is read.
mod name {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::SafePath;
    use shoal_printable::Printable;

    pub(super) fn serialize<S: Serializer>(name: &SafePath, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(name.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<SafePath, D::Error> {
        let text = String::deserialize(d)?;
        SafePath::name(text.clone())
            .map_err(|why| de::Error::custom(format!("unsafe name '{}': {why}", Printable(&text))))
    }
}
