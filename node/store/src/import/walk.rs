//! Lists what lies at the roots, in canonical order.

use std::fs::{FileType, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use shoal_content::{Entry, EntryKind, LinkTarget, SafePath};
use shoal_printable::Printable;
use walkdir::WalkDir;

use super::roots::Roots;
use super::{ImportError, Skipped};
use crate::mode::is_private;
use crate::stamp::Stamp;

/// The unit of `st_blocks`, in bytes.
const BLOCK: u64 = 512;

/// Something to share.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) entry: Entry,
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
    pub(super) skipped: Vec<Skipped>,
}

/// Lists all files, links, and folders that are empty or private. `name` is the name of the only entry of a single file.
pub(super) fn walk(roots: &Roots, name: &SafePath, cancel: &AtomicBool) -> Result<Listing, ImportError> {
    let mut listing = Listing::default();
    match roots {
        Roots::File(file) => listing.add_root_file(file, name.clone())?,
        Roots::Folder(folder) => listing.add_folder(folder, "", cancel)?,
        Roots::Several(all) => {
            for (name, root) in all {
                let path = safe(root, name.clone())?;
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
    listing.drop_full_folders();
    Ok(listing)
}

impl Found {
    fn new(path: SafePath, kind: EntryKind, meta: &Metadata) -> Self {
        let is_file = matches!(kind, EntryKind::File { .. });
        let size = if is_file { meta.len() } else { 0 };
        let sparse = is_file && meta.blocks().saturating_mul(BLOCK) < size;
        let private = !matches!(kind, EntryKind::Link(_)) && is_private(meta.mode());
        Self { entry: Entry { path, size, kind, private }, stamp: Stamp::of(meta), sparse, racy: false }
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
        for item in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
            if cancel.load(Ordering::Relaxed) {
                return Err(ImportError::Cancelled);
            }
            let item = item.map_err(|error| unreadable(folder, error))?;
            let kind = item.file_type();
            if let Some(what) = special(kind) {
                self.skip(item.into_path(), format!("it is {what}"));
                continue;
            }
            let inside =
                inside(item.path(), folder).ok_or_else(|| ImportError::NotUtf8(item.path().to_owned()))?;
            let path = safe(item.path(), format!("{prefix}{inside}"))?;
            let meta = item.metadata().map_err(|error| unreadable(folder, error))?;
            let kind = match kind {
                _ if kind.is_dir() => EntryKind::Folder,
                _ if kind.is_symlink() => match link(item.path(), &path)? {
                    Ok(target) => EntryKind::Link(target),
                    Err(why) => {
                        self.skip(item.into_path(), why);
                        continue;
                    }
                },
                _ => file_kind(&meta),
            };
            self.found.push(Found::new(path, kind, &meta));
        }
        Ok(())
    }

    fn skip(&mut self, path: PathBuf, why: String) {
        self.skipped.push(Skipped { path, why });
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

fn safe(at: &Path, text: String) -> Result<SafePath, ImportError> {
    SafePath::new(text).map_err(|why| ImportError::Unsafe { path: at.to_owned(), why })
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
fn link(at: &Path, path: &SafePath) -> Result<Result<LinkTarget, String>, ImportError> {
    let target = std::fs::read_link(at).map_err(|source| ImportError::Io { path: at.to_owned(), source })?;
    let Some(target) = target.to_str() else {
        return Ok(Err("it is a link whose target is not UTF-8".into()));
    };
    Ok(LinkTarget::new(path, target)
        .map_err(|_| format!("it is a link that leads outside ('{}')", Printable(target))))
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
