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
        Grant::Send { session, .. } | Grant::Refuse { session, .. } | Grant::Close { session } => *session,
    };
    grants.iter().map(of).collect()
}

/// A queue that has no end fails the test, or it would fill the memory.
fn drain(queue: &mut UploadQueue, now: Duration) -> Vec<Grant> {
    const MOST: usize = 10_000;
    let grants: Vec<Grant> = std::iter::from_fn(|| queue.next(now)).take(MOST).collect();
    assert!(grants.len() < MOST, "there is always one more: {:?}", &grants[MOST - 3..]);
    grants
}

#[test]
fn large_chunks_begin_two_at_a_time_and_small_ones_four() {
    let begun = |len: u32| {
        let mut queue = UploadQueue::new(UploadConfig::default(), SeededRng::seed_from_u64(1));
        queue.add_content(content(), vec![len; 40].into(), false);
        for session in 0..8 {
            queue.open(session, peer(session as usize), None);
            queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
        }
        drain(&mut queue, Duration::ZERO).len()
    };
    assert_eq!((begun(128 << 10), begun(1 << 20), begun(4 << 20)), (4, 2, 2));
}

#[test]
fn what_waits_for_a_content_that_goes_is_refused_and_takes_no_slot() {
    let mut queue = queue(slots(1), 10);
    let other = ContentId::from_bytes(&[&[1, 0x71, 0x12, 0x20][..], &[8; 32]].concat()).unwrap();
    queue.add_content(other, vec![1 << 20; 10].into(), true);
    for session in 1..3 {
        queue.open(session, peer(session as usize), None);
        queue.request(Duration::ZERO, session, wanted(1, Some(1)));
        queue.request(Duration::ZERO, session, wanted(2, None));
        queue.request(Duration::ZERO, session, Wanted { content: other, ..wanted(3, Some(3)) });
    }
    let sent = drain(&mut queue, Duration::ZERO);
    assert_eq!(sent.len(), 1);
    queue.remove_content(&content());
    let refused = drain(&mut queue, Duration::ZERO);
    let is_refused = |g: &Grant| matches!(g, Grant::Refuse { why: ChunkRefusal::NotFound, id: 1 | 2, .. });
    assert!(refused.len() == 3 && refused.iter().all(is_refused), "{refused:?}");
    assert_eq!((queue.active(), queue.queued()), (1, 2 << 20));
}

#[test]
fn slots_are_never_exceeded_and_a_session_has_one() {
    let mut queue = queue(slots(2), 10);
    for session in 1..4 {
        queue.open(session, peer(session as usize), None);
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
                queue.open(session, peer(session as usize), None);
            }
            queue.request(Duration::ZERO, session, wanted(round, None));
        }
        while let Some(grant) = queue.next(Duration::ZERO) {
            match grant {
                Grant::Send { chunk, session, .. } => {
                    sent[chunk as usize] += 1;
                    queue.ended(session);
                }
                Grant::Refuse { why, .. } => assert_eq!(why, ChunkRefusal::NoneFresh),
                Grant::Close { .. } => unreachable!("nothing is stuck"),
            }
        }
    }
    assert!(sent.iter().all(|n| *n == 1), "{sent:?}");
}

#[test]
fn a_peer_that_relays_nothing_is_sent_less() {
    let mut queue = queue(slots(1), 40);
    let (good, idle) = (1, 2);
    queue.open(good, peer(1), None);
    queue.open(idle, peer(2), None);
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
            let news = news.into();
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
        queue.open(session, peer(session as usize), None);
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
    let news = news.into();
    (0..by).for_each(|n| queue.gained(&content(), peer(100 + n), &news));
}

#[test]
fn what_few_have_comes_first() {
    let mut queue = queue(slots(1), 4);
    held(&mut queue, 0, 3);
    held(&mut queue, 1, 2);
    for session in 0..2 {
        queue.open(session, peer(session as usize), None);
        queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
    }
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [1]);
}

