//! Opening a download: what is there, whose it is, and what of it can be used.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use shoal_content::{ChunkSet, EntryKind, FileIndex, Manifest, Shape};

use super::files::{Place, TargetFiles, folders_above};
use super::journal::{BootId, Contents, Journal, LockError, Recorded};
use super::layout::Plan;
use super::names::{PartNames, journal_of};
use super::state::State as Progress;
use super::{Target, TargetError, TargetOptions};
use crate::check::{Elsewhere, Found, State, Why, check};
use crate::serve::Served;
use crate::stamp::Clock;
use crate::tree::{Tree, found};

/// How many differing entries an error names.
pub(super) const NAMED: usize = 5;
/// What [`is_unfinished`] is about, for people.
pub(super) const UNFINISHED: &str = "a download that is not finished";

/// A download that is being opened.
struct Opening {
    manifest: Arc<Manifest>,
    options: TargetOptions,
    plan: Plan,
    dir: Arc<Dir>,
    part: Tree,
    last: Tree,
    journal_name: String,
}

/// What was found at the final place.
struct AtFinal {
    /// Where each entry will lie.
    places: Vec<Place>,
    /// Files whose executable bit has to be changed.
    modes: Vec<FileIndex>,
    /// Whether all that is wanted is there.
    already: bool,
}

/// [`Target::open`] under a given boot of the system.
pub(super) fn open_at(
    manifest: Arc<Manifest>,
    options: TargetOptions,
    boot: Option<BootId>,
) -> Result<Target, TargetError> {
    let opening = Opening::new(manifest, options)?;
    let mut journal = opening.lock(false)?;
    let contents = match &mut journal {
        Some(journal) => opening.read_journal(journal)?,
        None => Contents::Empty,
    };
    let part_there = found(opening.dir.symlink_metadata(opening.part.top()))
        .map_err(|e| opening.unreadable(opening.part.root(), e))?;
    let recorded = match (&contents, &part_there) {
        (Contents::Ours(recorded), _) => Some(opening.expand(recorded)),
        _ => None,
    };
    let at_final = opening.look_at_final(recorded.as_ref())?;
    if let Some(stranger) = opening.stranger(&contents, part_there.as_ref()) {
        if at_final.already {
            // There is nothing to do, so it is in nobody's way.
            return opening.finish(at_final, None, None, boot);
        }
        return Err(stranger);
    }
    let recorded = match contents {
        Contents::Ours(recorded) => Some(recorded),
        _ => None,
    };
    opening.finish(at_final, journal, recorded, boot)
}

impl Opening {
    fn new(manifest: Arc<Manifest>, options: TargetOptions) -> Result<Self, TargetError> {
        let blocked = |source| TargetError::Blocked { path: options.dir.clone(), source };
        fs::create_dir_all(&options.dir).map_err(blocked)?;
        let dir = Dir::open_ambient_dir(&options.dir, ambient_authority()).map(Arc::new).map_err(blocked)?;
        let names = PartNames::new(&manifest);
        let shape = manifest.root().shape;
        let tree = |top: String| Tree::new(dir.clone(), options.dir.clone(), Some(top), shape);
        let (part, last) = (tree(names.part), tree(manifest.name().as_str().to_owned()));
        let plan = Plan::new(&manifest, &options.selection);
        Ok(Self { plan, dir, part, last, journal_name: names.journal, manifest, options })
    }

    fn journal_path(&self) -> PathBuf {
        self.options.dir.join(&self.journal_name)
    }

    fn blocked(&self, path: PathBuf, source: io::Error) -> TargetError {
        TargetError::Blocked { path, source }
    }

    fn unreadable(&self, path: PathBuf, source: io::Error) -> TargetError {
        TargetError::Io { path, source }
    }

    fn lock(&self, make: bool) -> Result<Option<Journal>, TargetError> {
        Journal::lock(&self.dir, &self.journal_name, make).map_err(|error| match error {
            LockError::Busy => TargetError::Busy { path: self.part.root() },
            LockError::Io(source) => self.blocked(self.journal_path(), source),
        })
    }

