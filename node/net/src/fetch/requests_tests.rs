use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use shoal_content::Hash;

use super::*;

const START: Duration = Duration::from_secs(100);

fn content(n: u64) -> ContentId {
    ContentId::from_root_hash(Hash::of(&n.to_le_bytes()))
}

fn of(contents: u64) -> Requests {
    let mut requests = Requests::default();
    (0..contents).for_each(|n| requests.join(n, content(n)));
    requests
}

fn ask(requests: &mut Requests, by: AttachmentId, id: RequestId) {
    requests.ask(START, by, id, Asked::Any);
}

fn drain(requests: &mut Requests) -> Vec<ChunkRequest> {
    std::iter::from_fn(|| requests.next()).collect()
}

fn id_of(request: &ChunkRequest) -> u64 {
    match request {
        ChunkRequest::Get { id, .. } | ChunkRequest::Any { id, .. } | ChunkRequest::Cancel { id } => *id,
        ChunkRequest::Have { .. } => panic!("news has no id"),
    }
}

#[test]
fn each_content_numbers_its_own_requests() {
    let mut requests = of(2);
    for by in [0, 1] {
        assert!(requests.ask(START, by, 0, Asked::Chunk(by as ChunkIndex, 10)));
    }
    let get = |id, by: u64| ChunkRequest::Get { id, chunk: by as ChunkIndex, content: content(by) };
    assert_eq!(drain(&mut requests), [get(0, 0), get(1, 1)]);
    let answer = requests.answered(1, 1).unwrap();
    assert_eq!(answer, Asking { by: 1, id: 0, asked: Asked::Chunk(1, 10), late: false });
    assert_eq!(requests.refused(0), Some((0, 0)));
    assert_eq!((requests.refused(0), requests.answered(1, 1)), (None, None), "each is answered once");
}

#[test]
fn an_answer_must_be_the_chunk_that_was_asked_for() {
    let mut requests = of(1);
    requests.ask(START, 0, 7, Asked::Chunk(3, 10));
    requests.ask(START, 0, 8, Asked::Any);
    drain(&mut requests);
    assert_eq!(requests.answered(0, 4), None);
    assert!(requests.answered(1, 4).is_some());
    assert_eq!(requests.answered(2, 4), None, "never used");
}

#[test]
fn no_more_is_open_than_a_provider_takes() {
    let mut requests = of(10);
    for id in 0..20 {
        (0..10).for_each(|by| assert!(requests.ask(START, by, id, Asked::Any)));
    }
    assert_eq!(drain(&mut requests).len(), MAX_WAITING);
    requests.refused(5);
    assert_eq!(drain(&mut requests).len(), 1);
    assert!((0..MAX_WAITING as u64).all(|id| requests.ask(START, 0, 100 + id, Asked::Any) || id > 20));
}

#[test]
fn places_are_shared_evenly_between_busy_and_quiet_contents() {
    let mut requests = of(8);
    (0..60).for_each(|id| ask(&mut requests, 0, id));
    drain(&mut requests);
    (1..8).for_each(|by| (0..16).for_each(|id| ask(&mut requests, by, id)));
    for next in 0..200 {
        drain(&mut requests);
        // The provider answers in order. The content that got the answer asks again.
        let (by, id) = requests.refused(next).unwrap();
        requests.ask(START, by, id + 1000, Asked::Any);
    }
    drain(&mut requests);
    let open: Vec<usize> = requests.lanes.values().map(|lane| lane.open.len()).collect();
    assert!(open.iter().all(|open| (7..=9).contains(open)), "{open:?}");
}

/// Two hundred contents, each with up to four requests, and a provider that answers one at a time.
#[test]
fn everybody_gets_a_turn() {
    let mut requests = of(200);
    let mut served: BTreeMap<AttachmentId, usize> = BTreeMap::new();
    // When each may ask again, if the last of its requests came back unanswered.
    let mut rests: BTreeMap<AttachmentId, Duration> = BTreeMap::new();
    let (mut now, mut id) = (START, 0);
    for next in 0..6000 {
        now += Duration::from_millis(10);
        for (by, _) in requests.expire(now) {
            rests.insert(by, now + Duration::from_secs(2));
        }
        for by in 0..200 {
            let lane = &requests.lanes[&by];
            if lane.open.len() + lane.waiting.len() < 4 && rests.get(&by).is_none_or(|until| now >= *until) {
                requests.ask(now, by, id, Asked::Any);
                id += 1;
            }
        }
        drain(&mut requests);
        if let Some((by, _)) = requests.refused(next) {
            *served.entry(by).or_default() += 1;
        }
    }
    let (least, most) = (served.values().min().unwrap(), served.values().max().unwrap());
    assert_eq!(served.len(), 200);
    assert!(*least >= 10 && *most <= 60, "{least} to {most}");
}

#[test]
fn a_content_without_a_turn_is_told_in_time() {
    let mut requests = of(MAX_WAITING as u64 + 1);
    (0..=MAX_WAITING as u64).for_each(|by| ask(&mut requests, by, 7));
    assert_eq!(requests.next_timeout(), None, "there is room");
    drain(&mut requests);
    let last = MAX_WAITING as u64;
    assert_eq!(requests.next_timeout(), Some(START + PATIENCE));
    assert_eq!(requests.expire(START + PATIENCE / 2), []);
    assert_eq!(requests.expire(START + PATIENCE), [(last, 7)]);
    assert_eq!((requests.next_timeout(), requests.expire(START + 2 * PATIENCE)), (None, vec![]));
    requests.ask(START, last, 8, Asked::Any);
    requests.ask(START, 3, 8, Asked::Any);
    requests.refused(0);
    let next = drain(&mut requests);
    assert!(matches!(&next[..], [ChunkRequest::Any { content: of, .. }] if *of == content(last)), "{next:?}");
}

