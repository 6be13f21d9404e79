//! Compares chunks with what is on disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use shoal_content::{ChunkIndex, FileIndex, Hash, Manifest, Span};

use super::holes::{ZeroHashes, is_hole};
use super::lru::Lru;

/// No more files than these are open at a time on each thread.
const OPEN_FILES: usize = 16;
/// Shorter spans are read rather than searched for holes, in bytes.
const WORTH_A_LOOK: u32 = 64 << 10;

/// Tells whether chunks match what is on disk.
pub(crate) struct Comparer<'a> {
    pub(crate) manifest: &'a Manifest,
    zeros: ZeroHashes,
    open: Lru<FileIndex, Arc<File>>,
    buf: Vec<u8>,
}

impl<'a> Comparer<'a> {
    pub(crate) fn new(manifest: &'a Manifest) -> Self {
        Self { manifest, zeros: ZeroHashes::default(), open: Lru::new(OPEN_FILES), buf: Vec::new() }
    }

    /// Whether a chunk's bytes are right; `open` opens the files that have them. Holes are not read.
    /// Errors of kinds "not found" and "unexpected end" are those of files that are not as expected.
    pub(crate) fn matches(
        &mut self,
        chunk: ChunkIndex,
        open: &dyn Fn(FileIndex) -> io::Result<File>,
    ) -> Result<bool, Unreadable> {
        let manifest = self.manifest;
        let entry = manifest.chunks()[chunk as usize];
        if self.is_hole(chunk, open)? {
            return Ok(self.zeros.get(entry.length) == entry.hash);
        }
        let mut buf = std::mem::take(&mut self.buf);
        buf.resize(entry.length as usize, 0);
        for span in manifest.geometry().spans(chunk) {
            let file = self.file(&span, open)?;
            file.read_exact_at(&mut buf[span.in_chunk()], span.file_offset)
                .map_err(|source| Unreadable { file: span.file, source })?;
        }
        let same = Hash::of(&buf) == entry.hash;
        self.buf = buf;
        Ok(same)
    }

    /// Whether a chunk lies in holes alone. Told only of chunks that are not in many small files.
    fn is_hole(
        &mut self,
        chunk: ChunkIndex,
        open: &dyn Fn(FileIndex) -> io::Result<File>,
    ) -> Result<bool, Unreadable> {
        for span in self.manifest.geometry().spans(chunk) {
            if span.len < WORTH_A_LOOK {
                return Ok(false);
            }
            let file = self.file(&span, open)?;
            let hole = is_hole(&file, span.file_offset, span.len.into());
            if !hole.map_err(|source| Unreadable { file: span.file, source })? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(
        &mut self,
        span: &Span,
        open: &dyn Fn(FileIndex) -> io::Result<File>,
    ) -> Result<Arc<File>, Unreadable> {
        if let Some(file) = self.open.get(span.file) {
            return Ok(file);
        }
        let size = self.manifest.entries()[span.file as usize].size;
        let opened = open(span.file).and_then(|file| whole(file, size));
        let file = Arc::new(opened.map_err(|source| Unreadable { file: span.file, source })?);
        if u64::from(span.len) < size {
            self.open.insert(span.file, file.clone());
        }
        Ok(file)
    }
}

/// Refuses a file that has another size: a hole beyond its end would look like zeros.
fn whole(file: File, size: u64) -> io::Result<File> {
    if file.metadata()?.len() == size { Ok(file) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A file that is there and cannot be read, or is not as expected.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) file: FileIndex,
    pub(crate) source: io::Error,
}

impl Unreadable {
    /// Whether the file is merely gone, or shorter than it should be.
    pub(crate) fn is_absence(&self) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
        matches!(self.source.kind(), NotFound | NotADirectory | UnexpectedEof)
    }
}
