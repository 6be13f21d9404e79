//! How a job ends.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use super::state::{Job, Stage};
use super::{ContentEvent, Failure, Finished};
use crate::activity::ActivityKind;
use crate::library::Withdrawn;
use shoal_engine::MemberInput;

/// How long taking leave of peers may hold up the end of a job.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

impl Job {
    /// Tells that a source file is not what it was, once for each file.
    pub(super) fn on_withdrawn(&mut self, withdrawn: Withdrawn) {
        self.report.withdrawn(withdrawn);
    }

    /// Bytes that are verified and stored.
    pub(super) fn kept(&self) -> u64 {
        match &self.stage {
            Stage::Fetching(fetching) => fetching.done,
            _ => self.report.done(),
        }
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        if matches!(failure, Failure::NoPeers { .. }) {
            // Whoever asks later why it failed, wants to know what was tried.
            let situation = self.situation();
            self.report.part(situation);
        }
        self.finished(Err(failure));
        self.ended = true;
    }

    pub(super) fn finished(&mut self, result: Result<Finished, Failure>) {
        self.report_now();
        let what = match &result {
            Ok(_) => Some(ActivityKind::Complete),
            // Whoever stopped it tells that.
            Err(Failure::Stopped { .. }) => None,
            Err(failure) => Some(ActivityKind::Failed { why: failure.to_string() }),
        };
        let (activity, content) = (self.parts.activity.clone(), self.content);
        self.report.finished(result, || {
            what.into_iter().for_each(|what| activity.tell(None, Some(content), || what));
        });
    }

    /// Tells what is done for the content, if anybody listens.
    pub(super) fn note(&self, peer: Option<PeerId>, what: impl FnOnce() -> ActivityKind) {
        self.parts.activity.tell(peer, Some(self.content), what);
    }

    pub(super) async fn stopped(mut self) {
        let kept = (!matches!(self.stage, Stage::Opening(..))).then(|| self.kept());
        self.finished(Err(Failure::Stopped { kept }));
        self.leave().await;
    }

    /// Makes what is stored durable and takes leave.
    pub(super) async fn leave(mut self) {
        // From here on nobody is served; what was asked is taken back.
        self.shelf.close();
        let target = match std::mem::replace(&mut self.stage, Stage::Serving) {
            Stage::Fetching(fetching) => Some(fetching.target.clone()),
            // What is being opened stops when it is dropped.
            _ => None,
        };
        self.tasks.abort_all();
        self.tell(MemberInput::Stop);
        if let Some(target) = target {
            let synced = tokio::task::spawn_blocking(move || target.sync()).await;
            if !matches!(synced, Ok(Ok(()))) {
                tracing::warn!(?synced, "the last chunks may have to be fetched again after a power loss");
            }
        }
        let said = async { while self.tasks.join_next().await.is_some() {} };
        let said = tokio::time::timeout(LEAVE_TIMEOUT, said);
        let (activity, content) = (self.parts.activity.clone(), self.content);
        let left = |tracker: &Multiaddr| {
            let what = || ActivityKind::Deregistered { tracker: tracker.clone() };
            activity.tell(None, Some(content), what);
        };
        let _ = tokio::join!(said, self.trackers.leave(left));
        self.report.event(ContentEvent::Ended);
    }
}
