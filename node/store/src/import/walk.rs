//! Lists what lies at the roots, in canonical order.

use std::fs::{FileType, Metadata};
use std::ops::ControlFlow;
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

/// Something to share.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) entry: FileEntry,
    pub(super) stamp: Stamp,
    /// Whether fewer blocks are allocated than its size needs: there may be holes.
    pub(super) sparse: bool,
    /// Whether the stamp could survive a change made after the file was read.
    pub(super) racy: bool,
}

impl Found {
    /// Whether it has bytes.
    pub(super) fn has_bytes(&self) -> bool {
        self.entry.size > 0
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In canonical order.
    pub(super) found: Vec<Found>,
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
                    listing.found.push(Found::new(path, EntryKind::Folder, &stat(root)?));
                    listing.add_folder(root, &format!("{name}/"), cancel)?;
                } else {
                    listing.add_root_file(root, path)?;
                }
            }
        }
    }
    listing.found.sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
    listing.drop_collisions(&resolved.roots);
    if skip_unsafe {
        listing.skipped.append(std::mem::take(&mut listing.unsafe_names));
    } else if listing.unsafe_names.count > 0 {
        return Err(ImportError::UnsafeNames(listing.unsafe_names));
    }
    listing.drop_full_folders();
    Ok(listing)
}

impl Found {
    fn new(path: SafePath, kind: EntryKind, meta: &Metadata) -> Self {
        let is_file = matches!(kind, EntryKind::File { .. });
        let size = if is_file { meta.len() } else { 0 };
        let sparse = is_file && meta.blocks().saturating_mul(BLOCK) < size;
        let private = !matches!(kind, EntryKind::Link(_)) && is_private(meta.mode());
        Self { entry: FileEntry { path, size, kind, private }, stamp: Stamp::of(meta), sparse, racy: false }
    }
}

impl Listing {
    fn add_root_file(&mut self, file: &Path, path: SafePath) -> Result<(), ImportError> {
        let meta = stat(file)?;
        if !meta.is_file() {
            return Err(ImportError::NotShareable(file.to_owned()));
        }
        self.found.push(Found::new(path, file_kind(&meta), &meta));
        Ok(())
    }

    /// Adds what is inside of a folder; `prefix` is empty or ends in `/`.
    fn add_folder(&mut self, folder: &Path, prefix: &str, cancel: &AtomicBool) -> Result<(), ImportError> {
        // Depth first and by names within a folder: nearly canonical order, so that sorting is cheap.
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
            self.found.push(Found::new(path, kind, &meta));
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
        let found = &self.found;
        let mut keep = vec![true; found.len()];
        let _ = each_collision(
            found.len(),
            |at| found[at].entry.path.as_str(),
            |collision| {
                let named = &found[collision.at].entry.path.as_str()[..collision.len];
                let beneath = |f: &&Found| {
                    let rest = f.entry.path.as_str().strip_prefix(named);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                let end = collision.at + found[collision.at..].iter().take_while(beneath).count();
                keep[collision.at..end].fill(false);
                self.unsafe_names.add(roots.locate(named), SkipReason::Collides(collision.earlier));
                ControlFlow::Continue(())
            },
        );
        let mut keep = keep.into_iter();
        self.found.retain(|_| keep.next().unwrap_or(true));
    }

    /// Only folders that are private or have nothing in them are entries. Canonical order puts what lies in a
    /// folder straight after it; a folder inside of it that goes too goes because something lies in that one.
    fn drop_full_folders(&mut self) {
        let next = |at: usize| self.found.get(at + 1).map(|f| &f.entry.path);
        let keep = |(at, found): (usize, &Found)| {
            let full = next(at).is_some_and(|next| next.is_beneath(&found.entry.path));
            !(full && found.entry.kind == EntryKind::Folder && !found.entry.private)
        };
        let keep: Vec<bool> = self.found.iter().enumerate().map(keep).collect();
        let mut keep = keep.into_iter();
        self.found.retain(|_| keep.next().unwrap_or(true));
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