    fn read_journal(&self, journal: &mut Journal) -> Result<Contents, TargetError> {
        let read = journal.read(&self.manifest.id(), self.manifest.chunks().len());
        read.map_err(|e| self.unreadable(self.journal_path(), e))
    }

    /// Why the part or the journal is not this download's, if so.
    fn stranger(&self, contents: &Contents, part: Option<&cap_std::fs::Metadata>) -> Option<TargetError> {
        let wrong_kind = part.is_some_and(|meta| match self.manifest.root().shape {
            Shape::Folder => !meta.is_dir(),
            Shape::File => !meta.is_file(),
        });
        let other = |path, content| Some(TargetError::NotOurs { path, content });
        match contents {
            Contents::Other(id) => other(self.part.root(), Some(*id)),
            Contents::Unknown => other(self.journal_path(), None),
            Contents::Empty if part.is_some() => other(self.part.root(), None),
            Contents::Ours(_) if wrong_kind => other(self.part.root(), None),
            _ => None,
        }
    }

    /// All chunks that a journal says are in the part.
    fn expand(&self, recorded: &Recorded) -> ChunkSet {
        let mut all = recorded.chunks.clone();
        for chunk in &recorded.groups {
            self.plan.group(&self.manifest, *chunk).iter().for_each(|c| all.insert(*c as usize));
        }
        all.intersect_with(&self.plan.needed);
        all
    }

    /// Compares what is at the final place, and refuses what may not be touched.
    fn look_at_final(&self, recorded: Option<&ChunkSet>) -> Result<AtFinal, TargetError> {
        if is_unfinished(&self.dir, self.last.top()).map_err(|e| self.unreadable(self.last.root(), e))? {
            return Err(TargetError::InTheWay { path: self.last.root(), what: UNFINISHED });
        }
        let root = found(self.dir.symlink_metadata(self.last.top()))
            .map_err(|e| self.unreadable(self.last.root(), e))?;
        let in_the_way = |path, what| TargetError::InTheWay { path, what };
        match (root, self.manifest.root().shape) {
            (None, _) => return Ok(self.nothing_there()),
            (Some(meta), Shape::Folder) if !meta.is_dir() => {
                return Err(in_the_way(self.last.root(), "not a folder"));
            }
            (Some(meta), Shape::File) if meta.is_dir() => {
                return Err(in_the_way(self.last.root(), "a folder"));
            }
            _ => {}
        }
        self.refuse_obstacles()?;
        let elsewhere = recorded.map(|chunks| Elsewhere { tree: &self.part, chunks });
        let all = check(&self.manifest, &self.last, elsewhere.as_ref(), &|_| {})
            .map_err(|(file, e)| self.unreadable(self.final_path(file), e))?;
        self.refuse_differences(&all)?;
        Ok(self.place(&all))
    }

    fn final_path(&self, file: FileIndex) -> PathBuf {
        self.last.path(&self.manifest.entries()[file as usize].path)
    }