#[test]
fn what_is_taken_back_may_come_all_the_same() {
    let mut requests = of(2);
    requests.ask(START, 0, 7, Asked::Chunk(3, 10));
    drain(&mut requests);
    requests.ask(START, 0, 8, Asked::Any);
    requests.cancel(0, 7);
    requests.cancel(0, 8);
    requests.cancel(0, 99);
    assert_eq!(drain(&mut requests), [ChunkRequest::Cancel { id: 0 }], "what was not sent needs no cancel");
    assert!(requests.answered(0, 3).is_some_and(|answer| answer.late && answer.id == 7));
    assert_eq!(requests.answered(0, 3), None);
}

#[test]
fn a_storm_of_cancels_leaves_nothing_open_and_is_remembered_in_bounds() {
    let mut requests = of(3);
    for id in 0..5000 {
        let by = id % 3;
        requests.ask(START, by, id, Asked::Any);
        drain(&mut requests);
        requests.cancel(by, id);
        assert_eq!(drain(&mut requests), [ChunkRequest::Cancel { id }]);
    }
    assert_eq!((requests.open.len(), requests.late.len()), (0, MAX_LATE));
    assert!(requests.answered(4999, 0).is_some());
    assert!(requests.answered(0, 0).is_none(), "too long ago");
}

#[test]
fn a_content_that_leaves_takes_its_requests_along_and_its_news_still_goes_out() {
    let mut requests = of(2);
    requests.ask(START, 0, 7, Asked::Any);
    requests.ask(START, 1, 7, Asked::Any);
    drain(&mut requests);
    assert!(requests.others_ask(1));
    requests.ask(START, 0, 8, Asked::Any);
    requests.tell(0, Have::all());
    requests.leave(0);
    assert!(!requests.others_ask(1));
    let have = ChunkRequest::Have { have: Have::all(), content: content(0) };
    assert_eq!(drain(&mut requests), [have, ChunkRequest::Cancel { id: 0 }]);
    let answer = requests.answered(0, 3).unwrap();
    assert_eq!(answer.by, 0, "it is known what it was");
    assert!(!requests.ask(START, 0, 9, Asked::Any), "it does not use the stream");
}

#[test]
fn news_is_bounded_for_each_content_and_for_all() {
    let mut requests = of(100);
    let taken = |requests: &mut Requests, by| (0..100).filter(|_| requests.tell(by, Have::all())).count();
    assert_eq!(taken(&mut requests, 0), MAX_NEWS);
    let rest: usize = (1..100).map(|by| taken(&mut requests, by)).sum();
    assert_eq!(rest, MAX_NEWS_IN_ALL - MAX_NEWS);
    drain(&mut requests);
    assert_eq!(taken(&mut requests, 0), MAX_NEWS);
}

proptest! {
    /// Whatever comes, every request ends once, and the bounds hold.
    #[test]
    fn requests_end_once(steps in prop::collection::vec((0u8..9, 0u64..6, 0u64..40), 0..400)) {
        let mut requests = of(6);
        let mut now = START;
        let mut next_id = 0;
        // What each content takes for open.
        let mut open: BTreeSet<(AttachmentId, RequestId)> = BTreeSet::new();
        for (what, by, pick) in steps {
            let ended: Vec<(AttachmentId, RequestId)> = match what {
                0..=2 => {
                    next_id += 1;
                    if requests.ask(now, by, next_id, Asked::Any) {
                        open.insert((by, next_id));
                    }
                    vec![]
                }
                3 => open.iter().nth(pick as usize).copied().into_iter().inspect(|(by, id)| requests.cancel(*by, *id)).collect(),
                4 => requests.refused(pick).into_iter().collect(),
                5 => {
                    let answer = requests.answered(pick, 0);
                    answer.filter(|answer| !answer.late).map(|answer| (answer.by, answer.id)).into_iter().collect()
                }
                6 => {
                    now += Duration::from_millis(20 * pick);
                    requests.expire(now)
                }
                7 => requests.take_back(by).into_iter().map(|id| (by, id)).collect(),
                _ => {
                    let ids: Vec<u64> = drain(&mut requests).iter().map(id_of).collect();
                    prop_assert!(ids.iter().all(|id| *id < requests.next_id));
                    vec![]
                }
            };
            for ended in ended {
                prop_assert!(open.remove(&ended), "{:?} ended twice", ended);
            }
            prop_assert!(requests.open.len() <= MAX_WAITING && requests.late.len() <= MAX_LATE);
            let lanes = requests.lanes.iter();
            let listed = lanes.flat_map(|(by, lane)| {
                let ids = lane.open.keys().copied().chain(lane.waiting.iter().map(|waiting| waiting.id));
                ids.map(|id| (*by, id)).collect::<Vec<_>>()
            });
            prop_assert_eq!(listed.collect::<BTreeSet<_>>(), open.clone());
            let on_stream: usize = requests.lanes.values().map(|lane| lane.open.len()).sum();
            prop_assert_eq!(on_stream, requests.open.len());
        }
    }
}
