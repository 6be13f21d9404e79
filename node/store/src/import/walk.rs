//! Lists what lies at the roots, in canonical order.

use std::fs::{FileType, Metadata};
use std::ops::{ControlFlow, Range};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use shoal_content::{EntryKind, FileEntry, LinkTarget, SafePath, each_collision};
use walkdir::WalkDir;

use super::ImportError;
use super::roots::{Resolved, Roots};
use super::skipped::{SkipReason, SkippedList};
use crate::mode::is_private;
use crate::stamp::Stamp;

/// The unit of `st_blocks`, in bytes.
const BLOCK: u64 = 512;

/// What is known of something to share besides its entry.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) stamp: Stamp,
    /// Whether fewer blocks are allocated than its size needs: there may be holes.
    pub(super) sparse: bool,
    /// Whether the stamp could survive a change made after the file was read.
    pub(super) racy: bool,
}

/// Neighbours in a listing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) entries: &'a [FileEntry],
    /// At the same places.
    pub(super) facts: &'a [Facts],
}

impl<'a> Listed<'a> {
    pub(super) fn iter(self) -> impl Iterator<Item = (&'a FileEntry, &'a Facts)> {
        self.entries.iter().zip(self.facts)
    }
}

/// The same while they are read.
#[derive(Debug)]
pub(super) struct ListedMut<'a> {
    pub(super) entries: &'a [FileEntry],
    pub(super) facts: &'a mut [Facts],
}

impl ListedMut<'_> {
    /// Some of them, in two parts.
    pub(super) fn split(&mut self, part: Range<usize>, first: usize) -> (ListedMut<'_>, ListedMut<'_>) {
        let entries = self.entries[part.clone()].split_at(first);
        let facts = self.facts[part].split_at_mut(first);
        (ListedMut { entries: entries.0, facts: facts.0 }, ListedMut { entries: entries.1, facts: facts.1 })
    }
}

/// What was found. Two tables, because the first becomes the manifest's without a copy: there may be millions.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In canonical order.
    pub(super) entries: Vec<FileEntry>,
    /// At the same places.
    pub(super) facts: Vec<Facts>,
    pub(super) skipped: SkippedList,
    /// What cannot be shared for its name.
    unsafe_names: SkippedList,
}

/// Lists all files, links, and folders that are empty or private. Names that cannot be shared are refused all together,
/// or left out with what is beneath them.
pub(super) fn walk(
    resolved: &Resolved,
    skip_unsafe: bool,
    cancel: &AtomicBool,
) -> Result<Listing, ImportError> {
    let mut listing = Listing::default();
    match &resolved.roots {
        Roots::File(file) => listing.add_root_file(file, resolved.name.clone())?,
        Roots::Folder(folder) => listing.add_folder(folder, "", cancel)?,
        Roots::Several(all) => {
            for (name, root) in all {
                let Some(path) = listing.safe(root, name.clone()) else { continue };
                if root.is_dir() {
                    listing.add(path, EntryKind::Folder, &stat(root)?);
                    listing.add_folder(root, &format!("{name}/"), cancel)?;
                } else {
                    listing.add_root_file(root, path)?;
                }
            }
        }
    }
    listing.sort();
    listing.drop_collisions(&resolved.roots);
    if skip_unsafe {
        listing.skipped.append(std::mem::take(&mut listing.unsafe_names));
    } else if listing.unsafe_names.count > 0 {
        return Err(ImportError::UnsafeNames(listing.unsafe_names));
    }
    listing.drop_full_folders();
    Ok(listing)
}

impl Listing {
    fn add(&mut self, path: SafePath, kind: EntryKind, meta: &Metadata) {
        let is_file = matches!(kind, EntryKind::File { .. });
        let size = if is_file { meta.len() } else { 0 };
        let sparse = is_file && meta.blocks().saturating_mul(BLOCK) < size;
        let private = !matches!(kind, EntryKind::Link(_)) && is_private(meta.mode());
        self.entries.push(FileEntry { path, size, kind, private });
        self.facts.push(Facts { stamp: Stamp::of(meta), sparse, racy: false });
    }

    /// Puts all in canonical order. A walk goes depth first and by names within a folder, which is that order; so nothing has
    /// to be moved as a rule.
    fn sort(&mut self) {
        if self.entries.is_sorted_by(|a, b| a.path <= b.path) {
            return;
        }
        let mut all: Vec<_> = self.entries.drain(..).zip(self.facts.drain(..)).collect();
        all.sort_unstable_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        (self.entries, self.facts) = all.into_iter().unzip();
    }

    /// Keeps what is to be kept, place by place.
    fn keep(&mut self, keep: &[bool]) {
        let (mut of_entries, mut of_facts) = (keep.iter(), keep.iter());
        self.entries.retain(|_| of_entries.next().is_none_or(|keep| *keep));
        self.facts.retain(|_| of_facts.next().is_none_or(|keep| *keep));
    }