/// A peer that is behind asks for what most others have.
#[test]
fn among_chunks_that_many_have_the_peer_with_least_comes_first() {
    let mut queue = queue(slots(1), 4);
    held(&mut queue, 0, 20);
    held(&mut queue, 1, 18);
    held(&mut queue, 2, 17);
    let mut more = ChunkSet::with_capacity(4);
    more.insert(3);
    let more = more.into();
    for session in 0..3 {
        queue.open(session, peer(session as usize), None);
        queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex)));
        if session < 2 {
            queue.gained(&content(), peer(session as usize), &more);
        }
    }
    assert_eq!(sessions(&drain(&mut queue, Duration::ZERO)), [2]);
}

#[test]
fn the_first_of_equals_is_drawn_by_lot() {
    let first = |seed| {
        let mut queue = UploadQueue::new(slots(1), SeededRng::seed_from_u64(seed));
        queue.add_content(content(), vec![1; 40].into(), true);
        (0..8).for_each(|session| queue.open(session, peer(session as usize), None));
        (0..8).for_each(|session| queue.request(Duration::ZERO, session, wanted(1, None)));
        sessions(&drain(&mut queue, Duration::ZERO))[0]
    };
    let drawn: std::collections::BTreeSet<_> = (0..40).map(first).collect();
    assert!(drawn.len() > 4, "{drawn:?}");
}

#[test]
fn what_nobody_knows_is_refused_beside_the_rest() {
    let mut queue = queue(slots(1), 4);
    queue.open(0, peer(0), None);
    queue.request(Duration::ZERO, 0, wanted(1, Some(0)));
    queue.refuse_unknown(0, 9);
    queue.refuse_unknown(7, 1);
    let grants = drain(&mut queue, Duration::ZERO);
    assert!(grants.contains(&Grant::Refuse { session: 0, id: 9, why: ChunkRefusal::Unsupported }));
    assert_eq!(sessions(&grants), [0, 0], "and nothing to a session that is not open");
}

#[test]
fn nobody_waits_for_ever() {
    let mut queue = queue(slots(1), 4);
    queue.open(0, peer(0), None);
    queue.open(1, peer(1), None);
    queue.request(Duration::ZERO, 0, wanted(1, Some(0)));
    drain(&mut queue, Duration::ZERO);
    queue.request(Duration::ZERO, 1, wanted(9, Some(0)));
    let end = queue.next_timeout().unwrap();
    assert_eq!(drain(&mut queue, end), [Grant::Refuse { session: 1, id: 9, why: ChunkRefusal::Busy }]);
}

#[test]
fn tit_for_tat_prefers_givers_and_starves_nobody() {
    let config = UploadConfig { fairness: Fairness::TitForTat, ..slots(1) };
    let mut queue = queue(config, 4);
    queue.open(1, peer(1), None);
    queue.open(2, peer(2), None);
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

/// Connects `n` peers with a session each, number `n` with session `n`.
fn connect(queue: &mut UploadQueue, n: usize) {
    (1..=n).for_each(|n| queue.open(n as SessionId, peer(n), None));
}

fn sent(grants: &[Grant]) -> Vec<ChunkIndex> {
    let chunk = |grant: &Grant| match grant {
        Grant::Send { chunk, .. } => Some(*chunk),
        Grant::Refuse { .. } | Grant::Close { .. } => None,
    };
    grants.iter().filter_map(chunk).collect()
}

/// A peer that only opens a stream and never joins takes nothing away for good.
#[test]
fn what_was_sent_to_a_peer_that_never_joined_is_undistributed_again() {
    let mut queue = queue(slots(1), 1);
    for session in 0..3 {
        queue.open(session, peer(1), None);
        queue.request(Duration::ZERO, session, wanted(1, None));
        let grants = drain(&mut queue, Duration::ZERO);
        assert_eq!(sent(&grants), [0], "session {session}: {grants:?}");
        queue.ended(session);
        queue.close(session);
    }
    assert!(queue.contents[&content()].is_idle(), "nothing is kept for its sake");
}

/// As long as the peer is there, on whichever stream, it may be about to join.
#[test]
fn what_was_sent_on_one_stream_counts_until_the_last_is_closed() {
    let mut queue = queue(slots(1), 1);
    connect(&mut queue, 2);
    queue.open(9, peer(1), None);
    queue.request(Duration::ZERO, 1, wanted(1, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), [0]);
    queue.close(1);
    queue.request(Duration::ZERO, 2, wanted(1, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), []);
    queue.close(9);
    queue.request(Duration::ZERO, 2, wanted(2, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), [0]);
}

/// A peer that joined is known until it is gone, whatever becomes of its streams.
#[test]
fn what_was_sent_to_a_peer_that_joined_counts_until_it_is_gone() {
    let nothing = ChunkSet::with_capacity(1);
    let mut queue = queue(slots(1), 1);
    connect(&mut queue, 2);
    queue.gained(&content(), peer(1), &ChunkNews::NOTHING);
    queue.request(Duration::ZERO, 1, wanted(1, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), [0]);
    queue.close(1);
    queue.request(Duration::ZERO, 2, wanted(1, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), []);
    queue.gone(&content(), &peer(1), &nothing);
    queue.request(Duration::ZERO, 2, wanted(2, None));
    assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), [0]);
}

