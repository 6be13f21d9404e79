//! What a job tells about itself: progress, events, its result.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shoal_content::ContentId;
use shoal_engine::{DiskTrouble, Situation};
use tokio::sync::watch;

use super::disk_trouble::disk_trouble;
use super::{ContentEvent, Failure, Finished, Progress};
use crate::events::EventHub;
use crate::library::Withdrawn;
use crate::meter::Meter;

/// Files whose withdrawal is told; after that many it is clear enough.
const MAX_WITHDRAWN: usize = 100;

/// The result of a job: `None` until there is one.
pub(crate) type Outcome = Option<Result<Finished, Arc<Failure>>>;

/// What was known of a content when it was given up because nobody was found.
pub(crate) type Parting = Arc<Mutex<Option<Situation>>>;

/// Where a job reports.
pub(crate) struct Report {
    content: ContentId,
    progress: watch::Sender<Progress>,
    outcome: watch::Sender<Outcome>,
    parting: Parting,
    events: EventHub,
    pub(super) snapshot: Progress,
    /// Whether something may have changed since progress was told.
    pub(super) stirred: bool,
    pub(super) told_at: Duration,
    withdrawn: BTreeSet<PathBuf>,
    disk_trouble: Option<DiskTrouble>,
    up: Meter,
    down: Meter,
}

impl Report {
    pub(crate) fn new(
        content: ContentId,
        progress: watch::Sender<Progress>,
        outcome: watch::Sender<Outcome>,
        parting: Parting,
        events: EventHub,
    ) -> Self {
        Self {
            content,
            progress,
            outcome,
            parting,
            events,
            snapshot: Progress::default(),
            stirred: true,
            told_at: Duration::ZERO,
            withdrawn: BTreeSet::new(),
            disk_trouble: None,
            up: Meter::default(),
            down: Meter::default(),
        }
    }

    /// Something may have changed.
    pub(super) fn stir(&mut self) {
        self.stirred = true;
    }

    pub(super) fn event(&mut self, event: ContentEvent) {
        self.stirred = true;
        self.events.tell(self.content, event);
    }

    pub(super) fn manifest(&mut self, name: &str, size: u64) {
        self.snapshot.name = Some(name.to_owned());
        self.snapshot.size = size;
    }

    /// What was there from the start, and what was taken from elsewhere on this machine.
    pub(super) fn opened(&mut self, opened: &shoal_store::OpenReport) {
        (self.snapshot.found, self.snapshot.reused) = (opened.found_bytes, opened.reused_bytes);
    }

    /// Bytes of what is wanted, and of what is stored of it.
    pub(super) fn fetched(&mut self, total: u64, done: u64) {
        (self.snapshot.total, self.snapshot.done) = (total, done);
    }

    pub(super) fn done(&self) -> u64 {
        self.snapshot.done
    }

    /// The disk takes nothing.
    pub(super) fn blocked(&mut self, error: &(dyn Error + 'static)) {
        let why = error.to_string();
        self.disk_trouble = Some(disk_trouble(error));
        if self.snapshot.blocked.replace(why.clone()).is_none() {
            self.event(ContentEvent::Blocked(why));
        }
    }

    /// Why the disk takes nothing, with what it said.
    pub(super) fn blocked_by(&self) -> Option<(DiskTrouble, String)> {
        self.disk_trouble.zip(self.snapshot.blocked.clone())
    }

    pub(super) fn unblocked(&mut self) {
        self.disk_trouble = None;
        if self.snapshot.blocked.take().is_some() {
            self.event(ContentEvent::Unblocked);
        }
    }

    /// Tells that a source file is not what it was, once for each file.
    pub(super) fn withdrawn(&mut self, withdrawn: Withdrawn) {
        if self.withdrawn.len() < MAX_WITHDRAWN && self.withdrawn.insert(withdrawn.path) {
            self.event(ContentEvent::Withdrawn(withdrawn.words));
        }
    }

    /// Bytes came.
    pub(super) fn came(&mut self, now: Duration, bytes: u64) {
        self.down.add(now, bytes);
    }

    /// Bytes per second that came of late.
    pub(super) fn rate_down(&mut self, now: Duration) -> u64 {
        self.down.rate(now)
    }

    /// Bytes have gone out.
    pub(super) fn gone(&mut self, now: Duration, bytes: u64) {
        self.up.add(now, bytes);
    }

    /// Whether a rate changes although nothing happens.
    pub(super) fn is_moving(&self) -> bool {
        self.up.is_moving() || self.down.is_moving()
    }

    /// Tells the snapshot.
    pub(super) fn publish(&mut self, now: Duration) {
        (self.snapshot.rate_up, self.snapshot.rate_down) = (self.up.rate(now), self.down.rate(now));
        self.progress.send_replace(self.snapshot.clone());
        (self.stirred, self.told_at) = (false, now);
    }

    /// Keeps what was known at the end.
    pub(super) fn part(&self, situation: Situation) {
        *self.parting.lock().unwrap_or_else(PoisonError::into_inner) = Some(situation);
    }

    /// The first result counts. If this is it, `note` is called before anybody who waits for it goes on, so that what they do
    /// then is noted later.
    pub(super) fn finished(&mut self, result: Result<Finished, Failure>, note: impl FnOnce()) {
        let result = result.map_err(Arc::new);
        let mut news = false;
        self.outcome.send_if_modified(|outcome| {
            news = outcome.is_none();
            if news {
                note();
                *outcome = Some(result.clone());
            }
            news
        });
        if news {
            self.event(ContentEvent::Finished(result));
        }
    }
}
