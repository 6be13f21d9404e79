//! Machines whose clocks are wrong by a year.

use shoal_wire::store::StoreRefusal;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// What time it is.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// A record of a content that is to be kept for so long from now on.
fn lasting(time: Duration) -> StoreRecord {
    StoreRecord { issued: NOW.as_secs(), expires: (NOW + time).as_secs(), ..record(1, 3, 0) }
}

/// A node that is willing, with this clock, and others.
fn keeper(clock: Duration) -> (Desk, Vec<PeerId>) {
    let all = by_distance(1, 1..10);
    let mut desk = Desk::by_clock(all[0], 1 << 20, clock);
    desk.meet(&all[1..]);
    desk.outputs();
    (desk, all)
}

#[test]
fn a_record_is_refused_only_where_it_is_over_by_the_clock_of_its_reader() {
    let week = 7 * DAY;
    for (clock, lasts, refused) in [
        (NOW, week, None),
        (NOW - YEAR, week, None),
        (NOW + YEAR, week, Some(StoreRefusal::Invalid)),
        (NOW + YEAR, YEAR + DAY, None),
        (NOW + week - secs(1), week, None),
        (NOW + week, week, Some(StoreRefusal::Invalid)),
    ] {
        let (mut desk, all) = keeper(clock);
        let answer = desk.planner.offer_came(desk.now, all[2], lasting(lasts), vec![], false);
        assert_eq!(answer.why, refused, "{clock:?}, {lasts:?}");
    }
}

#[test]
fn a_keeper_with_a_wrong_clock_does_all_else_like_any_other() {
    let all_that_is_done = |clock: Duration| {
        let (mut desk, all) = keeper(clock);
        desk.planner.offer_came(desk.now, all[2], lasting(2 * YEAR), vec![], false);
        desk.tell(StoreInput::Stored(content(1)));
        assert!(desk.planner.can_prove(&content(1)));
        for other in &all[1..3] {
            desk.says(*other, 1, CopyState::Held);
            desk.proves(*other, 1);
        }
        // One that is gone is noticed, and the copy is made again.
        let there: Vec<PeerId> = all.iter().copied().filter(|peer| *peer != all[1]).collect();
        desk.pass(DAY, &there)
    };
    let right = all_that_is_done(NOW);
    assert_ne!(offered(right.iter().map(|(_, it)| it)), []);
    assert_eq!(all_that_is_done(NOW - YEAR), right);
    assert_eq!(all_that_is_done(NOW + YEAR), right);
}

#[test]
fn what_an_owner_says_counts_although_its_clock_was_ahead_before() {
    let owner = b"owner".to_vec();
    let all = by_distance(1, 1..10);
    let mut ahead = Desk::by_clock(all[0], 0, NOW + YEAR);
    let issue = |desk: &Desk| desk.planner.next_issue(desk.now, &content(1), &owner);
    let own = |at: Duration, copies| {
        let expires = (at + DAY).as_secs();
        StoreRecord { issued: at.as_secs(), expires, ..record(1, copies, 0) }
    };
    let first = own(issue(&ahead), 2);
    assert_eq!(first.issued, (NOW + YEAR).as_secs(), "by the clock");
    ahead.tell(StoreInput::Own(first));
    let saved = ahead.planner.saved(&content(1)).unwrap();

    // The clock was put right, and the node has started again.
    let mut right = Desk::by_clock(all[0], 0, NOW);
    right.planner.restore(right.now, content(1), saved, true);
    let again = own(issue(&right), 5);
    right.tell(StoreInput::Own(again.clone()));
    assert!(right.planner.has_record(&again));
    // Neither does what was ended keep it from being wanted again.
    right.tell(StoreInput::End(end(1, again.issued)));
    assert!(right.planner.views(right.now).is_empty());
    let anew = own(issue(&right), 1);
    right.tell(StoreInput::Own(anew.clone()));
    assert!(right.planner.has_record(&anew));
    // Where nothing is known of it, the clock alone counts.
    assert_eq!(right.planner.next_issue(secs(9), &content(2), &owner), NOW + secs(9));
}
