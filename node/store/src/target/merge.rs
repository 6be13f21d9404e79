//! Moving a finished download into what already has its final name, entry by entry.
//!
//! What always holds: all entries are decided before the first one is moved; a crash in between leaves a part whose
//! journal still holds, and files that match.

use std::collections::BTreeSet;
use std::io::{self, Read};

use shoal_content::{EntryKind, FileIndex};

use super::error::MAX_NAMED;
use super::files::{Place, folders_above};
use super::finish::rename_new;
use super::{Target, TargetError};
use crate::ChunkStore;

/// What becomes of an entry of the part when something has the final name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Nothing is at its place.
    Move,
    /// The same is there already; the part's copy goes.
    Keep,
    /// Something else is there, and force says to replace it.
    Replace,
}

impl Target {
    /// Moves the part's entries one by one.
    pub(super) fn merge(&self) -> Result<(), TargetError> {
        let files = self.served.files();
        let actions = self.plan_merge()?;
        let mut folders = BTreeSet::new();
        for (file, action) in actions {
            let path = &files.entry(file).path;
            self.move_one(file, action).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => self.exists(vec![file]),
                _ => self.blocked_at(files.last.path(path))(error),
            })?;
            files.set_place(file, Place::Final);
            folders.extend(folders_above(path.as_str()));
        }
        files.sync_folders(&files.last, folders.into_iter()).map_err(self.blocked_at(files.last.root()))
    }

    /// Decides for all entries before the first one is changed.
    fn plan_merge(&self) -> Result<Vec<(FileIndex, Action)>, TargetError> {
        let files = self.served.files();
        let mut actions = Vec::new();
        let mut differing = Vec::new();
        for file in self.in_part() {
            let path = files.last.path(&files.entry(file).path);
            let action =
                self.plan_one(file).map_err(|source| TargetError::Io { path: path.clone(), source })?;
            match action {
                Some(Action::Replace) if !self.force => differing.push(file),
                Some(action) => actions.push((file, action)),
                None => return Err(TargetError::InTheWay { path, what: "of another kind" }),
            }
        }
        if differing.is_empty() { Ok(actions) } else { Err(self.exists(differing)) }
    }

    fn exists(&self, differing: Vec<FileIndex>) -> TargetError {
        let files = self.served.files();
        let name = |file: &FileIndex| files.entry(*file).path.as_str().to_owned();
        TargetError::Exists {
            path: self.path(),
            count: differing.len(),
            differing: differing.iter().take(MAX_NAMED).map(name).collect(),
        }
    }

    /// `None` if what is there is never replaced.
    fn plan_one(&self, file: FileIndex) -> io::Result<Option<Action>> {
        let files = self.served.files();
        let entry = files.entry(file);
        let Some(meta) = files.last.look(&entry.path)? else { return Ok(Some(Action::Move)) };
        let same = match &entry.kind {
            EntryKind::Folder => return Ok(meta.is_dir().then_some(Action::Keep)),
            _ if meta.is_dir() => return Ok(None),
            EntryKind::Link(target) => {
                let dir = files.last.parent(&entry.path, None)?;
                let leaf = files.last.leaf(&entry.path);
                meta.is_symlink() && dir.read_link_contents(leaf)?.as_os_str() == target.as_str()
            }
            EntryKind::File { .. } => {
                let same_size = meta.is_file() && meta.len() == entry.size;
                same_size
                    && same_bytes(files.part.open_read(&entry.path)?, files.last.open_read(&entry.path)?)?
            }
        };
        Ok(Some(if same { Action::Keep } else { Action::Replace }))
    }

    fn move_one(&self, file: FileIndex, action: Action) -> io::Result<()> {
        let files = self.served.files();
        let entry = files.entry(file);
        if entry.kind == EntryKind::Folder {
            return files.last.folder(entry.path.as_str(), Some(self.manifest())).map(drop);
        }
        if action == Action::Keep {
            // The part's copy is removed with the other leftovers.
            return self.set_mode(file);
        }
        let from = files.part.parent(&entry.path, None)?;
        let to = files.last.parent(&entry.path, Some(self.manifest()))?;
        let (old, new) = (files.part.leaf(&entry.path), files.last.leaf(&entry.path));
        match action {
            Action::Replace => from.rename(old, &to, new),
            _ => rename_new(&from, old, &to, new, false),
        }
    }
}

fn same_bytes(mut a: impl Read, mut b: impl Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let len = a.read(&mut left)?;
        if len == 0 {
            return Ok(b.read(&mut right[..1])? == 0);
        }
        match b.read_exact(&mut right[..len]) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            done => done?,
        }
        if left[..len] != right[..len] {
            return Ok(false);
        }
    }
}