#[test]
fn of_an_empty_content_every_peer_that_joined_has_a_copy() {
    let nothing = ChunkSet::with_capacity(0);
    let mut queue = queue(slots(1), 0);
    assert_eq!(queue.copies(&content()), 0);
    queue.gained(&content(), peer(1), &ChunkNews::NOTHING);
    queue.gained(&content(), peer(2), &ChunkNews::NOTHING);
    assert_eq!(queue.copies(&content()), 2);
    queue.gone(&content(), &peer(1), &nothing);
    assert_eq!(queue.copies(&content()), 1);
}

#[test]
fn a_content_without_peers_keeps_nothing_but_its_lengths() {
    let mut queue = queue(slots(1), 4);
    assert!(queue.contents[&content()].is_idle());
    held(&mut queue, 0, 2);
    connect(&mut queue, 2);
    queue.request(Duration::ZERO, 1, wanted(1, None));
    queue.request(Duration::ZERO, 2, wanted(1, Some(3)));
    drain(&mut queue, Duration::ZERO);
    queue.begun(1);
    assert!(!queue.contents[&content()].is_idle());
    (1..=2).for_each(|session| queue.close(session));
    let mut had = ChunkSet::with_capacity(4);
    had.insert(0);
    (0..2).for_each(|n| queue.gone(&content(), &peer(100 + n), &had));
    assert!(queue.contents[&content()].is_idle());
    assert_eq!(queue.next_timeout().map(|at| drain(&mut queue, at)), Some(vec![]));
    assert_eq!(queue.next_timeout(), None, "nothing can happen any more");
}

#[test]
fn the_chunk_that_each_session_was_sent_last_is_known() {
    let mut queue = queue(slots(2), 4);
    connect(&mut queue, 2);
    for (session, id, chunk) in [(1, 1, 0), (2, 1, 1), (1, 2, 2)] {
        queue.request(Duration::ZERO, session, wanted(id, Some(chunk)));
        assert_eq!(sent(&drain(&mut queue, Duration::ZERO)), [chunk]);
        let before: Vec<_> = queue.last_sent(&content()).collect();
        assert!(!before.contains(&(peer(session as usize), chunk)), "none of its bytes went out");
        queue.begun(session);
        queue.ended(session);
    }
    assert_eq!(queue.last_sent(&content()).collect::<Vec<_>>(), [(peer(1), 2), (peer(2), 1)]);
    queue.close(1);
    assert_eq!(queue.last_sent(&content()).collect::<Vec<_>>(), [(peer(2), 1)]);
}

/// Receivers that are slower than our line: nothing but the timeout says that it is time to try more slots.
#[test]
fn more_slots_are_tried_although_nothing_happens() {
    let mut queue = queue(UploadConfig::default(), 40);
    connect(&mut queue, 8);
    (1..=8)
        .for_each(|session| queue.request(Duration::ZERO, session, wanted(1, Some(session as ChunkIndex))));
    let mut now = Duration::ZERO;
    assert_eq!(sent(&drain(&mut queue, now)).len(), 2);
    while queue.active() == 2 && now < Duration::from_secs(2) {
        let next = queue.next_timeout().unwrap();
        assert!(next > now, "a timeout in the past would spin");
        now = next;
        drain(&mut queue, now);
    }
    assert_eq!(queue.active(), 3, "{now:?}");
}

