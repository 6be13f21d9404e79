//! How a job ends, and what it reports until then.

use std::time::Duration;

use libp2p::PeerId;
use shoal_content::ChunkIndex;

use super::super::library::Withdrawn;
use super::opening::Opening;
use super::run::{Job, Stage};
use super::{Event, Failure, Finished, Phase};

/// How long nobody has had a missing chunk before that is told.
const STARVING_AFTER: Duration = Duration::from_secs(5);
/// How long to go on without any peer if nothing was said.
const WAIT: Duration = Duration::from_secs(30);
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
        if !self.seeks {
            return;
        }
        match self.stage {
            // Peers that do not have the manifest are as good as none.
            Stage::Manifest(_) => {}
            Stage::Downloading(_) if self.neighbours.len() == 0 => {}
            // They may get what is missing, as long as nobody said how long to wait for that.
            Stage::Downloading(_) if self.starving && self.wait.is_some() => {}
            _ => self.alone_since = now,
        }
        self.tell_unavailable(now);
        if now > self.alone_since + self.wait.unwrap_or(WAIT) {
            let kept = self.kept();
            self.fail(Failure::NoPeers { kept });
        }
    }

    /// Tells, once each time it comes to that, that a part of the content is out of reach.
    fn tell_unavailable(&mut self, now: Duration) {
        let missing = matches!(self.stage, Stage::Downloading(_)) && self.snapshot.unavailable > 0;
        if !missing || self.neighbours.len() == 0 {
            self.incomplete_since = None;
            self.unavailable_told &= missing;
            return;
        }
        let since = *self.incomplete_since.get_or_insert(now);
        if !self.unavailable_told && now > since + STARVING_AFTER {
            self.unavailable_told = true;
            self.tell(Event::Unavailable { chunks: self.snapshot.unavailable });
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
        let kept = (!matches!(self.stage, Stage::Opening(_))).then(|| self.kept());
        self.finished(Err(Failure::Stopped { kept }));
        self.leave().await;
    }

    /// Makes what is stored durable and takes leave.
    pub(super) async fn leave(mut self) {
        self.shared.library.remove(self.content);
        self.shared.uploads.remove(self.content);
        if let Stage::Downloading(state) = &self.stage {
            let target = state.target.clone();
            let synced = tokio::task::spawn_blocking(move || target.sync()).await;
            if !matches!(synced, Ok(Ok(()))) {
                tracing::warn!(?synced, "the last chunks may have to be fetched again after a power loss");
            }
        }
        self.stage = Stage::Opening(Opening::default());
        self.tasks.abort_all();
        self.discovery.leave(&self.shared.control).await;
    }

    pub(super) fn report(&mut self) {
        if let Stage::Downloading(state) = &self.stage {
            self.snapshot.total = state.total;
            self.snapshot.done = state.done;
            self.snapshot.blocked = state.blocked.clone();
            self.snapshot.unavailable = state.engine.unavailable();
            self.starving = self.snapshot.unavailable > 0 && self.snapshot.unavailable == state.engine.left();
        }
        if let Stage::Opening(opening) = &self.stage {
            self.snapshot.scan = opening.progress();
        }
        self.snapshot.phase = match self.stage {
            Stage::Manifest(_) => Phase::Manifest,
            Stage::Opening(_) => Phase::Opening,
            Stage::Downloading(_) => Phase::Downloading,
            Stage::Finishing(..) => Phase::Finishing,
            Stage::Serving => Phase::Serving,
        };
        self.snapshot.copies = self.shared.uploads.copies(self.content);
        self.snapshot.peers = self.neighbours.len();
        // What is counted as sent has been noted as sent last before.
        self.snapshot.traffic = self.shared.traffic.of(self.content);
        let sent = self.shared.uploads.last_sent(self.content);
        let lacks = |(peer, chunk): &&(PeerId, ChunkIndex)| self.neighbours.lacks(peer, *chunk);
        self.snapshot.unconfirmed = sent.iter().filter(lacks).count();
        self.outlets.progress.send_replace(self.snapshot.clone());
    }
}
