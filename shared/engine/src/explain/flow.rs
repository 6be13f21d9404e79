//! What bounds the rate where something comes, or goes.

use std::time::Duration;

use super::cause::{Cause, Fact, Finding, Measure};
use super::situation::{LimitUse, NeighbourFigures, Situation};
use super::{search, standstill};

/// A rate from which on nobody asks why it is slow, in bytes per second.
const FINE: u64 = 1 << 20;
/// A content that is done within this time at its rate is quick enough.
const SOON: Duration = Duration::from_secs(20);
/// Peers whose queue takes them longer than this are asked for more than they can send.
const LONG_QUEUE: u64 = 5;

/// What bounds the rate at which chunks come.
pub(super) fn moving(situation: &Situation) -> Vec<Finding> {
    let mut findings: Vec<Finding> = own_limit(situation.down).into_iter().collect();
    if findings.is_empty() {
        findings.extend(peers_limit(situation));
    }
    if findings.is_empty() && situation.rate > 0 {
        findings.push(fine(situation));
    }
    findings.extend(standstill::unheld(situation));
    findings.extend(standstill::wrong_bytes(situation));
    if findings.is_empty() {
        let connected = Fact::count(Measure::PeersConnected, situation.neighbours.connected);
        findings.push(Finding::new(Cause::StillLooking, [connected]));
    }
    findings
}

/// What may be said of a content that is complete.
pub(super) fn serving(situation: &Situation) -> Vec<Finding> {
    let connected = Fact::count(Measure::PeersConnected, situation.neighbours.connected);
    let complete = Finding::new(Cause::Nothing, [connected, Fact::rate(Measure::Rate, situation.up.rate)]);
    let bound = own_limit(situation.up);
    bound.into_iter().chain(search::trackers(situation)).chain([complete]).collect()
}

/// A limit of this node of which nearly all is used.
fn own_limit(used: LimitUse) -> Option<Finding> {
    let limit = used.limit?;
    let is_used_up = used.rate > 0 && used.rate >= limit - limit / 4;
    is_used_up.then(|| {
        Finding::new(
            Cause::OwnLimit,
            [Fact::rate(Measure::Limit, limit), Fact::rate(Measure::Rate, used.rate)],
        )
    })
}

/// Peers are asked for more than they send.
fn peers_limit(situation: &Situation) -> Option<Finding> {
    let NeighbourFigures { useful, asked, asked_bytes, queued, told_rate, .. } = situation.neighbours;
    let rate = situation.rate;
    let is_soon_done = rate > 0 && situation.left / rate <= SOON.as_secs();
    let has_long_queue = told_rate > 0 && queued / told_rate >= LONG_QUEUE;
    let bounds = rate > 0 && (rate < FINE || has_long_queue);
    (asked > 0 && bounds && !is_soon_done).then(|| {
        let facts = [
            Fact::rate(Measure::Rate, rate),
            Fact::count(Measure::PeersUseful, useful),
            Fact::bytes(Measure::AskedBytes, asked_bytes),
            Fact::bytes(Measure::TheirQueue, queued),
            Fact::rate(Measure::TheirRate, told_rate),
        ];
        Finding::new(Cause::PeersLimit, facts)
    })
}

fn fine(situation: &Situation) -> Finding {
    let facts = [
        Fact::rate(Measure::Rate, situation.rate),
        Fact::count(Measure::PeersUseful, situation.neighbours.useful),
        Fact::bytes(Measure::Left, situation.left),
    ];
    Finding::new(Cause::Nothing, facts)
}
