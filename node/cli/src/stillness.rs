//! Noticing that a download stands still, and saying why, once for each cause.
//!
//! What this is not: it finds no causes; the node does that. What always holds: it asks at most every [`QUIET`].

use std::collections::BTreeSet;
use std::time::Duration;

use shoal_engine::{Cause, Finding};
use shoal_net::{Phase, Progress};

/// How long nothing has to happen before somebody wants to know why.
const QUIET: Duration = Duration::from_secs(10);

/// What changes while something happens.
type Mark = (Phase, u64, u64, u64);

/// See the module. Times are since some start that the caller chose.
#[derive(Debug, Default)]
pub(super) struct Stillness {
    mark: Option<Mark>,
    since: Duration,
    told: BTreeSet<Cause>,
}

impl Stillness {
    /// Whether it is time to ask why nothing happens.
    pub(super) fn is_due(&mut self, now: Duration, progress: &Progress) -> bool {
        let moved = progress.traffic.total.received.saturating_add(progress.traffic.total.duplicate);
        let mark = (progress.phase, progress.done, progress.scan.bytes_done, moved);
        if self.mark != Some(mark) {
            (self.mark, self.since) = (Some(mark), now);
        }
        let is_due = now.saturating_sub(self.since) >= QUIET;
        if is_due {
            self.since = now;
        }
        is_due
    }

    /// What of this has not been said yet and is worth saying.
    pub(super) fn news(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        // A failure is told by itself.
        let is_worth_it = |cause: Cause| !cause.is_normal() && cause != Cause::Failed;
        let is_news = |finding: &Finding| is_worth_it(finding.cause) && self.told.insert(finding.cause);
        findings.into_iter().filter(is_news).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn it_asks_after_ten_quiet_seconds_and_again_after_ten_more() {
        let mut still = Stillness::default();
        let mut progress = Progress::default();
        let due: Vec<u64> = (0..35).filter(|n| still.is_due(secs(*n), &progress)).collect();
        assert_eq!(due, [10, 20, 30]);
        progress.done = 1;
        assert!(!still.is_due(secs(40), &progress), "something has come");
        let due: Vec<u64> = (41..55).filter(|n| still.is_due(secs(*n), &progress)).collect();
        assert_eq!(due, [50]);
    }

    #[test]
    fn each_cause_is_said_once_and_what_is_normal_never() {
        let mut still = Stillness::default();
        let finding = |cause| Finding { cause, evidence: vec![] };
        let all =
            || [Cause::StillLooking, Cause::AllBusy, Cause::Failed, Cause::DiskFull].map(finding).into();
        let said: Vec<Cause> = still.news(all()).into_iter().map(|finding| finding.cause).collect();
        assert_eq!(said, [Cause::AllBusy, Cause::DiskFull]);
        assert!(still.news(all()).is_empty());
    }
}