    pub(super) fn of(&self, files: Range<usize>) -> Listed<'_> {
        Listed { entries: &self.entries[files.clone()], facts: &self.facts[files] }
    }

    pub(super) fn of_mut(&mut self, files: Range<usize>) -> ListedMut<'_> {
        ListedMut { entries: &self.entries[files.clone()], facts: &mut self.facts[files] }
    }

    fn add_root_file(&mut self, file: &Path, path: SafePath) -> Result<(), ImportError> {
        let meta = stat(file)?;
        if !meta.is_file() {
            return Err(ImportError::NotShareable(file.to_owned()));
        }
        self.add(path, file_kind(&meta), &meta);
        Ok(())
    }

    /// Adds what is inside of a folder; `prefix` is empty or ends in `/`.
    fn add_folder(&mut self, folder: &Path, prefix: &str, cancel: &AtomicBool) -> Result<(), ImportError> {
        let mut walk = WalkDir::new(folder).min_depth(1).sort_by_file_name().into_iter();
        while let Some(item) = walk.next() {
            if cancel.load(Ordering::Relaxed) {
                return Err(ImportError::Cancelled);
            }
            let item = item.map_err(|error| unreadable(folder, error))?;
            let kind = item.file_type();
            if let Some(what) = special(kind) {
                self.skipped.add(item.into_path(), SkipReason::Special(what));
                continue;
            }
            let Some(path) = self.path_of(item.path(), folder, prefix) else {
                if kind.is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            };
            let meta = item.metadata().map_err(|error| unreadable(folder, error))?;
            let kind = match kind {
                _ if kind.is_dir() => EntryKind::Folder,
                _ if kind.is_symlink() => match link(item.path(), &path)? {
                    Ok(target) => EntryKind::Link(target),
                    Err(why) => {
                        self.skipped.add(item.into_path(), why);
                        continue;
                    }
                },
                _ => file_kind(&meta),
            };
            self.add(path, kind, &meta);
        }
        Ok(())
    }

    /// The path in the content of what lies in a folder; `None` if its name cannot be shared.
    fn path_of(&mut self, at: &Path, folder: &Path, prefix: &str) -> Option<SafePath> {
        match inside(at, folder) {
            Some(inside) => self.safe(at, format!("{prefix}{inside}")),
            None => {
                self.unsafe_names.add(at.to_owned(), SkipReason::NotUtf8);
                None
            }
        }
    }

    fn safe(&mut self, at: &Path, text: String) -> Option<SafePath> {
        SafePath::new(text).map_err(|why| self.unsafe_names.add(at.to_owned(), why.into())).ok()
    }

    /// Drops whatever some systems would take for something else that is here too.
    fn drop_collisions(&mut self, roots: &Roots) {
        let entries = &self.entries;
        let mut keep = vec![true; entries.len()];
        let _ = each_collision(
            entries.len(),
            |at| entries[at].path.as_str(),
            |collision| {
                let named = &entries[collision.at].path.as_str()[..collision.len];
                let beneath = |entry: &&FileEntry| {
                    let rest = entry.path.as_str().strip_prefix(named);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                let end = collision.at + entries[collision.at..].iter().take_while(beneath).count();
                keep[collision.at..end].fill(false);
                self.unsafe_names.add(roots.locate(named), SkipReason::Collides(collision.earlier));
                ControlFlow::Continue(())
            },
        );
        self.keep(&keep);
    }

    /// Only folders that are private or have nothing in them are entries. Canonical order puts what lies in a
    /// folder straight after it; a folder inside of it that goes too goes because something lies in that one.
    fn drop_full_folders(&mut self) {
        let next = |at: usize| self.entries.get(at + 1).map(|entry| &entry.path);
        let keep = |(at, entry): (usize, &FileEntry)| {
            let full = next(at).is_some_and(|next| next.is_beneath(&entry.path));
            !(full && entry.kind == EntryKind::Folder && !entry.private)
        };
        let keep: Vec<bool> = self.entries.iter().enumerate().map(keep).collect();
        self.keep(&keep);
    }
}

/// What follows the folder in a path beneath it, if it is UTF-8. (`Path::strip_prefix` does the same by
/// components, which takes longer.)
fn inside<'a>(path: &'a Path, folder: &Path) -> Option<&'a str> {
    let rest = path.as_os_str().as_bytes().strip_prefix(folder.as_os_str().as_bytes())?;
    std::str::from_utf8(rest.strip_prefix(b"/").unwrap_or(rest)).ok()
}

fn file_kind(meta: &Metadata) -> EntryKind {
    EntryKind::File { executable: meta.mode() & 0o100 != 0 }
}

/// What cannot be shared at all.
fn special(kind: FileType) -> Option<&'static str> {
    match kind {
        _ if kind.is_fifo() => Some("a named pipe"),
        _ if kind.is_socket() => Some("a socket"),
        _ if kind.is_block_device() || kind.is_char_device() => Some("a device"),
        _ => None,
    }
}

/// Reads a link; the inner error says why it cannot be shared.
fn link(at: &Path, path: &SafePath) -> Result<Result<LinkTarget, SkipReason>, ImportError> {
    let target = std::fs::read_link(at).map_err(|source| ImportError::Io { path: at.to_owned(), source })?;
    let Some(target) = target.to_str() else {
        return Ok(Err(SkipReason::LinkNotUtf8));
    };
    Ok(LinkTarget::new(path, target).map_err(|_| SkipReason::LinkOutside(target.to_owned())))
}

fn stat(path: &Path) -> Result<Metadata, ImportError> {
    path.symlink_metadata().map_err(|source| ImportError::Io { path: path.to_owned(), source })
}

fn unreadable(folder: &Path, error: walkdir::Error) -> ImportError {
    let path = error.path().unwrap_or(folder).to_owned();
    let source = error.into_io_error().unwrap_or_else(|| std::io::Error::other("a loop of links"));
    // It was listed a moment ago.
    if source.kind() == std::io::ErrorKind::NotFound {
        return ImportError::Changed { path };
    }
    ImportError::Io { path, source }
}