/// Of two contents, the one that is distributed has nobody wait for the other one's slow start.
#[test]
fn each_content_starts_slowly_by_itself() {
    let other = ContentId::from_bytes(&[&[1, 0x71, 0x12, 0x20][..], &[8; 32]].concat()).unwrap();
    let mut queue = queue(slots(4), 8);
    queue.add_content(other, vec![1 << 20; 8].into(), true);
    connect(&mut queue, 4);
    for session in 1..=4 {
        let content = if session < 3 { content() } else { other };
        queue.request(Duration::ZERO, session, Wanted { id: 1, content, chunk: None });
    }
    let grants = drain(&mut queue, Duration::ZERO);
    let of = |grant: &Grant| matches!(grant, Grant::Send { content, .. } if *content == other);
    assert_eq!((grants.len(), grants.iter().filter(|g| of(g)).count()), (2, 1), "one of each: {grants:?}");
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
                    queue.open(session, peer(session as usize), None);
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
            let active = queue.sessions.values().filter(|s| s.sending.is_some()).count();
            prop_assert_eq!(active, queue.active());
        }
    }
}

/// Sessions 0.. of a queue with so many slots, each of a network if one is given, that all ask for chunks.
fn asking(slots: usize, most_slots: usize, networks: &[Option<&str>]) -> UploadQueue {
    let config = UploadConfig { slots: Some(slots), most_slots, ..UploadConfig::default() };
    let mut queue = queue(config, networks.len());
    for (n, network) in networks.iter().enumerate() {
        let network = network.map(|ip| Network::of(ip.parse().unwrap()));
        queue.open(n as SessionId, peer(n), network);
        (0..4)
            .for_each(|id| queue.request(Duration::ZERO, n as SessionId, wanted(id, Some(n as ChunkIndex))));
    }
    queue
}

fn sent_to(grants: &[Grant]) -> Vec<SessionId> {
    let to = |grant: &Grant| match grant {
        Grant::Send { session, .. } => Some(*session),
        _ => None,
    };
    grants.iter().filter_map(to).collect()
}

#[test]
fn a_peer_that_takes_nothing_keeps_no_slot_from_others() {
    let mut queue = asking(1, 3, &[None; 5]);
    let mut now = Duration::ZERO;
    let mut served = Vec::new();
    for _ in 0..3 {
        let sent = sent_to(&drain(&mut queue, now));
        assert_eq!(sent.len(), 1);
        queue.offered(now, sent[0]);
        served.extend(sent);
        assert_eq!(queue.next_timeout(), Some(now + Duration::from_secs(1)));
        now += Duration::from_secs(1);
    }
    // Now as many chunks are in memory as may be, until the first one has been stuck for long enough.
    assert_eq!((drain(&mut queue, now), queue.active()), (vec![], 3));
    now += Duration::from_secs(1);
    let grants = drain(&mut queue, now);
    assert_eq!(grants[0], Grant::Close { session: served[0] });
    assert_eq!(sent_to(&grants).len(), 1);
    queue.sent(served[1], 1);
    queue.ended(served[1]);
    assert_eq!(sent_to(&drain(&mut queue, now)).len(), 0, "the one slot is taken");
}

#[test]
fn nobody_goes_as_long_as_no_other_waits() {
    let mut queue = asking(1, 1, &[None]);
    assert_eq!(sent_to(&drain(&mut queue, Duration::ZERO)), [0]);
    queue.offered(Duration::ZERO, 0);
    (0..4).for_each(|id| queue.cancel(0, id));
    assert_eq!((drain(&mut queue, Duration::from_secs(60)), queue.next_timeout()), (vec![], None));
}

#[test]
fn while_others_wait_one_network_has_half_of_the_slots() {
    let (many, other) = (Some("8.8.8.8"), Some("9.9.9.9"));
    let mut queue = asking(4, 32, &[many, many, many, many, many, many, other, other]);
    let mut sent = sent_to(&drain(&mut queue, Duration::ZERO));
    assert_eq!(sent.iter().filter(|session| **session >= 6).count(), 2, "{sent:?}");
    // Where nobody else waits, it has all.
    let mut queue = asking(4, 32, &[many; 6]);
    sent = sent_to(&drain(&mut queue, Duration::ZERO));
    assert_eq!(sent.len(), 4);
}
