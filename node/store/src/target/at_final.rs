//! Entries that are already at the final place of a download, and whether they may be changed.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

use shoal_content::{EntryKind, FileIndex, Manifest, PACKED_BELOW, Shape};

use super::TargetError;
use super::error::MAX_NAMED;
use super::files::{Place, folders_above};
use super::in_place::OldFiles;
use super::layout::Plan;
use super::names::{UNFINISHED, is_unfinished};
use crate::check::{CheckError, Checked, Elsewhere, Found, State, Why, check};
use crate::tree::{Tree, found};
use crate::watch::Watch;

/// The final place, before anything of this download is there.
pub(super) struct FinalPlace<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) plan: &'a Plan,
    pub(super) tree: &'a Tree,
    pub(super) force: bool,
}

/// What was found there.
pub(super) struct AtFinal {
    /// Where each entry will lie.
    pub(super) places: Vec<Place>,
    /// Files whose permissions have to be changed.
    pub(super) modes: Vec<FileIndex>,
    /// Whether all that is wanted is there.
    pub(super) already: bool,
    /// What can be taken from there.
    pub(super) old: OldFiles,
}

impl FinalPlace<'_> {
    /// Compares the entries there with the manifest. Fails if one is in the way that must not be changed.
    pub(super) fn look(
        &self,
        elsewhere: Option<&Elsewhere<'_>>,
        watch: &Watch<'_>,
    ) -> Result<AtFinal, TargetError> {
        let unreadable = |source| TargetError::Io { path: self.tree.root(), source };
        let in_the_way = |what| Err(TargetError::InTheWay { path: self.tree.root(), what });
        if is_unfinished(self.tree.dir(), self.tree.top()).map_err(unreadable)? {
            return in_the_way(UNFINISHED);
        }
        let root = found(self.tree.dir().symlink_metadata(self.tree.top())).map_err(unreadable)?;
        match (root, self.manifest.root().shape) {
            (None, _) => return Ok(self.nothing_there()),
            (Some(meta), Shape::Folder) if !meta.is_dir() => return in_the_way("not a folder"),
            (Some(meta), Shape::File) if meta.is_dir() => return in_the_way("a folder"),
            _ => {}
        }
        self.refuse_obstacles()?;
        let all = check(self.manifest, self.tree, elsewhere, watch).map_err(|error| match error {
            CheckError::Cancelled => TargetError::Cancelled,
            CheckError::Unreadable(it) => TargetError::Io { path: self.path(it.file), source: it.source },
        })?;
        self.refuse_differences(&all.entries)?;
        Ok(self.place(all))
    }

    fn path(&self, file: FileIndex) -> PathBuf {
        self.tree.path(&self.manifest.entries()[file as usize].path)
    }

    fn nothing_there(&self) -> AtFinal {
        let place = |file| if self.plan.entries[file] { Place::Part } else { Place::Nowhere };
        let places = (0..self.manifest.entries().len()).map(place).collect();
        AtFinal { places, modes: Vec::new(), already: false, old: OldFiles::default() }
    }

    /// Fails if something that is not a folder stands where a wanted entry needs one.
    fn refuse_obstacles(&self) -> Result<(), TargetError> {
        if self.manifest.root().shape == Shape::File {
            return Ok(());
        }
        let mut folders = BTreeSet::new();
        for file in self.plan.entries.ones() {
            folders.extend(folders_above(self.manifest.entries()[file].path.as_str()));
        }
        for folder in folders.into_iter().filter(|f| !f.is_empty()) {
            let path = || self.tree.root().join(folder);
            let is_obstacle = self.is_obstacle(folder);
            if is_obstacle.map_err(|source| TargetError::Io { path: path(), source })? {
                return Err(TargetError::InTheWay { path: path(), what: "not a folder" });
            }
        }
        Ok(())
    }

    /// Whether something is there, and not a folder.
    fn is_obstacle(&self, folder: &str) -> io::Result<bool> {
        let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        let meta = found(self.tree.folder(parent, None).and_then(|dir| dir.symlink_metadata(name)))?;
        Ok(meta.is_some_and(|meta| !meta.is_dir()))
    }

    /// Fails if wanted entries differ, unless they may be replaced.
    fn refuse_differences(&self, all: &[Found]) -> Result<(), TargetError> {
        let mut differing = Vec::new();
        let mut count = 0;
        for at in self.plan.entries.ones() {
            let State::Differs(why) = all[at].state else { continue };
            let in_the_way = |what| Err(TargetError::InTheWay { path: self.path(at as FileIndex), what });
            let entry = &self.manifest.entries()[at];
            match (why, &entry.kind) {
                (Why::IsFolder, _) => return in_the_way("a folder"),
                (_, EntryKind::Folder) => return in_the_way("not a folder"),
                _ => {}
            }
            count += 1;
            if differing.len() < MAX_NAMED {
                differing.push(entry.path.as_str().to_owned());
            }
        }
        if count > 0 && !self.force {
            return Err(TargetError::Exists { path: self.tree.root(), differing, count });
        }
        Ok(())
    }

    fn place(&self, all: Checked) -> AtFinal {
        let mut at_final = self.nothing_there();
        at_final.places.clear();
        at_final.already = true;
        for (at, found) in all.entries.iter().enumerate() {
            let wanted = self.plan.entries[at];
            let place = match found.state {
                // Files that are not wanted and match can be served.
                State::Match => Place::Final,
                _ if wanted => Place::Part,
                _ => Place::Nowhere,
            };
            at_final.already &= !wanted || place == Place::Final;
            let entry = &self.manifest.entries()[at];
            if wanted && found.size >= PACKED_BELOW && place == Place::Part {
                at_final.old.replaced.push(self.path(at as FileIndex));
            }
            if let EntryKind::File { executable } = entry.kind
                && wanted
                && place == Place::Final
                && (executable != found.executable || entry.private && found.wide)
            {
                at_final.modes.push(at as FileIndex);
            }
            at_final.places.push(place);
        }
        at_final.old.matching = all.matching;
        at_final
    }
}
