//! The files of a download: which lie in the part, which at the final place.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fixedbitset::FixedBitSet;
use shoal_content::{FileEntry, FileIndex, Hash, Manifest, Shape};

use super::sync::{sync_file_system, sync_folder};
use crate::lru::Lru;
use crate::mode;
use crate::open_files::{kept_open, opened};
use crate::serve::{Files, Opened, lock};
use crate::stamp::Stamp;
use crate::tree::Tree;

/// No more files than these are kept open for writing.
const OPEN_FILES: usize = 128;
/// With more files and folders than these to sync, syncing the whole file system is quicker.
const SYNC_ONE_BY_ONE: usize = 128;

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it is not wanted.
    Nowhere = 0,
    /// In the part, or it will.
    Part = 1,
    /// At the final place, where it was found or has been moved to.
    Final = 2,
}

/// The files of a download.
#[derive(Debug)]
pub(super) struct TargetFiles {
    manifest: Arc<Manifest>,
    pub(super) part: Tree,
    pub(super) last: Tree,
    places: RwLock<Vec<Place>>,
    handles: Mutex<Lru<FileIndex, Arc<File>>>,
    dirty: Mutex<Dirty>,
    /// Files that have been in the part since it was opened, in their full length: a new one would lack what counts already.
    there: Mutex<FixedBitSet>,
}

/// What has to be synced.
#[derive(Debug, Default)]
struct Dirty {
    files: BTreeSet<FileIndex>,
    /// Folders inside of the part that got new files; the empty path is its own.
    folders: BTreeSet<String>,
}

impl TargetFiles {
    pub(super) fn new(manifest: Arc<Manifest>, part: Tree, last: Tree, places: Vec<Place>) -> Self {
        let handles = Mutex::new(Lru::new(kept_open(OPEN_FILES)));
        let there = Mutex::new(FixedBitSet::with_capacity(places.len()));
        Self { manifest, part, last, places: RwLock::new(places), handles, dirty: Mutex::default(), there }
    }

    pub(super) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(super) fn entry(&self, file: FileIndex) -> &FileEntry {
        &self.manifest.entries()[file as usize]
    }

    pub(super) fn place(&self, file: FileIndex) -> Place {
        self.places.read().unwrap_or_else(PoisonError::into_inner)[file as usize]
    }

    pub(super) fn set_place(&self, file: FileIndex, place: Place) {
        self.places.write().unwrap_or_else(PoisonError::into_inner)[file as usize] = place;
    }

    /// Closes what is kept open, because it is about to be moved, or for want of room.
    pub(super) fn close(&self) {
        lock(&self.handles).clear();
        self.part.forget();
        self.last.forget();
    }

    /// A file in the part, open for writing and of its full length. Made with the folders above it, if it is not there.
    pub(super) fn writable(&self, file: FileIndex) -> io::Result<Arc<File>> {
        self.open(file, false)
    }

    /// The same for bytes that are the whole file: a new one needs no length before them, and nobody comes back to it.
    pub(super) fn writable_at_once(&self, file: FileIndex) -> io::Result<Arc<File>> {
        self.open(file, true)
    }

    fn open(&self, file: FileIndex, at_once: bool) -> io::Result<Arc<File>> {
        // Bound to a name, so that the lock is not held while opening.
        let open = lock(&self.handles).get(file);
        if let Some(open) = open {
            return Ok(open);
        }
        let entry = self.entry(file);
        // Asked first: a file that another thread makes meanwhile is known once it has its length.
        let known = self.is_known(file);
        let made = opened(|| self.close(), || self.create(file))?;
        let open = match made {
            // What was in it is gone. The new one is empty, so nothing takes it for whole.
            Some(_) if entry.size > 0 && known => return Err(changed()),
            Some(new) => {
                if entry.size > 0 && !at_once {
                    new.set_len(entry.size)?;
                }
                new
            }
            None => opened(|| self.close(), || self.open_existing(entry, known))?,
        };
        let open = Arc::new(open);
        if !at_once {
            self.now_known(file);
            lock(&self.handles).insert(file, open.clone());
        }
        Ok(open)
    }

