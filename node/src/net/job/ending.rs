//! How a job ends, and what it reports until then.

use std::time::Duration;

use super::super::library::Withdrawn;
use super::run::{Job, Stage};
use super::{Event, Failure, Finished, Phase};

/// How long nobody has had a missing chunk before that is told.
const STARVING_AFTER: Duration = Duration::from_secs(5);
/// Files whose withdrawal is told; after that many it is clear enough.
const MAX_WITHDRAWN: usize = 100;

impl Job {
    /// Tells that a source file is not what it was, once for each file.
    pub(super) fn on_withdrawn(&mut self, withdrawn: Withdrawn) {
        if self.withdrawn.len() < MAX_WITHDRAWN && self.withdrawn.insert(withdrawn.path) {
            self.tell(Event::Withdrawn(withdrawn.words));
        }
    }

    /// Gives up when there has been nobody for too long.
    pub(super) fn check_alone(&mut self, now: Duration) {
        let Some(wait) = self.wait else { return };
        match self.stage {
            // Peers that do not have the manifest are as good as none.
            Stage::Manifest(_) => {}
            Stage::Downloading(_) if self.neighbours.len() == 0 || self.starving => {}
            _ => self.alone_since = now,
        }
        if self.starving && !self.starving_told && now > self.alone_since + STARVING_AFTER {
            self.starving_told = true;
            self.tell(Event::Unavailable { chunks: self.snapshot.unavailable });
        }
        if now > self.alone_since + wait {
            let kept = self.kept();
            self.fail(Failure::NoPeers { kept });
        }
    }

    /// Bytes that are verified and stored.
    pub(super) fn kept(&self) -> u64 {
        match &self.stage {
            Stage::Downloading(state) => state.done,
            _ => self.snapshot.done,
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.finished(Err(failure));
        self.ended = true;
    }

    pub(super) fn finished(&mut self, result: Result<Finished, Failure>) {
        self.report();
        if let Some(finished) = self.outlets.finished.take() {
            // Err only says that nobody waits for it.
            let _ = finished.send(result);
        }
    }

    pub(super) fn tell(&self, event: Event) {
        // A reader that lags loses events, not the job its pace.
        let _ = self.outlets.events.try_send(event);
    }

    pub(super) async fn end(mut self, result: Result<Finished, Failure>) {
        self.finished(result);
        self.leave().await;
    }

    pub(super) async fn stopped(mut self) {
        let kept = (!matches!(self.stage, Stage::Opening)).then(|| self.kept());
        self.finished(Err(Failure::Stopped { kept }));
        self.leave().await;
    }

    /// Makes what is stored durable and takes leave.
    pub(super) async fn leave(mut self) {
        self.shared.library.remove(self.content);
        if let Stage::Downloading(state) = &self.stage {
            let target = state.target.clone();
            let synced = tokio::task::spawn_blocking(move || target.sync()).await;
            if !matches!(synced, Ok(Ok(()))) {
                tracing::warn!(?synced, "the last chunks may have to be fetched again after a power loss");
            }
        }
        self.stage = Stage::Opening;
        self.tasks.abort_all();
        self.discovery.leave(&self.shared.control).await;
    }

    pub(super) fn report(&mut self) {
        if let Stage::Downloading(state) = &self.stage {
            self.snapshot.total = state.total;
            self.snapshot.done = state.done;
            self.snapshot.found = state.found;
            self.snapshot.blocked = state.blocked.clone();
            self.snapshot.unavailable = state.engine.unavailable();
            self.starving = self.snapshot.unavailable > 0 && self.snapshot.unavailable == state.engine.left();
        }
        self.snapshot.phase = match self.stage {
            Stage::Manifest(_) => Phase::Manifest,
            Stage::Opening => Phase::Opening,
            Stage::Downloading(_) => Phase::Downloading,
            Stage::Finishing(..) => Phase::Finishing,
            Stage::Serving => Phase::Serving,
        };
        self.snapshot.peers = self.neighbours.len();
        self.snapshot.traffic = self.shared.traffic.of(self.content);
        self.outlets.progress.send_replace(self.snapshot.clone());
    }
}
