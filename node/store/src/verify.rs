//! Compares a folder or file with a manifest: what matches, what does not, what is too much.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt};
use shoal_content::{EntryKind, FileEntry, Manifest, Shape};
use walkdir::WalkDir;

use super::check::{CheckError, Found, State, Why, check};
use super::compare::Unreadable;
use super::mode;
use super::show;
use super::tree::Tree;
use super::watch::{Cancelled, ScanProgress, Watch};

/// The most extra paths that a report lists.
pub const MAX_EXTRA: usize = 1000;

/// What was found of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// Every byte matches, and so does the executable bit; others cannot read what they should not.
    Match,
    /// It is there and differs.
    Differs {
        /// How, for people; nothing in it needs escaping.
        why: String,
    },
    /// It is there in the right size, but shares a chunk with files that are not: the manifest knows
    /// hashes of chunks only, so it cannot be judged without them.
    Unsure,
    /// It is not there.
    Missing,
}

/// What [`verify`](verify()) found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The content's own folder: it differs if others can read it and should not. A match for a single file.
    pub folder: EntryState,
    /// One for each entry of the manifest, in its order.
    pub entries: Vec<EntryState>,
    /// What is there and not in the manifest, relative to the base; at most [`MAX_EXTRA`] paths. Of a
    /// folder that is not in the manifest only itself is listed.
    pub extra: Vec<PathBuf>,
    /// How many such paths there are in all.
    pub extra_count: u64,
}

impl VerifyReport {
    /// Whether the folder and every entry match. What is extra does not count.
    pub fn all_match(&self) -> bool {
        self.entries.iter().chain([&self.folder]).all(|e| *e == EntryState::Match)
    }
}

/// Why nothing could be compared.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// It is not there or of the wrong kind, or something that is there cannot be read.
    #[error("cannot read '{}': {source}", show(path))]
    Io {
        /// What.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Compares what lies at `base`, the content's own folder or file, whatever its name, on all cores. `progress` is
/// called now and then, from several threads at once; set `cancel` to stop early, which takes effect within a chunk.
///
/// Links beneath `base` are not followed.
pub fn verify(
    manifest: &Manifest,
    base: &Path,
    progress: &(dyn Fn(ScanProgress) + Sync),
    cancel: &AtomicBool,
) -> Result<VerifyReport, VerifyError> {
    let watch = Watch::new(progress, cancel);
    let shape = manifest.root().shape;
    let unreadable = |source| VerifyError::Io { path: base.to_owned(), source };
    let real = base.canonicalize().map_err(unreadable)?;
    let tree = tree_at(&real, shape).map_err(unreadable)?;
    let found = check(manifest, &tree, None, &watch).map_err(|error| match error {
        CheckError::Cancelled => VerifyError::Cancelled,
        CheckError::Unreadable(Unreadable { file, source }) => {
            VerifyError::Io { path: tree.path(&manifest.entries()[file as usize].path), source }
        }
    })?;
    let entries =
        found.entries.iter().zip(manifest.entries()).map(|(found, entry)| describe(found, entry)).collect();
    let wide = !mode::is_private(tree.dir().dir_metadata().map_err(unreadable)?.mode());
    let folder = if manifest.root().private && wide { readable_by_others() } else { EntryState::Match };
    let mut report = VerifyReport { folder, entries, extra: Vec::new(), extra_count: 0 };
    if shape == Shape::Folder {
        find_extra(manifest, &real, &watch, &mut report)?;
    }
    Ok(report)
}

fn tree_at(base: &Path, shape: Shape) -> io::Result<Tree> {
    let open = |dir: &Path| Dir::open_ambient_dir(dir, ambient_authority()).map(Arc::new);
    match (shape, base.parent(), base.file_name()) {
        (Shape::File, Some(parent), Some(name)) => {
            let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            Ok(Tree::new(open(parent)?, parent.to_owned(), Some(name.to_owned()), shape))
        }
        _ => Ok(Tree::new(open(base)?, base.to_owned(), None, shape)),
    }
}

fn readable_by_others() -> EntryState {
    EntryState::Differs { why: "others than its owner can read it".to_owned() }
}

fn describe(found: &Found, entry: &FileEntry) -> EntryState {
    let differs = |why: &str| EntryState::Differs { why: why.to_owned() };
    match &found.state {
        State::Match if entry.private && found.wide => readable_by_others(),
        State::Match => match entry.kind {
            EntryKind::File { executable: true } if !found.executable => differs("it is not executable"),
            EntryKind::File { executable: false } if found.executable => differs("it is executable"),
            _ => EntryState::Match,
        },
        State::Missing => EntryState::Missing,
        State::Unsure => EntryState::Unsure,
        State::Differs(Why::IsFolder) => differs("it is a folder"),
        State::Differs(Why::Kind) => differs("it is of another kind"),
        State::Differs(Why::Size(bytes)) => {
            differs(&format!("it has {bytes} bytes instead of {}", entry.size))
        }
        State::Differs(Why::Target) => differs("it is a link to somewhere else"),
        State::Differs(Why::Contents) => differs("its contents differ"),
        State::Differs(Why::Shared) => differs("its contents, or those of a file stored with it, differ"),
    }
}

fn find_extra(
    manifest: &Manifest,
    base: &Path,
    watch: &Watch<'_>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    let mut known: HashSet<&str> = HashSet::new();
    for entry in manifest.entries() {
        let mut path = entry.path.as_str();
        // The folders above too; those above a known one are known.
        while known.insert(path) {
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None => break,
            }
        }
    }
    let mut walk = WalkDir::new(base).min_depth(1).into_iter();
    while let Some(item) = walk.next() {
        watch.check().map_err(|Cancelled| VerifyError::Cancelled)?;
        let item = item.map_err(|error| {
            let path = error.path().unwrap_or(base).to_owned();
            VerifyError::Io { path, source: error.into() }
        })?;
        let inside = item.path().strip_prefix(base).unwrap_or(item.path());
        if inside.to_str().is_some_and(|text| known.contains(text)) {
            continue;
        }
        report.extra_count += 1;
        if report.extra.len() < MAX_EXTRA {
            report.extra.push(inside.to_owned());
        }
        if item.file_type().is_dir() {
            walk.skip_current_dir();
        }
    }
    Ok(())
}