    /// Makes a file, which is tried first because there may be a million of them; `None` if it is there already.
    fn create(&self, file: FileIndex) -> io::Result<Option<File>> {
        let entry = self.entry(file);
        match self.part.create(entry, &self.manifest) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error),
            Ok(made) => {
                let mut dirty = lock(&self.dirty);
                dirty.files.insert(file);
                for folder in folders_above(entry.path.as_str()) {
                    // With a folder, those above it have been noted.
                    if dirty.folders.contains(folder) {
                        break;
                    }
                    dirty.folders.insert(folder.to_owned());
                }
                Ok(Some(made))
            }
        }
    }

    fn open_existing(&self, entry: &FileEntry, known: bool) -> io::Result<File> {
        let opened = self.part.open_write(&entry.path)?;
        let meta = opened.metadata()?;
        // Another name of the file may well lie outside of the target folder.
        if meta.nlink() > 1 {
            return Err(io::Error::other("it has another name (a hard link): remove it"));
        }
        if entry.private
            && let Some(mode) = mode::narrowed(meta.mode())
        {
            opened.set_permissions(Permissions::from_mode(mode))?;
        }
        if meta.len() != entry.size {
            if known {
                return Err(changed());
            }
            opened.set_len(entry.size)?;
        }
        Ok(opened)
    }

    fn is_known(&self, file: FileIndex) -> bool {
        lock(&self.there).contains(file as usize)
    }

    fn now_known(&self, file: FileIndex) {
        lock(&self.there).insert(file as usize);
    }

    /// Some bytes of a file have been written, or may have been since the last sync.
    pub(super) fn wrote(&self, file: FileIndex) {
        self.now_known(file);
        lock(&self.dirty).files.insert(file);
    }

    /// Whether there is anything to sync.
    #[cfg(test)]
    pub(super) fn is_dirty(&self) -> bool {
        !lock(&self.dirty).files.is_empty()
    }

    /// Makes sure that all that was written to the part is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let dirty = std::mem::take(&mut *lock(&self.dirty));
        let result = self.sync_these(&dirty);
        if result.is_err() {
            let mut again = lock(&self.dirty);
            again.files.extend(dirty.files);
            again.folders.extend(dirty.folders);
        }
        result
    }

    fn sync_these(&self, dirty: &Dirty) -> io::Result<()> {
        if dirty.files.is_empty() && dirty.folders.is_empty() {
            return Ok(());
        }
        if dirty.files.len() + dirty.folders.len() > SYNC_ONE_BY_ONE && sync_file_system(self.part.dir())? {
            return Ok(());
        }
        for file in &dirty.files {
            self.writable(*file)?.sync_data()?;
        }
        self.sync_folders(&self.part, dirty.folders.iter().map(String::as_str))
    }

    /// Syncs folders of a tree and the folder that holds it all.
    pub(super) fn sync_folders<'a>(
        &self,
        tree: &Tree,
        folders: impl Iterator<Item = &'a str>,
    ) -> io::Result<()> {
        if self.manifest.root().shape == Shape::Folder {
            for folder in folders {
                let dir = tree.folder(folder, None)?;
                sync_folder(&dir)?;
            }
        }
        sync_folder(tree.dir())
    }

    /// A digest of where everything lies; a journal holds for one arrangement only.
    pub(super) fn layout(&self) -> Hash {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        Hash::of(&places.iter().map(|place| *place as u8).collect::<Vec<_>>())
    }
}

/// What lies in the part is not what this download has put there.
pub(super) fn changed() -> io::Error {
    io::Error::other("someone else has changed it: start the download again")
}

/// The folders above an entry, inside of the content, down to the content's own, which is empty.
pub(super) fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    let parent = |path: &str| path.rfind('/').unwrap_or(0);
    std::iter::successors(Some(&path[..parent(path)]), move |path| {
        (!path.is_empty()).then(|| &path[..parent(path)])
    })
}

impl Files for TargetFiles {
    fn open(&self, file: FileIndex) -> io::Result<Opened> {
        let path = &self.entry(file).path;
        match self.place(file) {
            Place::Part => {
                let open = lock(&self.handles).get(file);
                let open = open.map_or_else(|| self.part.open_read(path).map(Arc::new), Ok)?;
                Ok(Opened { file: open, id: Stamp::OURS.id() })
            }
            Place::Final => {
                let open = self.last.open_read(path)?;
                let id = Stamp::of(&open.metadata()?).id();
                Ok(Opened { file: Arc::new(open), id })
            }
            Place::Nowhere => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Nobody else writes to the part, so its files always have the same stamp.
    fn stamp(&self, file: FileIndex) -> io::Result<Stamp> {
        match self.place(file) {
            Place::Part => Ok(Stamp::OURS),
            Place::Final => {
                let meta = self.last.look(&self.entry(file).path)?;
                meta.map(|meta| Stamp::of_cap(&meta)).ok_or(io::ErrorKind::NotFound.into())
            }
            Place::Nowhere => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn path(&self, file: FileIndex) -> PathBuf {
        let tree = if self.place(file) == Place::Final { &self.last } else { &self.part };
        tree.path(&self.entry(file).path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_folders_above_are_found() {
        assert_eq!(folders_above("a/b/c").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(folders_above("c").collect::<Vec<_>>(), [""]);
    }
}
