//! Noticing that a download stands still, and saying why, once for each cause.
//!
//! What this is not: it finds no causes; the node does that. What always holds: it asks at most every [`QUIET`].

use std::collections::BTreeSet;
use std::time::Duration;

use shoal_api::model::FindingInfo;

/// How long nothing has to happen before somebody wants to know why.
const QUIET: Duration = Duration::from_secs(10);

/// See the module. `M` changes while something happens. Times are since some start that the caller chose.
#[derive(Debug)]
pub(super) struct Stillness<M> {
    mark: Option<M>,
    since: Duration,
    told: BTreeSet<String>,
}

impl<M: PartialEq> Stillness<M> {
    /// Nothing has been seen or said.
    pub(super) fn new() -> Self {
        Self { mark: None, since: Duration::ZERO, told: BTreeSet::new() }
    }

    /// Whether it is time to ask why nothing happens.
    pub(super) fn is_due(&mut self, now: Duration, mark: M) -> bool {
        if self.mark.as_ref() != Some(&mark) {
            (self.mark, self.since) = (Some(mark), now);
        }
        let is_due = now.saturating_sub(self.since) >= QUIET;
        if is_due {
            self.since = now;
        }
        is_due
    }

    /// What of this has not been said yet and is worth saying.
    pub(super) fn news(&mut self, findings: Vec<FindingInfo>) -> Vec<FindingInfo> {
        // A failure is told by itself.
        let is_worth_it = |finding: &FindingInfo| !finding.normal && finding.cause != "failed";
        let is_news = |it: &FindingInfo| is_worth_it(it) && self.told.insert(it.cause.clone());
        findings.into_iter().filter(is_news).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_engine::{Cause, Finding};

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn it_asks_after_ten_quiet_seconds_and_again_after_ten_more() {
        let mut still = Stillness::new();
        let due: Vec<u64> = (0..35).filter(|n| still.is_due(secs(*n), 0)).collect();
        assert_eq!(due, [10, 20, 30]);
        assert!(!still.is_due(secs(40), 1), "something has come");
        let due: Vec<u64> = (41..55).filter(|n| still.is_due(secs(*n), 1)).collect();
        assert_eq!(due, [50]);
    }

    #[test]
    fn each_cause_is_said_once_and_what_is_normal_never() {
        let mut still = Stillness::<u8>::new();
        let finding = |cause| FindingInfo::from(&Finding { cause, evidence: vec![] });
        let all =
            || [Cause::StillLooking, Cause::AllBusy, Cause::Failed, Cause::DiskFull].map(finding).into();
        let said: Vec<String> = still.news(all()).into_iter().map(|finding| finding.cause).collect();
        assert_eq!(said, ["all_busy", "disk_full"]);
        assert!(still.news(all()).is_empty());
    }
}
