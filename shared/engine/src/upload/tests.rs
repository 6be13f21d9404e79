//! The queue's order, slots and bounds.

use super::*;
use crate::testing::peer;
use proptest::prelude::*;
use rand::SeedableRng;
use shoal_content::ContentId;

fn content() -> ContentId {
    ContentId::from_bytes(&[&[1, 0x71, 0x12, 0x20][..], &[7; 32]].concat()).unwrap()
}

fn queue(config: UploadConfig, chunks: usize) -> UploadQueue {
    let mut queue = UploadQueue::new(config, SeededRng::seed_from_u64(7));
    queue.add_content(content(), vec![1 << 20; chunks].into(), true);
    queue
}

fn wanted(id: u64, chunk: Option<ChunkIndex>) -> Wanted {
    Wanted { id, content: content(), chunk }
}

fn slots(slots: usize) -> UploadConfig {
    UploadConfig { slots: Some(slots), ..UploadConfig::default() }
}

fn sessions(grants: &[Grant]) -> Vec<SessionId> {
    let of = |g: &Grant| match g {
        Grant::Send { session, .. } | Grant::Refuse { session, .. } => *session,
    };
    grants.iter().map(of).collect()
}

fn drain(queue: &mut UploadQueue, now: Duration) -> Vec<Grant> {
    std::iter::from_fn(|| queue.next(now)).collect()
}

#[test]
fn large_chunks_begin_two_at_a_time_and_small_ones_four() {
    let begun = |len: u32| {
        let mut queue = UploadQueue::new(UploadConfig::default(), SeededRng::seed_from_u64(1));
        queue.add_content(content(), vec![len; 40].into(), false);
        for session in 0..8 {
            queue.open(session, peer(session as usize));
            queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
        }
        drain(&mut queue, Duration::ZERO).len()
    };
    assert_eq!((begun(128 << 10), begun(1 << 20), begun(4 << 20)), (4, 2, 2));
}

#[test]
fn slots_are_never_exceeded_and_a_session_has_one() {
    let mut queue = queue(slots(2), 10);
    for session in 1..4 {
        queue.open(session, peer(session as usize));
        queue.request(Duration::ZERO, session, wanted(1, Some(1)));
        queue.request(Duration::ZERO, session, wanted(2, Some(2)));
    }
    let first = drain(&mut queue, Duration::ZERO);
    assert_eq!(sessions(&first).len(), 2);
    assert_ne!(sessions(&first)[0], sessions(&first)[1]);
    queue.ended(sessions(&first)[0]);
    assert_eq!(drain(&mut queue, Duration::ZERO).len(), 1);
    for session in 1..4 {
        queue.close(session);
    }
    assert_eq!((queue.active(), queue.queued()), (0, 0));
}

#[test]
fn eight_that_leave_the_choice_get_each_chunk_once() {
    let mut queue = queue(slots(1), 40);
    let mut sent = [0; 40];
    for round in 0..6 {
        for session in 0..8 {
            if round == 0 {
                queue.open(session, peer(session as usize));
            }
            queue.request(Duration::ZERO, session, wanted(round, None));
        }
        while let Some(grant) = queue.next(Duration::ZERO) {
            match grant {
                Grant::Send { chunk, session, .. } => {
                    sent[chunk as usize] += 1;
                    queue.ended(session);
                }
                Grant::Refuse { why, .. } => assert_eq!(why, Refusal::NoneFresh),
            }
        }
    }
    assert!(sent.iter().all(|n| *n == 1), "{sent:?}");
}

#[test]
fn who_passes_nothing_on_is_given_less() {
    let mut queue = queue(slots(1), 40);
    let (good, idle) = (1, 2);
    queue.open(good, peer(1));
    queue.open(idle, peer(2));
    let mut got = [0, 0];
    for id in 0..20 {
        for session in [good, idle] {
            queue.request(Duration::ZERO, session, wanted(id, None));
        }
        let Some(Grant::Send { session, chunk, .. }) = queue.next(Duration::ZERO) else { panic!() };
        got[session as usize - 1] += 1;
        queue.ended(session);
        if session == good {
            let mut news = ChunkSet::with_capacity(40);
            news.insert(chunk as usize);
            queue.gained(&content(), peer(1), &news);
            queue.gained(&content(), peer(3), &news);
        }
    }
    assert!(got[0] >= 18, "{got:?}");
}

#[test]
fn the_least_sent_chunk_comes_first() {
    let mut queue = queue(slots(1), 4);
    for session in 0..3 {
        queue.open(session, peer(session as usize));
    }
    queue.request(Duration::ZERO, 0, wanted(1, Some(0)));
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [0]);
    queue.request(Duration::ZERO, 1, wanted(1, Some(0)));
    queue.request(Duration::ZERO, 2, wanted(1, Some(3)));
    queue.ended(0);
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [2]);
}

