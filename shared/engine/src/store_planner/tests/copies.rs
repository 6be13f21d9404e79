//! How many copies there are, and where.

use shoal_wire::store::{CopyState, StoreRefusal};

use super::*;

#[test]
fn an_owner_offers_to_the_nearest_and_to_nobody_else() {
    let all = by_distance(1, 1..30);
    let mut desk = Desk::new(numbered_peer(99), 0);
    desk.meet(&all);
    desk.tell(StoreInput::Own(record(1, 3, 1)));
    let mut to: Vec<PeerId> = offered(desk.pass(secs(20), &all).iter().map(|(_, it)| it));
    to.sort_by_key(|peer| all.iter().position(|it| it == peer));
    assert_eq!(to, all[..3]);
}

#[test]
fn one_that_refuses_is_passed_over() {
    let all = by_distance(1, 1..10);
    let mut desk = Desk::new(numbered_peer(99), 0);
    desk.meet(&all);
    desk.tell(StoreInput::Own(record(1, 1, 1)));
    assert_eq!(offered(desk.pass(secs(10), &all).iter().map(|(_, it)| it)), all[..1]);
    let (peer, why) = (all[0], Some(StoreRefusal::Full));
    let outputs = desk.tell(StoreInput::Offered { peer, content: content(1), state: CopyState::None, why });
    assert_eq!(offered(&outputs), all[1..2]);
}

#[test]
fn two_missed_pings_and_a_grace_and_the_nearest_holder_restores() {
    let all = by_distance(1, 1..10);
    for local in [0, 1] {
        let mut desk = holder(&all, local);
        let gone = all[1 - local];
        let there: Vec<PeerId> = all.iter().copied().filter(|peer| *peer != gone).collect();
        let began = desk.now;
        let done = desk.pass(secs(50), &there);
        let (at, first) = done.iter().find(|(_, it)| matches!(it, StoreOutput::Offer { .. })).unwrap();
        assert_eq!(offered([first]), [all[3]]);
        // Two pings, 15 seconds apart, and 15 seconds of grace.
        assert!(*at - began >= secs(30) && *at - began <= secs(45), "{at:?}");
    }
}

#[test]
fn a_peer_that_misses_one_ping_loses_nothing() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    desk.tell(StoreInput::Silent(all[1]));
    assert_eq!(offered(desk.pass(secs(600), &all).iter().map(|(_, it)| it)), []);
}

#[test]
fn others_step_in_only_if_the_nearest_does_not() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 2);
    let gone = all[0];
    let there: Vec<PeerId> = all.iter().copied().filter(|peer| *peer != gone).collect();
    let began = desk.now;
    let done = desk.pass(secs(200), &there);
    let at = done.iter().find(|(_, it)| matches!(it, StoreOutput::Offer { .. })).unwrap().0;
    // The second of the two that are left waits a minute longer.
    assert!(at - began >= secs(90) && at - began <= secs(120), "{at:?}");
    // If the nearest one does, it hears of that and does nothing.
    let mut desk = holder(&all, 2);
    desk.pass(secs(50), &there);
    desk.says(all[3], 1, CopyState::Fetching);
    assert_eq!(offered(desk.pass(secs(300), &there).iter().map(|(_, it)| it)), []);
}

#[test]
fn a_nearer_newcomer_gets_a_copy_before_the_farthest_lets_go() {
    let mut all = by_distance(1, 1..10);
    let newcomer = all.remove(0);
    // The nearest holder offers it.
    let mut nearest = holder(&all, 0);
    let outputs = nearest.tell(StoreInput::Hello { peer: newcomer, willing: true, free: 1 << 30 });
    assert_eq!(offered(&outputs), [newcomer]);
    // The farthest one lets go when the newcomer has proven that it has it, not when it says so.
    let mut farthest = holder(&all, 2);
    farthest.meet(&[newcomer]);
    let said = farthest.says(newcomer, 1, CopyState::Held);
    assert!(said.contains(&StoreOutput::Check { peer: newcomer, content: content(1) }), "{said:?}");
    assert!(!said.contains(&StoreOutput::Remove(content(1))), "{said:?}");
    let proven = farthest.proves(newcomer, 1);
    assert!(proven.contains(&StoreOutput::Remove(content(1))), "{proven:?}");
    assert_eq!(farthest.planner.used(), 0);
    // The others keep theirs.
    let mut middle = holder(&all, 1);
    middle.meet(&[newcomer]);
    middle.says(newcomer, 1, CopyState::Held);
    assert!(!middle.proves(newcomer, 1).contains(&StoreOutput::Remove(content(1))));
}

