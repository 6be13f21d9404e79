//! Opening the target before the download, and putting it in its place after it.

use std::sync::Arc;
use std::time::Duration;

use shoal_engine::Input;

use super::downloading::Downloading;
use super::run::{Job, JobEvent, Stage};
use super::{Event, Finished};
use shoal_store::{ChunkStore, Placed, Target, TargetError};

/// How long to wait before finishing is tried again on a full disk.
const FINISH_AGAIN: Duration = Duration::from_secs(2);

impl Job {
    pub(super) fn set_store(&mut self, store: Arc<dyn ChunkStore>) {
        let lengths = store.manifest().chunks().iter().map(|chunk| chunk.length).collect();
        self.shared.uploads.add(self.content, lengths, store.have().is_full());
        for (peer, had) in self.neighbours.haves() {
            self.shared.uploads.gained(self.content, peer, had);
        }
        self.shared.library.set_store(self.content, store.clone());
        self.store = Some(store);
    }

    pub(super) fn opened(&mut self, now: Duration, target: Arc<Target>) {
        let Some(config) = self.get.as_ref().map(|get| get.download.with_topology(get.topology)) else {
            return;
        };
        self.snapshot.found = target.report().found_bytes;
        self.set_store(target.clone());
        let state = Downloading::new(now, config, target, &self.shared.streams);
        self.alone_since = now;
        self.stage = Stage::Downloading(Box::new(state));
        self.tell_engine(Input::Timeout);
    }

    pub(super) fn finish(&mut self) {
        let Stage::Downloading(state) = &mut self.stage else { return };
        self.snapshot.total = state.total;
        self.snapshot.done = state.done;
        let target = state.target.clone();
        if target.have().is_full() {
            self.shared.uploads.completed(self.content);
        }
        // What became servable last is told to those who stay.
        self.neighbours.announce(&target.have());
        self.start_finishing(target);
    }

    pub(super) fn start_finishing(&mut self, target: Arc<Target>) {
        self.stage = Stage::Finishing(target.clone(), None);
        self.tasks.spawn_blocking(move || JobEvent::Placed(target.finish()));
    }

    pub(super) fn placed(&mut self, placed: Placed) {
        self.stage = Stage::Serving;
        self.snapshot.blocked = None;
        self.present_itself_everywhere();
        let Some(manifest) = self.manifest.clone() else { return };
        let finished = Finished { path: placed.path, already_there: placed.already_there, manifest };
        self.finished(Ok(finished));
    }

    pub(super) fn not_placed(&mut self, now: Duration, error: TargetError) {
        match (&mut self.stage, error) {
            (Stage::Finishing(_, again), TargetError::Blocked { path, source }) => {
                *again = Some(now + FINISH_AGAIN);
                let why = TargetError::Blocked { path, source }.to_string();
                if self.snapshot.blocked.replace(why.clone()).is_none() {
                    self.tell(Event::Blocked(why));
                }
            }
            (_, error) => self.fail(error.into()),
        }
    }
}
