//! What is at fault where nobody is connected.

use std::time::Duration;

use super::PATIENCE;
use super::cause::{Cause, Fact, Finding, Measure};
use super::situation::{DialTrouble, PeerSearch, Situation, TrackerStanding, TrackerlessSearch};

/// A dial that takes longer than this will hardly be answered.
const LONG_DIAL: Duration = Duration::from_secs(6);

/// Why nobody is connected.
pub(super) fn nobody(situation: &Situation) -> Vec<Finding> {
    let search = &situation.search;
    let mut findings: Vec<Finding> = unreachable(situation).into_iter().collect();
    findings.extend(trackers(situation));
    let nobody_is_asked = search.without_tracker.lan.is_none() && search.without_tracker.dht.is_none();
    if search.addresses == 0 && search.trackers.is_empty() && search.heard_of == 0 && nobody_is_asked {
        findings.push(Finding::bare(Cause::NoSource));
    }
    if findings.is_empty() {
        findings.push(nothing_found(situation));
    }
    findings
}

/// Peers are known, or their addresses, and no dial led to one.
fn unreachable(situation: &Situation) -> Option<Finding> {
    let search = &situation.search;
    let failed: u64 = search.failed.values().sum();
    let hangs = search.dialling > 0 && situation.idle_for >= LONG_DIAL;
    (failed > 0 || hangs).then(|| {
        let mut facts = vec![
            Fact::count(Measure::AddressesTried, search.addresses),
            Fact::count(Measure::PeersHeardOf, search.heard_of),
        ];
        facts.retain(|fact| fact.figure != super::Figure::Count(0));
        facts.extend(search.failed.iter().map(|(trouble, count)| failed_so(*trouble, *count)));
        if search.dialling > 0 {
            facts.push(Fact::count(Measure::Dialling, search.dialling));
        }
        facts.extend(search.last_failure.as_deref().map(|words| Fact::text(Measure::LastFailure, words)));
        let relayed = search.failed.contains_key(&DialTrouble::OnlyRelayed);
        let cause = if relayed { Cause::OnlyRelayed } else { Cause::PeersUnreachable };
        Finding::new(cause, facts)
    })
}

fn failed_so(trouble: DialTrouble, count: u64) -> Fact {
    let measure = match trouble {
        DialTrouble::Refused => Measure::DialsRefused,
        DialTrouble::TimedOut => Measure::DialsTimedOut,
        DialTrouble::NoRoute => Measure::DialsNoRoute,
        DialTrouble::NoSuchName => Measure::DialsNoSuchName,
        DialTrouble::WrongPeer => Measure::DialsWrongPeer,
        DialTrouble::Handshake => Measure::DialsHandshake,
        DialTrouble::OnlyRelayed => Measure::DialsOnlyRelayed,
        DialTrouble::NoAddress => Measure::DialsNoAddress,
        DialTrouble::Other => Measure::DialsFailed,
    };
    Fact { measure, figure: super::Figure::Count(count) }
}

/// What is wrong with trackers, the ones that cannot be reached first.
pub(super) fn trackers(situation: &Situation) -> Vec<Finding> {
    let of = |cause, standing| {
        let all = situation.search.trackers.iter().filter(|tracker| tracker.standing == standing);
        let facts: Vec<Fact> = all
            .map(|tracker| {
                let error = tracker.error.as_deref().unwrap_or("no answer");
                Fact::text(Measure::Tracker, &format!("{}: {error}", tracker.address))
            })
            .collect();
        (!facts.is_empty()).then(|| Finding::new(cause, facts))
    };
    let unreachable = of(Cause::TrackerUnreachable, TrackerStanding::Unreachable);
    unreachable.into_iter().chain(of(Cause::TrackerRefuses, TrackerStanding::Refuses)).collect()
}

/// Nothing failed, and nobody was found.
fn nothing_found(situation: &Situation) -> Finding {
    let search = &situation.search;
    let with = |standing| search.trackers.iter().filter(|tracker| tracker.standing == standing).count();
    let (answered, asked) = (with(TrackerStanding::Answered), with(TrackerStanding::Asked));
    let facts = [
        Fact::count(Measure::AddressesTried, search.addresses),
        Fact::count(Measure::TrackersAnswered, answered),
        Fact::count(Measure::TrackersAsked, asked),
        Fact::count(Measure::PeersHeardOf, search.heard_of),
        Fact { measure: Measure::Exchanges, figure: super::Figure::Count(search.exchanges) },
        Fact::count(Measure::Dialling, search.dialling),
    ];
    let facts = facts.into_iter().filter(|fact| fact.figure != super::Figure::Count(0));
    let facts = facts.chain(without_tracker(search));
    let cause =
        if is_still_looking(situation, search, asked) { Cause::StillLooking } else { Cause::NoPeersFound };
    Finding::new(cause, facts)
}

/// What was asked besides trackers and what was named; also where that knows nobody.
fn without_tracker(search: &PeerSearch) -> impl Iterator<Item = Fact> + use<> {
    let TrackerlessSearch { lan, dht, lookups } = search.without_tracker;
    let lan = lan.map(|peers| Fact::count(Measure::LanPeers, peers));
    let lookups = Fact { measure: Measure::DhtLookups, figure: super::Figure::Count(lookups) };
    let dht = dht.map(|peers| [Fact::count(Measure::DhtPeers, peers), lookups]);
    lan.into_iter().chain(dht.into_iter().flatten())
}

fn is_still_looking(situation: &Situation, search: &PeerSearch, asked: usize) -> bool {
    situation.running_for < PATIENCE
        || search.dialling > 0
        || (asked > 0 && situation.running_for < LONG_DIAL)
        || (search.without_tracker.dht.is_some_and(|peers| peers > 0) && search.without_tracker.lookups == 0)
}
