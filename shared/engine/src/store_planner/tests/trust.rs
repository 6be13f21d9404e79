//! What is believed, and what is ended.

use shoal_wire::store::{CopyState, StoreRefusal};

use super::*;

#[test]
fn who_cannot_prove_a_copy_is_replaced_and_not_asked_for_a_while() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let failed = StoreInput::Checked { peer: all[1], content: content(1), answer: StoreProof::Wrong };
    assert_eq!(offered(&desk.tell(failed)), [all[3]]);
    // It may say what it likes.
    desk.says(all[3], 1, CopyState::Held);
    desk.proves(all[3], 1);
    desk.says(all[1], 1, CopyState::Held);
    assert_eq!(desk.planner.views(desk.now)[0].holders, [all[2], all[3]]);
    assert_eq!(offered(desk.pass(secs(1800), &all).iter().map(|(_, it)| it)), []);
}

#[test]
fn no_answer_to_a_check_counts_only_the_third_time() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let silent = StoreInput::Checked { peer: all[1], content: content(1), answer: StoreProof::Missing };
    for _ in 0..2 {
        assert_eq!(offered(&desk.tell(silent.clone())), []);
    }
    assert_eq!(offered(&desk.tell(silent)), [all[3]]);
}

#[test]
fn who_takes_its_word_back_is_offered_a_copy_again_and_is_not_believed_for_ever() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let denied = StoreInput::Checked { peer: all[1], content: content(1), answer: StoreProof::Denied };
    // Another one takes its place; when that is gone, it is asked again.
    let took = |peer| StoreInput::Offered { peer, content: content(1), state: CopyState::Held, why: None };
    desk.tell(took(all[1]));
    assert_eq!(offered(&desk.tell(denied.clone())), [all[3]]);
    desk.says(all[3], 1, CopyState::Held);
    desk.proves(all[3], 1);
    desk.now += secs(60);
    let gone = desk.tell(StoreInput::Bye(all[3]));
    assert_eq!(offered(&gone), [all[1]]);
    // Its word alone brings it no further.
    for _ in 0..2 {
        desk.tell(took(all[1]));
        desk.tell(denied.clone());
    }
    desk.says(all[1], 1, CopyState::Held);
    assert_eq!(desk.planner.views(desk.now)[0].holders, [all[2]]);
}

#[test]
fn who_has_too_much_to_do_is_no_liar() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let busy = StoreInput::Checked { peer: all[1], content: content(1), answer: StoreProof::Busy };
    for _ in 0..10 {
        assert_eq!(offered(&desk.tell(busy.clone())), []);
    }
}

#[test]
fn a_damaged_copy_is_fetched_again_from_the_others() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let outputs = desk.tell(StoreInput::Verified { content: content(1), whole: false });
    let from = vec![all[1], all[2]];
    assert!(outputs.contains(&StoreOutput::Repair { content: content(1), from }), "{outputs:?}");
    assert!(!desk.planner.can_prove(&content(1)));
    desk.tell(StoreInput::Stored(content(1)));
    assert!(desk.planner.can_prove(&content(1)));
}

#[test]
fn own_copies_are_read_now_and_then_and_others_asked() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let day = secs(24 * 3600);
    let done = desk.pass(day, &all);
    assert_eq!(done.iter().filter(|(_, it)| *it == StoreOutput::Verify(content(1))).count(), 1);
}

#[test]
fn what_expired_or_was_ended_is_removed_and_does_not_come_back() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    // Only what was issued before it.
    assert!(!desk.tell(StoreInput::End(end(1, 0))).contains(&StoreOutput::Remove(content(1))));
    let outputs = desk.tell(StoreInput::End(end(1, 5)));
    assert!(outputs.contains(&StoreOutput::Remove(content(1))));
    let told = outputs.iter().filter(|it| matches!(it, StoreOutput::End { .. })).count();
    assert!(told >= 2, "the others are told");
    let again = desk.planner.offer_came(desk.now, all[1], record(1, 3, 1), vec![], false);
    assert_eq!((again.why, again.end), (Some(StoreRefusal::Ended), Some(end(1, 5))));
    let (state, ..) = desk.planner.status_came(desk.now, all[1], content(1), CopyState::Held);
    assert_eq!(state, CopyState::Ended);
    // What is wanted later is another thing.
    assert_eq!(desk.planner.offer_came(desk.now, all[1], record(1, 3, 6), vec![], false).why, None);

    let mut desk = holder(&all, 0);
    let done = desk.pass(secs(1_000_001), &all);
    assert!(done.iter().any(|(_, it)| *it == StoreOutput::Remove(content(1))));
    assert!(desk.planner.views(desk.now).is_empty());
    let late = desk.planner.offer_came(desk.now, all[1], record(1, 3, 1), vec![], false);
    assert_eq!(late.why, Some(StoreRefusal::Invalid));
}

#[test]
fn one_owner_cannot_end_or_shorten_what_another_one_wants() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    let other =
        StoreRecord { owner: b"other".to_vec(), copies: 1, issued: 9, expires: 10, ..record(1, 1, 9) };
    desk.planner.offer_came(desk.now, all[4], other, vec![], false);
    let view = &desk.planner.views(desk.now)[0];
    assert_eq!((view.copies, view.expires), (3, secs(1_000_000)));
    let ended = StoreEnd { owner: b"other".to_vec(), ..end(1, 10) };
    assert!(!desk.tell(StoreInput::End(ended)).contains(&StoreOutput::Remove(content(1))));
}

#[test]
fn a_renewed_record_is_passed_on_to_who_lacks_it() {
    let all = by_distance(1, 1..10);
    let mut desk = holder(&all, 0);
    desk.planner.offer_came(desk.now, all[5], record(1, 3, 7), vec![], false);
    desk.outputs();
    let records = vec![record(1, 3, 1)];
    let old = StoreInput::Status {
        peer: all[1],
        content: content(1),
        state: CopyState::Held,
        holders: vec![],
        records,
    };
    assert_eq!(offered(&desk.tell(old)), [all[1]]);
    let records = vec![record(1, 3, 7)];
    let new = StoreInput::Status {
        peer: all[2],
        content: content(1),
        state: CopyState::Held,
        holders: vec![],
        records,
    };
    assert_eq!(offered(&desk.tell(new)), []);
}
