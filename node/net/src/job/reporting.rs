//! When a job tells its progress, and what it is.

use std::time::Duration;

use super::Phase;
use super::state::{Job, Stage};

/// Progress is told so often at most.
const PERIOD: Duration = Duration::from_millis(250);

impl Job {
    pub(super) fn next_report(&self) -> Option<Duration> {
        // Also when nothing happens any more, until the rates that are told are 0.
        let moves =
            self.report.stirred || self.report.is_moving() || matches!(self.stage, Stage::Opening(..));
        moves.then(|| self.report.told_at + PERIOD)
    }

    pub(super) fn report_if_due(&mut self, now: Duration) {
        if self.next_report().is_some_and(|at| at <= now) {
            self.report_now();
        }
    }

    /// Takes down how far the look at the disk is.
    pub(super) fn note_scan(&mut self) {
        if let Stage::Opening(opening, _) = &self.stage {
            self.report.snapshot.scan = opening.progress();
        }
    }

    pub(super) fn report_now(&mut self) {
        if let Stage::Fetching(fetching) = &self.stage {
            self.report.fetched(fetching.total, fetching.done);
        }
        let unconfirmed = self.unconfirmed();
        self.note_scan();
        let snapshot = &mut self.report.snapshot;
        snapshot.phase = match self.stage {
            Stage::Manifest => Phase::Manifest,
            Stage::Opening(..) => Phase::Opening,
            Stage::Fetching(_) => Phase::Downloading,
            Stage::Finishing(..) => Phase::Finishing,
            Stage::Serving => Phase::Serving,
        };
        snapshot.unavailable = self.member.download().map_or(0, |download| download.unavailable());
        snapshot.copies = self.shelf.copies();
        snapshot.peers = self.member.neighbours().count();
        // What is counted as sent has been noted as sent last before.
        snapshot.traffic = self.shelf.traffic.snapshot();
        snapshot.unconfirmed = unconfirmed;
        let now = self.parts.clock.now();
        self.report.gone(now, self.shelf.traffic.take_gone());
        self.report.publish(now);
    }
}
