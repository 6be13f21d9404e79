//! Removes what a download left behind, and nothing else.

use std::collections::BTreeSet;
use std::io;

use cap_std::fs::Dir;
use shoal_content::{EntryKind, Manifest};

use super::files::{Place, TargetFiles, folders_above};
use crate::tree::{Tree, found};

/// Removes from the part what is not to be placed: entries that are not wanted (any more), or that are
/// at the final place already. What is no entry at all is not ours, and stays.
pub(super) fn remove_leftovers(manifest: &Manifest, files: &TargetFiles) -> io::Result<()> {
    let mut folders = BTreeSet::new();
    for (file, entry) in (0..).zip(manifest.entries()) {
        if files.place(file) == Place::Part {
            continue;
        }
        let Some(dir) = found(files.part.parent(&entry.path, None))? else { continue };
        let leaf = files.part.leaf(&entry.path);
        match &entry.kind {
            EntryKind::Folder => remove_if_empty(&dir, leaf)?,
            // A folder there is not ours.
            _ => match found(dir.symlink_metadata(leaf))? {
                Some(meta) if !meta.is_dir() => dir.remove_file(leaf)?,
                _ => continue,
            },
        }
        folders.extend(folders_above(entry.path.as_str()));
    }
    remove_empty(&files.part, &folders)
}

/// Removes the part's folders after everything in it has been moved. Returns whether it is gone; it is
/// not if something in it is not ours. A disk that does not let go of them is an error: without its journal,
/// which goes next, nobody would know the part again.
pub(super) fn remove_folders(manifest: &Manifest, part: &Tree) -> io::Result<bool> {
    let entries = manifest.entries().iter();
    let folders: BTreeSet<&str> = entries.flat_map(|e| folders_above(e.path.as_str())).collect();
    remove_empty(part, &folders)?;
    part.forget();
    remove_if_empty(part.dir(), part.top())?;
    Ok(found(part.dir().symlink_metadata(part.top()))?.is_none())
}

/// Removes those folders that are empty; of nested ones the inner first. The empty path is left out.
fn remove_empty(part: &Tree, folders: &BTreeSet<&str>) -> io::Result<()> {
    // A folder sorts before what is in it.
    for folder in folders.iter().rev().filter(|f| !f.is_empty()) {
        let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        if let Ok(dir) = part.folder(parent, None) {
            remove_if_empty(&dir, name)?;
        }
    }
    part.forget();
    Ok(())
}

/// Removes a folder. One that is gone, has something in it, or is none of ours in some other way, stays as it is.
fn remove_if_empty(dir: &Dir, name: &str) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory, NotFound, ResourceBusy};
    match dir.remove_dir(name) {
        Err(error)
            if matches!(
                error.kind(),
                AlreadyExists | DirectoryNotEmpty | NotADirectory | NotFound | ResourceBusy
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}
