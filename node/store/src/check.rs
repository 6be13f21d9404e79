//! Compares files on disk with a manifest, chunk by chunk.
//!
//! A manifest knows the hashes of chunks, not of files. So a small file that shares a chunk with others
//! can be judged only while all of them are there; else it is [`State::Unsure`].

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use cap_std::fs::{Metadata, MetadataExt};
use shoal_content::{ChunkIndex, ChunkSet, Entry, EntryKind, FileIndex, Hash, Manifest, Span};

use super::holes::{ZeroHashes, is_hole};
use super::lru::Lru;
use super::tree::Tree;

/// No more files than these are open at a time.
const OPEN_FILES: usize = 16;
/// Shorter spans are read rather than searched for holes, in bytes.
const WORTH_A_LOOK: u32 = 64 << 10;

/// What was found at an entry's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It is what it should be; the executable bit does not count.
    Match,
    /// Nothing is there.
    Missing,
    /// It has the right size, and at least one of its chunks has bytes in a file that cannot be read.
    Unsure,
    /// It is something else.
    Differs(Why),
}

/// How an entry differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// A folder stands there, and none should.
    IsFolder,
    /// Something stands there that is neither the right kind nor a folder.
    Kind,
    /// The size.
    Size(u64),
    /// A link to somewhere else.
    Target,
    /// The contents.
    Contents,
    /// The contents of this file or of one that shares a chunk with it.
    Shared,
}

/// Tells whether chunks match what is on disk.
pub(crate) struct Comparer<'a> {
    manifest: &'a Manifest,
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
    ) -> io::Result<bool> {
        let manifest = self.manifest;
        let entry = manifest.chunks()[chunk as usize];
        if self.is_hole(chunk, open)? {
            return Ok(self.zeros.get(entry.length) == entry.hash);
        }
        let mut buf = std::mem::take(&mut self.buf);
        buf.resize(entry.length as usize, 0);
        for span in manifest.geometry().spans(chunk) {
            self.file(&span, open)?.read_exact_at(&mut buf[span.in_chunk()], span.file_offset)?;
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
    ) -> io::Result<bool> {
        for span in self.manifest.geometry().spans(chunk) {
            if span.len < WORTH_A_LOOK
                || !is_hole(&*self.file(&span, open)?, span.file_offset, span.len.into())?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn file(&mut self, span: &Span, open: &dyn Fn(FileIndex) -> io::Result<File>) -> io::Result<Arc<File>> {
        if let Some(file) = self.open.get(span.file) {
            return Ok(file);
        }
        let size = self.manifest.entries()[span.file as usize].size;
        let file = Arc::new(open(span.file)?);
        // A hole beyond the end would look like zeros.
        if file.metadata()?.len() != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if u64::from(span.len) < size {
            self.open.insert(span.file, file.clone());
        }
        Ok(file)
    }
}

/// Files that are still in a part, which may be needed to judge those that are not.
pub(crate) struct Elsewhere<'a> {
    /// Where.
    pub(crate) tree: &'a Tree,
    /// The chunks whose bytes are there.
    pub(crate) chunks: &'a ChunkSet,
}

/// Compares all entries with what is in `tree`. `progress` is told how many bytes of the stream have
/// been dealt with. Errors are those of files that are there and cannot be read, with the file.
pub(crate) fn check(
    manifest: &Manifest,
    tree: &Tree,
    elsewhere: Option<&Elsewhere<'_>>,
    progress: &dyn Fn(u64),
) -> Result<Vec<Found>, (FileIndex, io::Error)> {
    let mut all = Vec::with_capacity(manifest.entries().len());
    for (file, entry) in (0..).zip(manifest.entries()) {
        all.push(look(tree, entry).map_err(|error| (file, error))?);
    }
    let mut comparer = Comparer::new(manifest);
    for chunk in 0..manifest.geometry().chunks() {
        let spans = || manifest.geometry().spans(chunk);
        if spans().any(|span| all[span.file as usize].present) {
            let verdict = judge(manifest, tree, elsewhere, &mut comparer, &all, chunk)?;
            let shared = spans().nth(1).is_some();
            spans().for_each(|span| all[span.file as usize].apply(verdict, shared));
        }
        progress(manifest.geometry().chunk(chunk).end);
    }
    Ok(all)
}

/// One entry, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) state: State,
    /// Whether its owner may execute it, if it is a file.
    pub(crate) executable: bool,
    /// A regular file of the right size.
    present: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Match,
    Unsure,
    Differs,
}

