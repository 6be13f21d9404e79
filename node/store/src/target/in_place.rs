//! What lies at the final place of a download, as a store from which chunks are taken.
//!
//! A chunk may be there as a whole although its files are not all as they should be: one differs elsewhere, or shares
//! another chunk with a file that is missing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest};

use crate::tree::Tree;
use crate::{ChunkStore, ReadError};

/// What was found at the final place before anything of this download was there.
#[derive(Default)]
pub(super) struct OldFiles {
    /// Chunks that are there as a whole, each where it should be.
    pub(super) matching: ChunkSet,
    /// Files that are going to be replaced, and are long enough to have chunks of their own.
    pub(super) replaced: Vec<PathBuf>,
}

/// Reads chunks where they should be.
pub(super) struct InPlace {
    manifest: Arc<Manifest>,
    tree: Tree,
    have: ChunkSet,
}

impl InPlace {
    pub(super) fn new(manifest: Arc<Manifest>, tree: Tree, have: ChunkSet) -> Self {
        Self { manifest, tree, have }
    }
}

impl ChunkStore for InPlace {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn have(&self) -> ChunkSet {
        self.have.clone()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.have.contains(chunk as usize)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        buf.clear();
        buf.resize(self.manifest.geometry().chunk_len(chunk) as usize, 0);
        for span in self.manifest.geometry().spans(chunk) {
            let path = &self.manifest.entries()[span.file as usize].path;
            let file = self.tree.open_read(path);
            file.and_then(|file| file.read_exact_at(&mut buf[span.in_chunk()], span.file_offset))
                .map_err(|source| ReadError::Io { path: self.tree.path(path), source })?;
        }
        Ok(())
    }

    fn open_file(&self, file: FileIndex) -> io::Result<Arc<File>> {
        self.tree.open_read(&self.manifest.entries()[file as usize].path).map(Arc::new)
    }
}
