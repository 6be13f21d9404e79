//! Each cause by itself, and which comes first where there are several.

mod properties;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn causes(situation: &Situation) -> Vec<Cause> {
    explain(situation).into_iter().map(|finding| finding.cause).collect()
}

fn first(situation: &Situation) -> Finding {
    explain(situation).remove(0)
}

fn in_state(affairs: Affairs) -> Situation {
    Situation { affairs, running_for: secs(60), idle_for: secs(60), ..Situation::default() }
}

/// Nobody is connected after a minute.
fn alone() -> Situation {
    let search = PeerSearch { addresses: 1, ..PeerSearch::default() };
    Situation { search, ..in_state(Affairs::Looking) }
}

/// A download with two peers that have what is missing, and nothing came for a minute.
fn stuck() -> Situation {
    let neighbours = NeighbourFigures { connected: 2, useful: 2, ..NeighbourFigures::default() };
    Situation { missing: 40, left: 40 << 20, neighbours, ..in_state(Affairs::Fetching) }
}

/// The same, with bytes that come at a rate.
fn flowing(rate: u64) -> Situation {
    let neighbours =
        NeighbourFigures { connected: 2, useful: 2, asked: 2, asked_bytes: 1 << 20, ..Default::default() };
    Situation { rate, idle_for: secs(0), left: 1 << 40, neighbours, ..stuck() }
}

fn tracker(standing: TrackerStanding) -> TrackerState {
    TrackerState { address: "/ip4/192.0.2.1/tcp/1".into(), standing, error: Some("it says so".into()) }
}

fn at_tracker(standing: TrackerStanding) -> Situation {
    let search = PeerSearch { trackers: vec![tracker(standing)], ..PeerSearch::default() };
    Situation { search, ..in_state(Affairs::Looking) }
}

#[test]
fn what_the_node_itself_says_is_all_there_is_to_say() {
    assert_eq!(causes(&in_state(Affairs::Paused)), [Cause::Paused]);
    assert_eq!(causes(&in_state(Affairs::Ended)), [Cause::Ended]);
    let waiting = in_state(Affairs::Waiting { path: "/mnt/disk".into() });
    assert_eq!(causes(&waiting), [Cause::WaitingForMount]);
    assert!(first(&waiting).because().contains("/mnt/disk"));
    let failed = in_state(Affairs::Failed { why: "it broke".into() });
    assert_eq!(causes(&failed), [Cause::Failed]);
    assert!(first(&failed).because().contains("it broke"));
    let checking = in_state(Affairs::Checking { done: 1, total: 2 });
    assert_eq!(causes(&checking), [Cause::StillChecking]);
    assert_eq!(causes(&in_state(Affairs::Placing)), [Cause::StillPlacing]);
}

#[test]
fn a_disk_that_takes_nothing_comes_first_in_every_phase() {
    let troubles = [
        (DiskTrouble::Full, Cause::DiskFull),
        (DiskTrouble::ReadOnly, Cause::DiskReadOnly),
        (DiskTrouble::Denied, Cause::DiskReadOnly),
        (DiskTrouble::TooManyOpen, Cause::TooManyOpenFiles),
        (DiskTrouble::Other, Cause::DiskFails),
    ];
    for (trouble, cause) in troubles {
        let disk = DiskUse { blocked: Some((trouble, "it says".into())), ..DiskUse::default() };
        let checking = in_state(Affairs::Checking { done: 0, total: 9 });
        let failed = in_state(Affairs::Failed { why: "it says".into() });
        for situation in [failed, stuck(), flowing(100), alone(), checking, in_state(Affairs::Placing)] {
            let situation = Situation { disk: disk.clone(), ..situation };
            assert_eq!(first(&situation).cause, cause, "{situation:?}");
            assert!(first(&situation).because().contains("it says"));
        }
    }
}

#[test]
fn too_many_open_files_are_not_the_disks_fault() {
    let blocked = Some((DiskTrouble::TooManyOpen, "Too many open files".into()));
    let told = first(&Situation { disk: DiskUse { blocked, ..DiskUse::default() }, ..stuck() }).to_string();
    assert!(told.contains("Too many open files") && told.contains("ulimit -n"), "{told}");
    assert!(!told.to_lowercase().contains("disk"), "{told}");
}

#[test]
fn a_slow_disk_shows_by_what_waits_for_it_or_by_a_long_write() {
    let behind = DiskUse { waiting: 8 << 20, room: 16 << 20, ..DiskUse::default() };
    let hangs = DiskUse { writing_for: secs(3), room: 16 << 20, ..DiskUse::default() };
    let fine = DiskUse { waiting: 1 << 20, room: 16 << 20, writing_for: secs(1), ..DiskUse::default() };
    for (disk, is_slow) in [(behind, true), (hangs, true), (fine, false)] {
        let situation = Situation { disk, ..flowing(10 << 20) };
        assert_eq!(causes(&situation).contains(&Cause::DiskSlow), is_slow);
        assert_eq!(first(&situation).cause == Cause::DiskSlow, is_slow);
    }
}

