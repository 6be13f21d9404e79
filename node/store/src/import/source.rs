//! A shared content: serves chunks from where its files lie.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shoal_content::{ChunkIndex, ChunkSet, FileIndex, Manifest, Shape};

use super::reader::open;
use super::roots::Roots;
use super::saved::{ReopenError, SavedSource};
use super::walk::Facts;
use crate::serve::{Files, Opened, Served, Standing};
use crate::stamp::{Clock, Stamp};
use crate::{ChunkStore, ReadError, Selection};

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
    pub(super) fn new(manifest: Manifest, roots: Roots, facts: Vec<Facts>, clock: Clock) -> Self {
        let manifest = Arc::new(manifest);
        let served = serve(&manifest, roots, clock);
        for chunk in 0..manifest.geometry().chunks() {
            let sure = manifest.geometry().spans(chunk).all(|span| !facts[span.file as usize].racy);
            served.add(chunk, sure);
        }
        served.set_stamps(facts.into_iter().map(|of| Some(of.stamp)).collect());
        Self { served }
    }

    /// A content that was placed at a path by a download, with the entries that were wanted. What is at the path decides:
    /// each chunk is hashed before it is served for the first time.
    ///
    /// Nothing is looked at here; [`save`](Self::save) and [`reopen`](Self::reopen) do what is needed to serve it later.
    pub fn placed(manifest: Arc<Manifest>, path: &Path, selection: &Selection) -> Self {
        let roots = match manifest.root().shape {
            Shape::File => Roots::File(path.to_owned()),
            Shape::Folder => Roots::Folder(path.to_owned()),
        };
        let wanted = |at: usize| match selection {
            Selection::All => true,
            Selection::Entries(bits) => bits.contains(at),
        };
        let standing = |at| if wanted(at) { Standing::Unsure } else { Standing::Absent };
        let served = serve(&manifest, roots, Clock::default());
        served.restore(&(0..manifest.entries().len()).map(standing).collect::<Vec<_>>());
        Self { served }
    }

    /// Writes down what it takes to serve this again, as sure as it is now. Takes as long as encoding the manifest.
    pub fn save(&self) -> SavedSource {
        SavedSource::write(self.manifest(), &self.served.files().roots, &self.served.standings())
    }

    /// Whether it is worth saving again: chunks were hashed since it was made or opened, and nothing was withdrawn.
    pub fn has_learned(&self) -> bool {
        self.served.has_learned()
    }

    /// Opens what was saved. The manifest is checked against its id, and no byte of a file is read: a file whose stamp is
    /// the saved one is as good as hashed, any other is hashed before a chunk of it is served.
    pub fn reopen(saved: &SavedSource) -> Result<Self, ReopenError> {
        let restored = saved.read()?;
        restored.look()?;
        let served = serve(&Arc::new(restored.manifest), restored.roots, Clock::default());
        served.restore(&restored.standings);
        Ok(Self { served })
    }
}

#[cfg(test)]
impl Source {
    /// How sure it is of each entry.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        self.served.standings()
    }
}

fn serve(manifest: &Arc<Manifest>, roots: Roots, clock: Clock) -> Served<SourceFiles> {
    Served::new(manifest.clone(), SourceFiles { manifest: manifest.clone(), roots }, clock)
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

    fn read_cached(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> bool {
        self.served.read_cached(chunk, buf)
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
