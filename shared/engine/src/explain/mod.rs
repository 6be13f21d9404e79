//! Why a content does not come, or comes slowly.
//!
//! [`explain`] takes a [`Situation`], the figures of one content as a node knows them, and returns [`Finding`]s: each is a
//! [`Cause`] with the figures that speak for it. The words for people are made in one place, `words`.
//!
//! What this is not: it gathers nothing and changes nothing. It does not guess: a cause is named only where a figure
//! speaks for it, and a node that has just begun is given time.
//!
//! What always holds: there is at least one finding and never more than one for each cause; the first is what should be
//! mended first; the same situation gives the same findings.

mod cause;
mod flow;
mod search;
mod situation;
mod standstill;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

pub use self::cause::{Cause, Fact, Figure, Finding, Measure};
pub use self::situation::{
    Affairs, DialTrouble, DiskTrouble, DiskUse, LimitUse, NeighbourFigures, PeerSearch, Situation,
    TrackerStanding, TrackerState, TrackerlessSearch, WrongBytes,
};

/// For so long after its start, and after the last thing that came, it is normal that nothing comes.
const PATIENCE: Duration = Duration::from_secs(3);

/// Says what holds a content back, the most important first.
pub fn explain(situation: &Situation) -> Vec<Finding> {
    let mut findings = match &situation.affairs {
        Affairs::Paused => vec![Finding::bare(Cause::Paused)],
        Affairs::Ended => vec![Finding::bare(Cause::Ended)],
        Affairs::Waiting { path } => {
            vec![Finding::new(Cause::WaitingForMount, [Fact::text(Measure::Path, path)])]
        }
        Affairs::Failed { why } => {
            let failed = Finding::new(Cause::Failed, [Fact::text(Measure::Reason, why)]);
            standstill::disk(situation).into_iter().chain([failed]).collect()
        }
        Affairs::Checking { done, total } => {
            let disk = standstill::disk(situation);
            let look = [Fact::bytes(Measure::Checked, *done), Fact::bytes(Measure::ToCheck, *total)];
            disk.into_iter().chain([Finding::new(Cause::StillChecking, look)]).collect()
        }
        Affairs::Placing => {
            let disk = standstill::disk(situation);
            disk.into_iter().chain([Finding::bare(Cause::StillPlacing)]).collect()
        }
        Affairs::Serving => flow::serving(situation),
        Affairs::Looking | Affairs::Fetching => fetching(situation),
    };
    keep_first_of_each(&mut findings);
    findings
}

fn fetching(situation: &Situation) -> Vec<Finding> {
    let mut findings: Vec<Finding> = standstill::disk(situation).into_iter().collect();
    if situation.neighbours.connected == 0 {
        findings.extend(standstill::wrong_bytes(situation));
        findings.extend(search::nobody(situation));
    } else if situation.idle_for >= PATIENCE && situation.rate == 0 {
        findings.extend(standstill::idle(situation));
    } else {
        findings.extend(flow::moving(situation));
    }
    findings
}

fn keep_first_of_each(findings: &mut Vec<Finding>) {
    let mut seen = std::collections::BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.cause));
    debug_assert!(!findings.is_empty(), "each branch above gives one");
}