#[test]
fn a_relay_without_data_is_named_before_other_failures() {
    let mut situation = alone();
    situation.search.failed = [(DialTrouble::TimedOut, 9), (DialTrouble::OnlyRelayed, 1)].into();
    let finding = first(&situation);
    assert_eq!(finding.cause, Cause::OnlyRelayed);
    assert!(finding.because().contains("only through a relay that carries no data: 1"), "{finding}");
    assert!(
        finding.what().contains("a relay that carries no data")
            && finding.advice().contains("--relay-bytes 0")
    );
}

#[test]
fn peers_that_cannot_be_reached_are_told_with_how() {
    let mut situation = alone();
    situation.search.failed = [(DialTrouble::Refused, 2), (DialTrouble::TimedOut, 1)].into();
    situation.search.last_failure = Some("connection refused by it".into());
    let finding = first(&situation);
    assert_eq!(finding.cause, Cause::PeersUnreachable);
    assert_eq!(
        finding.because(),
        "addresses given: 1, connections refused: 2, no answer: 1, last: connection refused by it"
    );
    // A dial that hangs says the same, but not at once.
    let mut hanging = alone();
    hanging.search.dialling = 1;
    assert_eq!(causes(&hanging), [Cause::PeersUnreachable]);
    hanging.idle_for = secs(2);
    assert_eq!(causes(&hanging), [Cause::StillLooking]);
}

#[test]
fn each_kind_of_failed_dial_has_words_of_its_own() {
    let kinds = [
        DialTrouble::Refused,
        DialTrouble::TimedOut,
        DialTrouble::NoRoute,
        DialTrouble::NoSuchName,
        DialTrouble::WrongPeer,
        DialTrouble::Handshake,
        DialTrouble::NoAddress,
        DialTrouble::Other,
    ];
    let told = kinds.map(|kind| {
        let mut situation = alone();
        situation.search.failed = [(kind, 1)].into();
        first(&situation).because()
    });
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), kinds.len(), "{told:?}");
}

#[test]
fn without_a_tracker_or_an_address_there_is_nowhere_to_look() {
    assert_eq!(causes(&in_state(Affairs::Looking)), [Cause::NoSource]);
}

#[test]
fn trackers_are_told_apart_by_what_they_did() {
    assert_eq!(causes(&at_tracker(TrackerStanding::Unreachable)), [Cause::TrackerUnreachable]);
    assert_eq!(causes(&at_tracker(TrackerStanding::Refuses)), [Cause::TrackerRefuses]);
    assert_eq!(causes(&at_tracker(TrackerStanding::Answered)), [Cause::NoPeersFound]);
    assert_eq!(causes(&at_tracker(TrackerStanding::Asked)), [Cause::NoPeersFound]);
    let refuses = first(&at_tracker(TrackerStanding::Refuses));
    assert_eq!(refuses.because(), "tracker: /ip4/192.0.2.1/tcp/1: it says so");
    let mut both = at_tracker(TrackerStanding::Refuses);
    both.search.trackers.push(tracker(TrackerStanding::Unreachable));
    assert_eq!(causes(&both), [Cause::TrackerUnreachable, Cause::TrackerRefuses]);
}

#[test]
fn a_node_that_has_just_begun_is_still_looking() {
    for standing in [TrackerStanding::Asked, TrackerStanding::Answered] {
        let situation = Situation { running_for: secs(1), idle_for: secs(1), ..at_tracker(standing) };
        assert_eq!(causes(&situation), [Cause::StillLooking]);
    }
}

#[test]
fn unreachable_peers_matter_more_than_a_tracker_that_is_down() {
    let mut situation = at_tracker(TrackerStanding::Unreachable);
    situation.search.failed = [(DialTrouble::NoRoute, 1)].into();
    assert_eq!(causes(&situation), [Cause::PeersUnreachable, Cause::TrackerUnreachable]);
}

#[test]
fn chunks_that_nobody_has_are_named_with_their_number() {
    let situation = Situation { unheld: 7, ..stuck() };
    assert_eq!(first(&situation).cause, Cause::ChunkNobodyHas);
    assert!(first(&situation).because().contains("chunks that nobody connected has: 7"));
    // While others come, it is not what matters most.
    let moving = Situation { unheld: 7, ..flowing(10 << 20) };
    assert_eq!(causes(&moving), [Cause::Nothing, Cause::ChunkNobodyHas]);
    // Alone, every chunk is out of reach, and that is not the point.
    let nobody = Situation { neighbours: NeighbourFigures::default(), unheld: 7, ..stuck() };
    assert!(!causes(&nobody).contains(&Cause::ChunkNobodyHas));
}

