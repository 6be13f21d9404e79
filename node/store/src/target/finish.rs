//! Moving a finished download to its final place.
//!
//! First, all that is still missing is made in the part and synced: empty files, empty folders, links.
//! If nothing has the final name, the part is renamed as a whole. Else its entries are moved one by one
//! (`merge`).

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::PoisonError;

use cap_std::fs::Dir;
use rustix::fs::{RenameFlags, renameat_with};
use rustix::io::Errno;
use shoal_content::{EntryKind, FileIndex, Shape};

use super::discard::{remove_folders, remove_leftovers};
use super::files::{Place, changed, folders_above};
use super::names::{UNFINISHED, is_unfinished};
use super::sync::{sync_file_system, sync_folder};
use super::{Placed, Target, TargetError};
use crate::ChunkStore;
use crate::serve::lock;
use crate::show;
use crate::tree::found;

/// With more folders than these, syncing the whole file system is quicker.
const SYNC_ONE_BY_ONE: usize = 128;

impl Target {
    /// See [`Target::finish`].
    pub(super) fn place_all(&self) -> Result<Placed, TargetError> {
        let _one = lock(&self.durable);
        if let Some(placed) = &*self.phase.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(placed.clone());
        }
        let missing = self.plan.wanted.difference(&lock(&self.progress).done).count();
        if missing > 0 {
            return Err(TargetError::Incomplete { missing });
        }
        if !self.already {
            // The slow part comes before the lock, so that reading goes on meanwhile.
            self.complete_part()?;
        }
        self.refuse_unfinished()?;
        let mut phase = self.phase.write().unwrap_or_else(PoisonError::into_inner);
        self.served.files().close();
        let done = self.place();
        // Whether or not all went well: what has been moved is no longer where it was.
        self.served.moved(|file| self.stamp_of(file));
        done?;
        let placed = Placed { path: self.path(), already_there: self.already };
        *phase = Some(placed.clone());
        Ok(placed)
    }

    /// Fails if the final name has become that of another download's part meanwhile.
    fn refuse_unfinished(&self) -> Result<(), TargetError> {
        let last = &self.served.files().last;
        let path = || last.root();
        match is_unfinished(last.dir(), last.top()) {
            Ok(false) => Ok(()),
            Ok(true) => Err(TargetError::InTheWay { path: path(), what: UNFINISHED }),
            Err(source) => Err(TargetError::Io { path: path(), source }),
        }
    }

    fn place(&self) -> Result<(), TargetError> {
        let renamed = !self.already && self.rename_whole()?;
        if !renamed {
            // Before anything is put into them.
            self.narrow_folders()?;
        }
        if !self.already && !renamed {
            self.merge()?;
        }
        let files = self.served.files();
        for file in &self.modes {
            self.set_mode(*file).map_err(self.blocked_at(files.last.path(&files.entry(*file).path)))?;
        }
        let mut progress = lock(&self.progress);
        if progress.journal.is_none() {
            return Ok(());
        }
        remove_leftovers(self.manifest(), files).map_err(self.blocked_at(files.part.root()))?;
        if self.manifest().root().shape == Shape::Folder {
            let gone = remove_folders(self.manifest(), &files.part);
            if !gone.map_err(self.blocked_at(files.part.root()))? {
                tracing::warn!("'{}' has something in it that is not ours", show(&files.part.root()));
            }
        }
        let dir = files.part.dir();
        found(dir.remove_file(&self.journal_name)).map_err(self.blocked_at(self.journal_path.clone()))?;
        progress.journal = None;
        Ok(())
    }

    pub(super) fn blocked_at(&self, path: PathBuf) -> impl FnOnce(io::Error) -> TargetError {
        move |source| TargetError::Blocked { path, source }
    }

    /// The entries that are in the part.
    pub(super) fn in_part(&self) -> impl Iterator<Item = FileIndex> {
        let all = 0..self.manifest().entries().len() as FileIndex;
        all.filter(|file| self.served.files().place(*file) == Place::Part)
    }

    /// Makes what has no chunks, checks that all else is there, and syncs everything.
    fn complete_part(&self) -> Result<(), TargetError> {
        let files = self.served.files();
        let mut folders = BTreeSet::new();
        if self.manifest().root().shape == Shape::Folder {
            files.part.folder("", Some(self.manifest())).map_err(self.blocked_at(files.part.root()))?;
        }
        for file in self.in_part() {
            let path = &files.entry(file).path;
            self.complete(file).map_err(self.blocked_at(files.part.path(path)))?;
            folders.extend(folders_above(path.as_str()));
        }
        remove_leftovers(self.manifest(), files).map_err(self.blocked_at(files.part.root()))?;
        self.sync_all().map_err(self.blocked_at(files.part.root()))?;
        let in_bulk = folders.len() > SYNC_ONE_BY_ONE;
        let synced = match in_bulk.then(|| sync_file_system(files.part.dir())).transpose() {
            Ok(Some(true)) => Ok(()),
            Ok(_) => files.sync_folders(&files.part, folders.into_iter()),
            Err(error) => Err(error),
        };
        synced.map_err(self.blocked_at(files.part.root()))
    }

    fn complete(&self, file: FileIndex) -> io::Result<()> {
        let files = self.served.files();
        let entry = files.entry(file);
        match &entry.kind {
            EntryKind::Folder => files.part.folder(entry.path.as_str(), Some(self.manifest())).map(drop),
            EntryKind::Link(target) => {
                let dir = files.part.parent(&entry.path, Some(self.manifest()))?;
                make_link(&dir, files.part.leaf(&entry.path), target.as_str())
            }
            EntryKind::File { .. } if entry.size == 0 => files.writable(file).map(drop),
            EntryKind::File { .. } => match files.part.look(&entry.path)? {
                Some(meta) if meta.is_file() && meta.len() == entry.size => Ok(()),
                _ => Err(changed()),
            },
        }
    }

    /// Gives the part its final name. `false` if something has that name.
    fn rename_whole(&self) -> Result<bool, TargetError> {
        let files = self.served.files();
        let dir = files.part.dir();
        let is_folder = self.manifest().root().shape == Shape::Folder;
        match rename_new(dir, files.part.top(), dir, files.last.top(), is_folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            // Moved by an earlier try, which failed at something that came after.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.in_part().next().is_none() => {
                return Ok(false);
            }
            Err(source) => return Err(self.blocked_at(files.last.root())(source)),
        }
        self.in_part().for_each(|file| files.set_place(file, Place::Final));
        sync_folder(dir).map_err(self.blocked_at(files.last.root()))?;
        Ok(true)
    }
}

/// Makes a link, in place of another one if need be.
fn make_link(dir: &Dir, name: &str, target: &str) -> io::Result<()> {
    match dir.symlink_contents(target, name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if dir.read_link_contents(name).is_ok_and(|there| there.as_os_str() == target) {
                return Ok(());
            }
            dir.remove_file(name)?;
            dir.symlink_contents(target, name)
        }
        done => done,
    }
}

/// Renames without replacing: [`io::ErrorKind::AlreadyExists`] if there is something.
pub(super) fn rename_new(from: &Dir, old: &str, to: &Dir, new: &str, is_folder: bool) -> io::Result<()> {
    match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        done => return Ok(done?),
    }
    // The file system cannot. A file can be linked instead, which never replaces.
    if !is_folder {
        use io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
        match from.hard_link(old, to, new) {
            Ok(()) => return from.remove_file(old),
            // Nor can it do that.
            Err(error) if matches!(error.kind(), PermissionDenied | TooManyLinks | Unsupported) => {}
            Err(error) => return Err(error),
        }
    }
    // A file or an empty folder that somebody else makes between these two would be replaced.
    match found(to.symlink_metadata(new))? {
        Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        None => from.rename(old, to, new),
    }
}
