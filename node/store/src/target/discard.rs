//! Removes what a download left behind, and nothing else.

use std::collections::BTreeSet;
use std::io;

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
            EntryKind::Folder => drop(dir.remove_dir(leaf)),
            // A folder there is not ours.
            _ => match found(dir.symlink_metadata(leaf))? {
                Some(meta) if !meta.is_dir() => dir.remove_file(leaf)?,
                _ => continue,
            },
        }
        folders.extend(folders_above(entry.path.as_str()));
    }
    remove_empty(&files.part, &folders);
    Ok(())
}

/// Removes the part's folders after everything in it has been moved. Returns whether it is gone; it is
/// not if something in it is not ours.
pub(super) fn remove_folders(manifest: &Manifest, part: &Tree) -> bool {
    let entries = manifest.entries().iter();
    let folders: BTreeSet<&str> = entries.flat_map(|e| folders_above(e.path.as_str())).collect();
    remove_empty(part, &folders);
    part.forget();
    let _ = part.dir().remove_dir(part.top());
    matches!(found(part.dir().symlink_metadata(part.top())), Ok(None))
}

/// Removes those folders that are empty; of nested ones the inner first. The empty path is left out.
fn remove_empty(part: &Tree, folders: &BTreeSet<&str>) {
    // A folder sorts before what is in it.
    for folder in folders.iter().rev().filter(|f| !f.is_empty()) {
        let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        if let Ok(dir) = part.folder(parent, None) {
            // It fails if there is something in it, as it should.
            let _ = dir.remove_dir(name);
        }
    }
    part.forget();
}