#[test]
fn busy_peers_refuse_or_say_that_they_send_to_others() {
    let peers = stuck().neighbours;
    for peers in
        [NeighbourFigures { refusing: 1, ..peers }, NeighbourFigures { sending: 2, asked: 2, ..peers }]
    {
        assert_eq!(causes(&Situation { neighbours: peers, ..stuck() }), [Cause::AllBusy]);
    }
    let silent = NeighbourFigures { asked: 2, asked_bytes: 5, ..peers };
    assert_eq!(causes(&Situation { neighbours: silent, ..stuck() }), [Cause::PeersSilent]);
    let just_asked = Situation { neighbours: silent, idle_for: secs(1), ..stuck() };
    assert_eq!(causes(&just_asked), [Cause::StillLooking]);
}

#[test]
fn peers_that_are_too_old_are_told_unless_another_one_helps() {
    let old = NeighbourFigures { connected: 1, unsupported: 1, ..NeighbourFigures::default() };
    let situation = Situation { neighbours: old, ..in_state(Affairs::Looking) };
    assert_eq!(causes(&situation), [Cause::VersionTooOld]);
    let helped = NeighbourFigures { connected: 2, useful: 1, asked: 1, ..old };
    assert_eq!(causes(&Situation { neighbours: helped, ..stuck() }), [Cause::PeersSilent]);
}

#[test]
fn connected_peers_without_the_content_are_as_good_as_none() {
    let neighbours = NeighbourFigures { connected: 3, ..NeighbourFigures::default() };
    let situation = Situation { neighbours, ..in_state(Affairs::Looking) };
    assert_eq!(causes(&situation), [Cause::NoPeersFound]);
    assert_eq!(causes(&Situation { idle_for: secs(4), ..situation }), [Cause::StillLooking]);
}

#[test]
fn the_own_limit_is_the_bound_once_it_is_nearly_used_up() {
    let with = |rate| {
        let down = LimitUse { limit: Some(100_000), rate };
        causes(&Situation { down, ..flowing(rate) })
    };
    assert_eq!(with(95_000), [Cause::OwnLimit]);
    assert_eq!(with(75_000), [Cause::OwnLimit]);
    assert_eq!(with(74_999), [Cause::PeersLimit]);
    let none = Situation { down: LimitUse { limit: None, rate: 95_000 }, ..flowing(95_000) };
    assert_eq!(causes(&none), [Cause::PeersLimit]);
    let up = LimitUse { limit: Some(100), rate: 100 };
    assert_eq!(causes(&Situation { up, ..in_state(Affairs::Serving) }), [Cause::OwnLimit, Cause::Nothing]);
}

#[test]
fn peers_are_the_bound_if_they_are_asked_for_more_than_they_send() {
    assert_eq!(causes(&flowing(100_000)), [Cause::PeersLimit]);
    assert_eq!(causes(&flowing(5 << 20)), [Cause::Nothing]);
    let queue = NeighbourFigures { queued: 100 << 20, told_rate: 5 << 20, ..flowing(0).neighbours };
    assert_eq!(causes(&Situation { neighbours: queue, ..flowing(5 << 20) }), [Cause::PeersLimit]);
    // A small rest needs no high rate.
    assert_eq!(causes(&Situation { left: 1 << 20, ..flowing(100_000) }), [Cause::Nothing]);
}

#[test]
fn wrong_bytes_come_first_once_nobody_is_left() {
    let wrong = WrongBytes { chunks: 1, blocks: 0 };
    let mut nobody = Situation { wrong, ..alone() };
    nobody.search.failed = [(DialTrouble::Refused, 1)].into();
    assert_eq!(causes(&nobody), [Cause::VerificationFailures, Cause::PeersUnreachable]);
    assert_eq!(first(&nobody).because(), "wrong chunks: 1");
    let moving = Situation { wrong: WrongBytes { chunks: 0, blocks: 2 }, ..flowing(9 << 20) };
    assert_eq!(causes(&moving), [Cause::Nothing, Cause::VerificationFailures]);
}

#[test]
fn a_complete_content_says_so_and_what_its_trackers_do() {
    assert_eq!(causes(&in_state(Affairs::Serving)), [Cause::Nothing]);
    let unheard = Situation { affairs: Affairs::Serving, ..at_tracker(TrackerStanding::Unreachable) };
    assert_eq!(causes(&unheard), [Cause::TrackerUnreachable, Cause::Nothing]);
}

#[test]
fn sentences_are_whole() {
    let full = Situation {
        disk: DiskUse { blocked: Some((DiskTrouble::Full, "No space left".into())), ..DiskUse::default() },
        ..stuck()
    };
    assert_eq!(
        first(&full).to_string(),
        "The disk is full, so nothing can be stored. (the system says: No space left) Free some space; it goes on by \
         itself."
    );
    for bytes in [0, 1023, 1 << 20, u64::MAX] {
        assert!(!Figure::Bytes(bytes).to_string().is_empty());
    }
    assert_eq!(Figure::Time(secs(90)).to_string(), "1 min");
}
