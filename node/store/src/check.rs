//! Compares files on disk with a manifest, chunk by chunk.
//!
//! A manifest knows the hashes of chunks, not of files. So a small file that shares a chunk with others
//! can be judged only while all of them are there; else it is [`State::Unsure`].

use std::io;

use cap_std::fs::{Metadata, MetadataExt};
use shoal_content::{ChunkIndex, ChunkSet, EntryKind, FileEntry, FileIndex, Manifest};

use super::compare::{Comparer, Unreadable};
use super::mode;
use super::parallel;
use super::tree::Tree;
use super::watch::{Cancelled, Watch};

/// Chunks that one thread compares one after another: they mostly lie side by side.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// What was found at an entry's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// It is what it should be; permissions do not count.
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

/// Why files could not be compared.
#[derive(Debug)]
pub(crate) enum CheckError {
    /// The caller asked to stop.
    Cancelled,
    /// This file cannot be read.
    Unreadable(Unreadable),
}

impl From<Cancelled> for CheckError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<Unreadable> for CheckError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Unreadable(unreadable)
    }
}

/// Files that are still in a part, which may be needed to judge those that are not.
pub(crate) struct Elsewhere<'a> {
    /// Where.
    pub(crate) tree: &'a Tree,
    /// The chunks whose bytes are there.
    pub(crate) chunks: &'a ChunkSet,
}

/// Compares all entries with what is in `tree`, on all cores. Errors are those of files that are there and cannot be
/// read.
pub(crate) fn check(
    manifest: &Manifest,
    tree: &Tree,
    elsewhere: Option<&Elsewhere<'_>>,
    watch: &Watch<'_>,
) -> Result<Checked, CheckError> {
    let mut all = Vec::with_capacity(manifest.entries().len());
    for (file, entry) in (0..).zip(manifest.entries()) {
        watch.check()?;
        all.push(look(tree, entry).map_err(|source| Unreadable { file, source })?);
    }
    let geometry = manifest.geometry();
    let is_there = |chunk: &ChunkIndex| geometry.spans(*chunk).any(|span| all[span.file as usize].present);
    let chunks: Vec<ChunkIndex> = (0..geometry.chunks()).filter(is_there).collect();
    watch.expect(chunks.iter().map(|chunk| u64::from(geometry.chunk_len(*chunk))).sum());
    let judged = |comparer: &mut Comparer<'_>, chunk: &ChunkIndex| {
        let verdict = judge(tree, elsewhere, comparer, &all, *chunk)?;
        watch.did(geometry.chunk_len(*chunk).into())?;
        Ok::<_, CheckError>(verdict)
    };
    let verdicts = parallel::map(&chunks, SIDE_BY_SIDE, || Comparer::new(manifest), judged)?;
    let mut matching = ChunkSet::with_capacity(manifest.chunks().len());
    for (chunk, verdict) in chunks.into_iter().zip(verdicts) {
        matching.set(chunk as usize, verdict == Verdict::Match);
        let shared = geometry.spans(chunk).nth(1).is_some();
        geometry.spans(chunk).for_each(|span| all[span.file as usize].apply(verdict, shared));
    }
    Ok(Checked { entries: all, matching })
}

/// What was found.
pub(crate) struct Checked {
    /// By entry.
    pub(crate) entries: Vec<Found>,
    /// Chunks that are there as a whole, perhaps in files that differ elsewhere.
    pub(crate) matching: ChunkSet,
}

/// One entry, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) state: State,
    /// Whether its owner may execute it, if it is a file.
    pub(crate) executable: bool,
    /// Whether others than its owner may read it, if it is no link.
    pub(crate) wide: bool,
    /// In bytes, if it is a file.
    pub(crate) size: u64,
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
    /// Takes a chunk's verdict into account: a difference counts more than an unknown.
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
    tree: &Tree,
    elsewhere: Option<&Elsewhere<'_>>,
    comparer: &mut Comparer<'_>,
    all: &[Found],
    chunk: ChunkIndex,
) -> Result<Verdict, Unreadable> {
    let manifest = comparer.manifest;
    let spare = elsewhere.filter(|e| e.chunks.contains(chunk as usize));
    let absent = manifest.geometry().spans(chunk).any(|span| !all[span.file as usize].present);
    if absent && spare.is_none() {
        return Ok(Verdict::Unsure);
    }
    let open = |file: FileIndex| {
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
        Err(error) if error.is_absence() => Ok(Verdict::Unsure),
        Err(error) => Err(error),
    }
}

fn look(tree: &Tree, entry: &FileEntry) -> io::Result<Found> {
    let Some(meta) = tree.look(&entry.path)? else {
        return Ok(Found { state: State::Missing, executable: false, wide: false, size: 0, present: false });
    };
    let state = compare(tree, entry, &meta)?;
    let present = meta.is_file() && state == State::Match;
    let wide = !meta.is_symlink() && !mode::is_private(meta.mode());
    let (executable, size) = match meta.is_file() {
        true => (meta.mode() & 0o100 != 0, meta.len()),
        false => (false, 0),
    };
    Ok(Found { state, executable, wide, size, present })
}

/// Compares kind and size; a file that passes still has to have its chunks compared.
fn compare(tree: &Tree, entry: &FileEntry, meta: &Metadata) -> io::Result<State> {
    Ok(match &entry.kind {
        EntryKind::Folder if meta.is_dir() => State::Match,
        _ if meta.is_dir() => State::Differs(Why::IsFolder),
        EntryKind::File { .. } if meta.is_file() && meta.len() == entry.size => State::Match,
        EntryKind::File { .. } if meta.is_file() => State::Differs(Why::Size(meta.len())),
        EntryKind::Link(target) if meta.is_symlink() => {
            let dir = tree.parent(&entry.path, None)?;
            let there = dir.read_link_contents(tree.leaf(&entry.path))?;
            let same = there.as_os_str() == target.as_str();
            if same { State::Match } else { State::Differs(Why::Target) }
        }
        _ => State::Differs(Why::Kind),
    })
}