    fn nothing_there(&self) -> AtFinal {
        let place = |file| if self.plan.entries[file] { Place::Part } else { Place::Nowhere };
        let places = (0..self.manifest.entries().len()).map(place).collect();
        AtFinal { places, modes: Vec::new(), already: false }
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
            let (parent, name) = folder.rsplit_once('/').unwrap_or(("", folder));
            let meta = found(self.last.folder(parent, false).and_then(|dir| dir.symlink_metadata(name)));
            let path = || self.last.root().join(folder);
            if meta.map_err(|e| self.unreadable(path(), e))?.is_some_and(|meta| !meta.is_dir()) {
                return Err(TargetError::InTheWay { path: path(), what: "not a folder" });
            }
        }
        Ok(())
    }

    /// Fails if wanted entries differ, unless they may be replaced.
    fn refuse_differences(&self, all: &[Found]) -> Result<(), TargetError> {
        let mut differing = Vec::new();
        let mut count = 0;
        for at in self.plan.entries.ones() {
            let State::Differs(why) = all[at].state else { continue };
            let entry = &self.manifest.entries()[at];
            let path = || self.last.path(&entry.path);
            match (why, &entry.kind) {
                (Why::IsFolder, _) => {
                    return Err(TargetError::InTheWay { path: path(), what: "a folder" });
                }
                (_, EntryKind::Folder) => {
                    return Err(TargetError::InTheWay { path: path(), what: "not a folder" });
                }
                _ => {}
            }
            count += 1;
            if differing.len() < NAMED {
                differing.push(entry.path.as_str().to_owned());
            }
        }
        if count > 0 && !self.options.force {
            return Err(TargetError::Exists { path: self.last.root(), differing, count });
        }
        Ok(())
    }

    fn place(&self, all: &[Found]) -> AtFinal {
        let mut at_final =
            AtFinal { places: Vec::with_capacity(all.len()), modes: Vec::new(), already: true };
        for (at, found) in all.iter().enumerate() {
            let wanted = self.plan.entries[at];
            let place = match found.state {
                // Files that are not wanted and match can be served.
                State::Match => Place::Final,
                _ if wanted => Place::Part,
                _ => Place::Nowhere,
            };
            at_final.already &= !wanted || place == Place::Final;
            if let EntryKind::File { executable } = self.manifest.entries()[at].kind
                && wanted
                && place == Place::Final
                && executable != found.executable
            {
                at_final.modes.push(at as FileIndex);
            }
            at_final.places.push(place);
        }
        at_final
    }

    /// Makes the target of what was found.
    fn finish(
        self,
        at_final: AtFinal,
        journal: Option<Journal>,
        recorded: Option<Recorded>,
        boot: Option<BootId>,
    ) -> Result<Target, TargetError> {
        let expanded = recorded.as_ref().map(|r| self.expand(r));
        let need_journal = !at_final.already && journal.is_none();
        let journal = if need_journal { Some(self.make_journal()?) } else { journal };
        let (part_root, journal_path) = (self.part.root(), self.journal_path());
        let files = TargetFiles::new(self.manifest.clone(), self.part, self.last, at_final.places);
        let layout = files.layout();
        let trusted =
            recorded.as_ref().is_some_and(|r| r.boot.is_some() && r.boot == boot && r.layout == layout);
        let mut progress = Progress::new(self.manifest.chunks().len(), journal);
        let damaged = match &expanded {
            Some(expanded) => progress
                .take_recorded(&self.manifest, &self.plan, &files, expanded, trusted)
                .map_err(|source| TargetError::Io { path: part_root, source })?,
            None => 0,
        };
        let blocked = |source| TargetError::Blocked { path: journal_path.clone(), source };
        if let Some(journal) = progress.journal.as_mut() {
            if recorded.is_none() {
                journal.start(&self.manifest.id()).map_err(blocked)?;
            }
            if !trusted || damaged > 0 {
                // Before anything is written: the journal must never vouch for what is not there.
                journal.epoch(boot, &layout, &progress.stored).map_err(blocked)?;
            }
        }
        let served = Served::new(self.manifest.clone(), files, Clock::default());
        let target = Target {
            served,
            plan: self.plan,
            force: self.options.force,
            journal_name: self.journal_name,
            journal_path,
            modes: at_final.modes,
            already: at_final.already,
            report: Mutex::default(),
            phase: RwLock::default(),
            durable: Mutex::default(),
            progress: Mutex::new(progress),
            unsynced: Default::default(),
        };
        target.begin(damaged);
        Ok(target)
    }

    fn make_journal(&self) -> Result<Journal, TargetError> {
        let mut journal = self.lock(true)?.ok_or_else(|| TargetError::Busy { path: self.part.root() })?;
        // A moment ago there was none: another process has been quicker.
        match self.read_journal(&mut journal)? {
            Contents::Empty => Ok(journal),
            _ => Err(TargetError::Busy { path: self.part.root() }),
        }
    }
}

/// Whether a name is that of the part or the journal of some download: a content may be called like that. What
/// its journal vouches for must not change behind its back.
pub(super) fn is_unfinished(dir: &Dir, name: &str) -> io::Result<bool> {
    if Journal::is_one(dir, name)? {
        return Ok(true);
    }
    match Journal::is_one(dir, &journal_of(name)) {
        // No download can have it for a part.
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Ok(false),
        is_journal => is_journal,
    }
}