impl Found {
    /// Takes a chunk's verdict into account. A difference outweighs doubt.
    fn apply(&mut self, verdict: Verdict, shared: bool) {
        if !self.present {
            return;
        }
        match (verdict, &self.state) {
            (Verdict::Differs, State::Differs(Why::Contents)) => {}
            (Verdict::Differs, _) if shared => self.state = State::Differs(Why::Shared),
            (Verdict::Differs, _) => self.state = State::Differs(Why::Contents),
            (Verdict::Unsure, State::Match) => self.state = State::Unsure,
            _ => {}
        }
    }
}

fn judge(
    manifest: &Manifest,
    tree: &Tree,
    elsewhere: Option<&Elsewhere<'_>>,
    comparer: &mut Comparer<'_>,
    all: &[Found],
    chunk: ChunkIndex,
) -> Result<Verdict, (FileIndex, io::Error)> {
    use io::ErrorKind::{NotADirectory, NotFound, UnexpectedEof};
    let spare = elsewhere.filter(|e| e.chunks.contains(chunk as usize));
    let absent = manifest.geometry().spans(chunk).any(|span| !all[span.file as usize].present);
    if absent && spare.is_none() {
        return Ok(Verdict::Unsure);
    }
    let failed = std::cell::Cell::new(0);
    let open = |file: FileIndex| {
        failed.set(file);
        let path = &manifest.entries()[file as usize].path;
        match spare {
            Some(spare) if !all[file as usize].present => spare.tree.open_read(path),
            _ => tree.open_read(path),
        }
    };
    match comparer.matches(chunk, &open) {
        Ok(true) => Ok(Verdict::Match),
        // The part's bytes may be the wrong ones, after a loss of power.
        Ok(false) if absent => Ok(Verdict::Unsure),
        Ok(false) => Ok(Verdict::Differs),
        Err(e) if matches!(e.kind(), NotFound | NotADirectory | UnexpectedEof) => Ok(Verdict::Unsure),
        Err(error) => Err((failed.get(), error)),
    }
}

fn look(tree: &Tree, entry: &Entry) -> io::Result<Found> {
    let Some(meta) = tree.look(&entry.path)? else {
        return Ok(Found { state: State::Missing, executable: false, present: false });
    };
    let state = compare(tree, entry, &meta)?;
    let present = meta.is_file() && state == State::Match;
    Ok(Found { state, executable: meta.is_file() && meta.mode() & 0o100 != 0, present })
}

/// Compares kind and size; a file that passes still has to have its chunks compared.
fn compare(tree: &Tree, entry: &Entry, meta: &Metadata) -> io::Result<State> {
    Ok(match &entry.kind {
        EntryKind::Folder if meta.is_dir() => State::Match,
        _ if meta.is_dir() => State::Differs(Why::IsFolder),
        EntryKind::File { .. } if meta.is_file() && meta.len() == entry.size => State::Match,
        EntryKind::File { .. } if meta.is_file() => State::Differs(Why::Size(meta.len())),
        EntryKind::Link(target) if meta.is_symlink() => {
            let dir = tree.parent(&entry.path, false)?;
            let there = dir.read_link_contents(tree.leaf(&entry.path))?;
            let same = there.as_os_str() == target.as_str();
            if same { State::Match } else { State::Differs(Why::Target) }
        }
        _ => State::Differs(Why::Kind),
    })
}
