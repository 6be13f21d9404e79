//! Compares a folder or file with a manifest: what matches, what does not, what is too much.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use shoal_content::{Entry, EntryKind, Manifest, Shape};
use walkdir::WalkDir;

use super::check::{Found, State, Why, check};
use super::tree::Tree;

/// The most extra paths that a report lists.
pub const MAX_EXTRA: usize = 1000;

/// What was found of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// Every byte matches, and so does the executable bit.
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
    /// One for each entry of the manifest, in its order.
    pub entries: Vec<EntryState>,
    /// What is there and not in the manifest, relative to the base; at most [`MAX_EXTRA`] paths. Of a
    /// folder that is not in the manifest only itself is listed.
    pub extra: Vec<PathBuf>,
    /// How many such paths there are in all.
    pub extra_count: u64,
}

impl VerifyReport {
    /// Whether every entry matches. What is extra does not count.
    pub fn all_match(&self) -> bool {
        self.entries.iter().all(|e| *e == EntryState::Match)
    }
}

/// Compares what lies at `base`, the content's own folder or file, whatever its name. `progress` is told
/// now and then how many bytes of the content have been dealt with.
///
/// Links beneath `base` are not followed. Errors: `base` is not there or not of the right kind, or
/// something that is there cannot be read.
pub fn verify(manifest: &Manifest, base: &Path, progress: &(dyn Fn(u64) + Sync)) -> io::Result<VerifyReport> {
    let shape = manifest.root().shape;
    let base = base.canonicalize()?;
    let tree = match (shape, base.parent(), base.file_name()) {
        (Shape::File, Some(parent), Some(name)) => {
            let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            Tree::new(open(parent)?, parent.to_owned(), Some(name.to_owned()), shape)
        }
        _ => Tree::new(open(&base)?, base.clone(), None, shape),
    };
    let found = check(manifest, &tree, None, &|bytes| progress(bytes)).map_err(|(_, error)| error)?;
    let entries = found.iter().zip(manifest.entries()).map(|(found, entry)| describe(found, entry)).collect();
    let mut report = VerifyReport { entries, extra: Vec::new(), extra_count: 0 };
    if shape == Shape::Folder {
        find_extra(manifest, &base, &mut report)?;
    }
    Ok(report)
}

fn open(dir: &Path) -> io::Result<Arc<Dir>> {
    Dir::open_ambient_dir(dir, ambient_authority()).map(Arc::new)
}

fn describe(found: &Found, entry: &Entry) -> EntryState {
    let differs = |why: &str| EntryState::Differs { why: why.to_owned() };
    match &found.state {
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

fn find_extra(manifest: &Manifest, base: &Path, report: &mut VerifyReport) -> io::Result<()> {
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
        let item = item?;
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