/// Tells that so many others have a chunk.
fn held(queue: &mut UploadQueue, chunk: usize, by: usize) {
    let mut news = ChunkSet::with_capacity(4);
    news.insert(chunk);
    (0..by).for_each(|n| queue.gained(&content(), peer(100 + n), &news));
}

#[test]
fn what_few_have_comes_first() {
    let mut queue = queue(slots(1), 4);
    held(&mut queue, 0, 3);
    held(&mut queue, 1, 2);
    for session in 0..2 {
        queue.open(session, peer(session as usize));
        queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
    }
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [1]);
}

/// Who is behind asks for what most others have.
#[test]
fn among_chunks_that_many_have_who_has_least_comes_first() {
    let mut queue = queue(slots(1), 4);
    held(&mut queue, 0, 20);
    held(&mut queue, 1, 18);
    held(&mut queue, 2, 17);
    let mut more = ChunkSet::with_capacity(4);
    more.insert(3);
    for session in 0..3 {
        queue.open(session, peer(session as usize));
        queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
        if session < 2 {
            queue.gained(&content(), peer(session as usize), &more);
        }
    }
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [2]);
}

#[test]
fn who_comes_first_is_drawn_by_lot() {
    let first = |seed| {
        let mut queue = UploadQueue::new(slots(1), SeededRng::seed_from_u64(seed));
        queue.add_content(content(), vec![1; 40].into(), true);
        (0..8).for_each(|session| queue.open(session, peer(session as usize)));
        (0..8).for_each(|session| queue.request(Duration::ZERO, session, wanted(1, None)));
        sessions(&drain(&mut queue, Duration::ZERO))[0]
    };
    let drawn: std::collections::BTreeSet<_> = (0..40).map(first).collect();
    assert!(drawn.len() > 4, "{drawn:?}");
}

#[test]
fn nobody_waits_for_ever() {
    let mut queue = queue(slots(1), 4);
    queue.open(0, peer(0));
    queue.open(1, peer(1));
    queue.request(Duration::ZERO, 0, wanted(1, Some(0)));
    drain(&mut queue, Duration::ZERO);
    queue.request(Duration::ZERO, 1, wanted(9, Some(0)));
    let end = queue.next_timeout().unwrap();
    assert_eq!(drain(&mut queue, end), [Grant::Refuse { session: 1, id: 9, why: Refusal::Busy }]);
}

#[test]
fn tit_for_tat_prefers_who_gives_and_starves_nobody() {
    let config = UploadConfig { fairness: Fairness::TitForTat, ..slots(1) };
    let mut queue = queue(config, 4);
    queue.open(1, peer(1));
    queue.open(2, peer(2));
    queue.received(Duration::ZERO, peer(2), 10 << 20);
    let mut got = [0, 0];
    for id in 0..40 {
        for session in [1, 2] {
            queue.request(Duration::ZERO, session, wanted(id, Some(0)));
        }
        if let Some(Grant::Send { session, .. }) = queue.next(Duration::ZERO) {
            got[session as usize - 1] += 1;
        }
        for session in [1, 2] {
            queue.ended(session);
            queue.cancel(session, id);
        }
    }
    assert!(got[1] > 2 * got[0] && got[0] > 0, "{got:?}");
}

proptest! {
    /// Whatever comes, counts stay right and the queue stays within its bounds.
    #[test]
    fn counts_and_bounds_hold(steps in prop::collection::vec((0u8..7, 0u64..4, 0u64..100, 0u32..12), 0..300)) {
        let mut queue = queue(slots(2), 10);
        let mut now = Duration::ZERO;
        for (what, session, id, chunk) in steps {
            match what {
                0 => {
                    queue.close(session);
                    queue.open(session, peer(session as usize));
                }
                1 | 2 => queue.request(now, session, wanted(id, (chunk < 10).then_some(chunk))),
                3 => queue.cancel(session, id),
                4 => queue.ended(session),
                5 => queue.close(session),
                _ => now += Duration::from_secs(id / 10),
            }
            let grants = drain(&mut queue, now);
            let late = |g: &Grant| matches!(g, Grant::Refuse { .. });
            prop_assert!(grants.iter().filter(|g| !late(g)).count() <= 2);
            prop_assert!(queue.active() <= 2);
            let waiting: usize = queue.sessions.values().map(|s| s.waiting.len()).sum();
            prop_assert_eq!(waiting, queue.waiting);
            let bytes: u64 = queue.sessions.values().flat_map(|s| &s.waiting).map(|w| u64::from(w.len)).sum();
            prop_assert_eq!(bytes, queue.queued());
            prop_assert!(queue.sessions.values().all(|s| s.waiting.len() <= MAX_WAITING));
            let active = queue.sessions.values().filter(|s| s.active).count();
            prop_assert_eq!(active, queue.active());
        }
    }
}
