//! Opening a download: finds a part, checks that it is this content's, and takes over what can be used.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use shoal_content::{ChunkSet, ContentId, Hash, Manifest, Shape};

use super::at_final::{AtFinal, FinalPlace};
use super::files::TargetFiles;
use super::inherited::Inherited;
use super::journal::{Contents, Journal, LockError, Pieces, Recorded};
use super::layout::Plan;
use super::names::PartNames;
use super::state::State;
use super::{Target, TargetError, TargetOptions};
use crate::check::{CheckError, Elsewhere};
use crate::serve::{Files, Served};
use crate::stamp::Clock;
use crate::tree::{Tree, found};
use crate::watch::Watch;

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

/// See [`Target::open`].
pub(super) fn open_at(
    manifest: Arc<Manifest>,
    options: TargetOptions,
    watch: &Watch<'_>,
) -> Result<Target, TargetError> {
    options.reuse.check()?;
    let reuse = options.reuse.clone();
    let opening = Opening::new(manifest, options)?;
    let mut journal = opening.lock(false)?;
    let contents = match &mut journal {
        Some(journal) => opening.read_journal(journal)?,
        None => Contents::Empty,
    };
    let part_there = found(opening.dir.symlink_metadata(opening.part.top()))
        .map_err(|e| opening.unreadable(opening.part.root(), e))?;
    let recorded = match &contents {
        Contents::Ours(recorded) => Some(opening.expand(recorded)),
        _ => None,
    };
    let mut at_final = opening.look_at_final(recorded.as_ref(), watch)?;
    if let Some(stranger) = opening.stranger(&contents, part_there.as_ref()) {
        // If there is nothing to do, it is in nobody's way.
        return if at_final.already { opening.finish(at_final, None, None, watch) } else { Err(stranger) };
    }
    let recorded = match contents {
        Contents::Ours(recorded) => Some(recorded),
        _ => None,
    };
    let old = std::mem::take(&mut at_final.old);
    let target = opening.finish(at_final, journal, recorded, watch)?;
    target.reuse(&reuse, old, watch)?;
    Ok(target)
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

    fn look_at_final(&self, recorded: Option<&ChunkSet>, watch: &Watch<'_>) -> Result<AtFinal, TargetError> {
        let elsewhere = recorded.map(|chunks| Elsewhere { tree: &self.part, chunks });
        let (tree, force) = (&self.last, self.options.force);
        let place = FinalPlace { manifest: &self.manifest, plan: &self.plan, tree, force };
        place.look(elsewhere.as_ref(), watch)
    }

    /// Makes the target of what was found.
    fn finish(
        self,
        at_final: AtFinal,
        journal: Option<Journal>,
        recorded: Option<Recorded>,
        watch: &Watch<'_>,
    ) -> Result<Target, TargetError> {
        let need_journal = !at_final.already && journal.is_none();
        let journal = if need_journal { Some(self.make_journal()?) } else { journal };
        let expanded = recorded.as_ref().map(|r| self.expand(r));
        let new = recorded.is_none().then(|| self.manifest.id());
        let journal_path = self.journal_path();
        let files = TargetFiles::new(self.manifest.clone(), self.part, self.last, at_final.places);
        let layout = files.layout();
        let (same_layout, pieces) = match recorded {
            Some(recorded) if recorded.layout == layout => (true, recorded.pieces),
            _ => (false, Pieces::new()),
        };
        let mut progress = State::new(self.manifest.chunks().len(), journal);
        let inherited = Inherited { files: &files, pieces: &pieces };
        let damaged = match &expanded {
            Some(expanded) => take_over(&inherited, &mut progress, expanded, watch)?,
            None => 0,
        };
        debug_assert!(progress.stored.is_subset(&self.plan.needed));
        if !same_layout || damaged > 0 {
            begin_epoch(&mut progress, new, &layout, pieces)
                .map_err(|source| TargetError::Blocked { path: journal_path.clone(), source })?;
        }
        let target = Target {
            served: Served::new(self.manifest, files, Clock::default()),
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

/// Takes over what a journal says and the disk still holds; how many chunks it does not hold any more.
fn take_over(
    inherited: &Inherited<'_>,
    progress: &mut State,
    recorded: &ChunkSet,
    watch: &Watch<'_>,
) -> Result<u32, TargetError> {
    inherited.take_over(progress, recorded, watch).map_err(|error| match error {
        CheckError::Cancelled => TargetError::Cancelled,
        CheckError::Unreadable(it) => {
            TargetError::Io { path: inherited.files.path(it.file), source: it.source }
        }
    })
}

/// Begins an epoch of the journal, if there is one, and with `new` the journal itself. That comes before anything is
/// written: the journal must never vouch for what is not there.
fn begin_epoch(
    progress: &mut State,
    new: Option<ContentId>,
    layout: &Hash,
    mut pieces: Pieces,
) -> io::Result<()> {
    let Some(journal) = progress.journal.as_mut() else { return Ok(()) };
    if let Some(id) = new {
        journal.start(&id)?;
    }
    pieces.retain(|chunk, _| progress.stored.contains(*chunk as usize));
    journal.epoch(layout, &progress.stored, &pieces)
}
