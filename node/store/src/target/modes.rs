//! Permissions of what lies at the final place: files that matched and stay there, and folders that were there.
//!
//! Whatever is made by a download gets its permissions when it is made; see `mode`.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use cap_std::fs::{Dir, MetadataExt as _};
use rustix::fs::{Mode, fchmod};
use shoal_content::{EntryKind, FileIndex};

use super::files::folders_above;
use super::sync::readable;
use super::{Target, TargetError};
use crate::tree::found;
use crate::{ChunkStore, mode};

impl Target {
    /// Takes from others what they may do with folders that are there and private in the manifest, as far as
    /// something that is wanted lies in them.
    pub(super) fn narrow_folders(&self) -> Result<(), TargetError> {
        let last = &self.served.files().last;
        for path in self.private_folders() {
            let narrowed =
                found(last.folder(path, None)).and_then(|dir| dir.map_or(Ok(()), |dir| narrow(&dir)));
            narrowed.map_err(self.blocked_at(last.root().join(path)))?;
        }
        // Those that are still to be made may be among them.
        last.forget();
        Ok(())
    }

    /// The private folders that are wanted or have something wanted in them; the empty path is the content's.
    fn private_folders(&self) -> BTreeSet<&str> {
        let manifest = self.manifest();
        let mut folders = BTreeSet::new();
        let mut before = None;
        for file in self.plan.entries.ones() {
            let entry = &manifest.entries()[file];
            if entry.private && entry.kind == EntryKind::Folder {
                folders.insert(entry.path.as_str());
            }
            let parent = entry.path.parent();
            if before != Some(parent) {
                let private = |path: &&str| manifest.is_private_folder(path);
                folders.extend(folders_above(entry.path.as_str()).filter(private));
            }
            before = Some(parent);
        }
        folders
    }

    /// Sets or clears the executable bits of a file at the final place, for users that may read it. If the file is
    /// private, it takes all permissions from others.
    pub(super) fn set_mode(&self, file: FileIndex) -> io::Result<()> {
        let files = self.served.files();
        let entry = files.entry(file);
        let EntryKind::File { executable } = entry.kind else { return Ok(()) };
        let open = files.last.open_read(&entry.path)?;
        let meta = open.metadata()?;
        let mut mode = meta.mode() & 0o7777;
        if (mode & 0o100 != 0) != executable {
            mode = if executable { mode | (mode & 0o444) >> 2 } else { mode & !0o111 };
        }
        if entry.private {
            mode = mode::narrowed(mode).unwrap_or(mode);
        }
        // Another name of the same file may lie outside of the folder, or it may be somebody else's: its bytes
        // are right, so that is no reason to fail.
        if mode == meta.mode() & 0o7777 || meta.nlink() > 1 {
            return Ok(());
        }
        match open.set_permissions(Permissions::from_mode(mode)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            done => done,
        }
    }
}

fn narrow(dir: &Dir) -> io::Result<()> {
    match mode::narrowed(dir.dir_metadata()?.mode() & 0o7777) {
        Some(mode) => Ok(fchmod(readable(dir)?, Mode::from_raw_mode(mode))?),
        None => Ok(()),
    }
}
