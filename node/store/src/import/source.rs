//! A shared content: serves chunks from where its files lie.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest};

use super::reader::open;
use super::roots::Roots;
use super::walk::Found;
use crate::serve::{Files, Opened, Served};
use crate::stamp::{Clock, Stamp};
use crate::{ChunkStore, ReadError};

/// Serves chunks from files that were imported, where they lie. Made by [`import`](super::import()).
///
/// A chunk whose file changed, shrank or vanished is withdrawn when someone asks for it; until then it
/// counts as there.
#[derive(Debug)]
pub struct Source {
    served: Served<SourceFiles>,
}

#[derive(Debug)]
struct SourceFiles {
    manifest: Arc<Manifest>,
    roots: Roots,
}

impl Source {
    /// Takes over what an import found. `found` are the manifest's entries.
    pub(super) fn new(manifest: Manifest, roots: Roots, found: &[Found], clock: Clock) -> Self {
        let manifest = Arc::new(manifest);
        let served = Served::new(manifest.clone(), SourceFiles { manifest: manifest.clone(), roots }, clock);
        served.set_stamps(found.iter().map(|f| Some(f.stamp)).collect());
        for chunk in 0..manifest.geometry().chunks() {
            let sure = manifest.geometry().spans(chunk).all(|span| !found[span.file as usize].racy);
            served.add(chunk, sure);
        }
        Self { served }
    }
}

impl ChunkStore for Source {
    fn manifest(&self) -> &Arc<Manifest> {
        self.served.manifest()
    }

    fn have(&self) -> ChunkSet {
        self.served.have()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.served.has(chunk)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        self.served.read(chunk, buf)
    }

    fn doubt(&self, chunk: ChunkIndex) {
        self.served.doubt(chunk);
    }

    fn open_file(&self, file: FileIndex) -> io::Result<Arc<File>> {
        self.served.open_file(file)
    }
}

impl Files for SourceFiles {
    fn open(&self, file: FileIndex) -> io::Result<Opened> {
        let opened = open(&self.path(file)).map_err(gone_if_link)?;
        let meta = opened.metadata()?;
        if !meta.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Opened { file: Arc::new(opened), id: Stamp::of(&meta).id() })
    }

    fn stamp(&self, file: FileIndex) -> io::Result<Stamp> {
        self.path(file).symlink_metadata().map(|meta| Stamp::of(&meta))
    }

    fn path(&self, file: FileIndex) -> PathBuf {
        self.roots.locate(self.manifest.entries()[file as usize].path.as_str())
    }
}

/// A link that now stands where the file was: the file is gone.
fn gone_if_link(error: io::Error) -> io::Error {
    match error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        true => io::ErrorKind::NotFound.into(),
        false => error,
    }
}