#[test]
fn what_does_not_fit_is_refused_and_so_is_everything_without_space() {
    let mut desk = Desk::new(numbered_peer(1), 1500);
    let from = numbered_peer(2);
    let mut offer = |n| desk.planner.offer_came(secs(0), from, record(n, 3, 1), vec![], false);
    assert_eq!(offer(1).why, None);
    assert_eq!(offer(2).why, Some(StoreRefusal::Full));
    assert_eq!(offer(1).state, CopyState::Fetching, "the same again");
    assert_eq!((desk.planner.used(), desk.planner.free()), (1000, 500));
    let mut none = Desk::new(numbered_peer(1), 0);
    let answer = none.planner.offer_came(secs(0), from, record(1, 3, 1), vec![], true);
    assert_eq!(answer.why, Some(StoreRefusal::Full), "not even what is here already");
}

#[test]
fn one_that_goes_hands_over_first_and_says_how_that_ended() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 1);
    let outputs = desk.tell(StoreInput::Leave(secs(60)));
    assert_eq!(offered(&outputs), [all[3]]);
    assert!(!desk.planner.is_willing() && desk.planner.free() == 0);
    let told =
        |state| outputs.iter().any(|it| matches!(it, StoreOutput::Status { state: it, .. } if *it == state));
    assert!(told(CopyState::Leaving));
    let left = |outputs: &[StoreOutput]| {
        outputs.iter().find_map(|it| if let StoreOutput::Left(left) = it { Some(*left) } else { None })
    };
    assert_eq!(left(&outputs), None);
    let taken =
        StoreInput::Offered { peer: all[3], content: content(1), state: CopyState::Fetching, why: None };
    assert_eq!(left(&desk.tell(taken)), None, "it is not there yet");
    let outputs = desk.says(all[3], 1, CopyState::Held);
    assert_eq!(left(&outputs).unwrap().safe, 1);
}

#[test]
fn one_that_goes_waits_no_longer_than_it_may() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 1);
    desk.tell(StoreInput::Leave(secs(60)));
    let taken =
        StoreInput::Offered { peer: all[3], content: content(1), state: CopyState::Fetching, why: None };
    desk.tell(taken);
    let done = desk.pass(secs(61), &all);
    let left = done
        .iter()
        .find_map(|(at, it)| if let StoreOutput::Left(left) = it { Some((*at, *left)) } else { None });
    let (at, left) = left.unwrap();
    assert_eq!((left.short, left.safe), (1, 0), "two others have it");
    assert!(at <= secs(60));
}

#[test]
fn what_was_written_down_goes_on() {
    let all = by_distance(1, 1..10);
    let desk = holder(&all, 1);
    let saved = desk.planner.saved(&content(1)).unwrap();
    let mut again = Desk::new(all[1], 1 << 20);
    again.planner.restore(secs(0), content(1), saved.clone(), true);
    again.outputs();
    again.meet(&all);
    assert_eq!(offered(again.pass(secs(600), &all).iter().map(|(_, it)| it)), []);
    assert_eq!(again.planner.views(again.now)[0].holders.len(), 2);
    // Who did not come back is replaced.
    let mut again = Desk::new(all[0], 1 << 20);
    again.planner.restore(secs(0), content(1), saved, true);
    let there: Vec<PeerId> = all.iter().copied().filter(|peer| *peer != all[2]).collect();
    again.meet(&there);
    assert!(!offered(again.pass(secs(120), &there).iter().map(|(_, it)| it)).is_empty());
}
