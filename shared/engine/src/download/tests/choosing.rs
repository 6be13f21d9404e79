//! Which peers are asked for how much, seen request by request: a download that is told what happened, and no world around it.

use super::*;
use shoal_wire::query::Load;

/// A download that is told what happens, and the time.
struct Told {
    download: Download,
    now: Duration,
}

impl Told {
    fn new(chunks: usize, config: DownloadConfig) -> Self {
        let (none, rng) = (ChunkSet::with_capacity(chunks), SeededRng::seed_from_u64(1));
        let download = Download::new(config, vec![CHUNK; chunks].into(), full(chunks), &none, rng);
        Self { download, now: Duration::ZERO }
    }

    /// Returns what it does then.
    fn hear(&mut self, input: Input) -> Vec<Output> {
        self.download.handle(self.now, input);
        std::iter::from_fn(|| self.download.poll_output()).collect()
    }

    /// A peer comes that has some chunks.
    fn join(&mut self, n: usize, rtt: u64, has: impl IntoIterator<Item = usize>) -> Vec<Output> {
        let mut chunks = ChunkSet::with_capacity(self.download.lengths.len());
        has.into_iter().for_each(|chunk| chunks.insert(chunk));
        self.hear(Input::PeerUp { peer: peer(n), rtt: Duration::from_millis(rtt) });
        self.hear(Input::Have { peer: peer(n), chunks: chunks.into() })
    }

    /// Each of some peers joins, and has all chunks but the last. Returns the peers that were asked.
    fn crowd(&mut self, count: usize) -> Vec<PeerId> {
        let most = self.download.lengths.len() - 1;
        (1..=count).flat_map(|n| asked(&self.join(n, 20, 0..most))).collect()
    }

    fn load(&mut self, n: usize, load: Load) {
        self.hear(Input::Load { peer: peer(n), load });
    }
}

/// The peers that were asked for a chunk, in order.
fn asked(outputs: &[Output]) -> Vec<PeerId> {
    let peer = |output: &Output| match output {
        Output::Request { peer, .. } | Output::RequestAny { peer, .. } => Some(*peer),
        _ => None,
    };
    outputs.iter().filter_map(peer).collect()
}

fn how_often(asked: &[PeerId], n: usize) -> usize {
    asked.iter().filter(|id| **id == peer(n)).count()
}

#[test]
fn each_of_few_peers_is_asked_for_some_chunks_and_of_many_for_some_in_all() {
    let mut few = Told::new(100, DownloadConfig::default());
    let of_few = few.crowd(6);
    assert!((1..=6).all(|n| how_often(&of_few, n) == 4), "{of_few:?}");
    assert!(few.download.is_hungry());
    // All come at once, so that none is asked before all are there.
    let mut many = Told::new(100, DownloadConfig::default());
    many.hear(Input::Pause);
    assert_eq!(many.crowd(12), []);
    let of_many = asked(&many.hear(Input::Resume));
    assert_eq!(of_many.len(), 6);
    assert!((1..=12).all(|n| how_often(&of_many, n) <= 1), "{of_many:?}");
    assert!(!many.download.is_hungry());
    // Once much comes, as much is asked for as comes in a second.
    many.now += Duration::from_secs(1);
    many.hear(Input::Progress { peer: of_many[0], bytes: 10 * u64::from(CHUNK) });
    assert_eq!(many.download.asked.len(), 10);
}

#[test]
fn a_fixed_number_is_asked_of_each_however_many_there_are() {
    let config = DownloadConfig { fixed_in_flight: true, max_in_flight: 3, ..DownloadConfig::default() };
    let of = Told::new(100, config).crowd(9);
    assert!((1..=9).all(|n| how_often(&of, n) == 3), "{of:?}");
}

#[test]
fn seeds_that_may_choose_are_asked_beside_what_is_spread_among_the_others() {
    let mut told = Told::new(100, DownloadConfig::default());
    told.hear(Input::Pause);
    told.crowd(8);
    told.join(9, 20, 0..100);
    let outputs = told.hear(Input::Resume);
    let any = |output: &&Output| matches!(output, Output::RequestAny { .. });
    let chosen: Vec<_> = outputs.iter().filter(any).cloned().collect();
    assert_eq!(asked(&chosen), [peer(9)]);
    assert_eq!(asked(&outputs).len(), 1 + 6);
}

#[test]
fn choices_that_are_left_to_a_peer_are_taken_back_once_every_chunk_is_asked_for() {
    let mut told = Told::new(5, DownloadConfig::default());
    let choices = told.join(1, 20, 0..5);
    assert_eq!(asked(&choices), [peer(1); 4]);
    let some = told.join(2, 20, 0..4);
    assert_eq!(asked(&some), [peer(2); 4]);
    assert_eq!(some.len(), 4, "one chunk is open still: {some:?}");
    let last = told.join(3, 20, [4]);
    let cancelled = last.iter().filter(|it| matches!(it, Output::Cancel { peer: p, .. } if *p == peer(1)));
    assert_eq!((asked(&last), cancelled.count()), (vec![peer(3)], 4), "{last:?}");
    assert_eq!(told.download.unchosen, 0);
}

/// Two peers come to a download that is paused, and have the only chunk. Returns which is asked for it.
fn chosen(choice: PeerChoice, rtts: [u64; 2], loads: [Load; 2]) -> usize {
    let mut told = Told::new(2, DownloadConfig { peer_choice: choice, ..DownloadConfig::default() });
    told.hear(Input::Pause);
    for (n, (rtt, load)) in rtts.into_iter().zip(loads).enumerate() {
        told.join(n, rtt, [0]);
        told.load(n, load);
    }
    let of = asked(&told.hear(Input::Resume));
    assert_eq!(of.len(), 1, "{of:?}");
    usize::from(of == [peer(1)])
}

#[test]
fn the_peer_that_would_deliver_first_is_asked_first() {
    let estimate = |rtts, loads| chosen(PeerChoice::EstimatedFinish, rtts, loads);
    let idle = Load::default();
    assert_eq!(estimate([200, 10], [idle; 2]), 1);
    assert_eq!(estimate([10, 200], [idle; 2]), 0);
    let with = |rate, queued| Load { rate, queued, ..idle };
    assert_eq!(estimate([10, 10], [with(1 << 20, 8 << 20), with(1 << 20, 1 << 20)]), 1, "less waits there");
    assert_eq!(estimate([10, 10], [with(1 << 20, 1 << 20), with(1 << 20, 8 << 20)]), 0);
    assert_eq!(estimate([10, 10], [with(1 << 20, 8 << 20), with(64 << 20, 16 << 20)]), 1, "it is quicker");
    assert_eq!(estimate([10, 10], [with(64 << 20, 16 << 20), with(1 << 20, 8 << 20)]), 0);
}

#[test]
fn the_classic_score_is_the_round_trip_and_ten_for_each_chunk_under_way() {
    let score = |rtts, active: [u32; 2]| {
        chosen(PeerChoice::Score, rtts, active.map(|active| Load { active, ..Load::default() }))
    };
    assert_eq!(score([100, 20], [0, 9]), 0, "100 against 110");
    assert_eq!(score([100, 20], [0, 7]), 1, "100 against 90");
    assert_eq!(score([20, 100], [9, 0]), 1);
    assert_eq!(score([20, 100], [7, 0]), 0);
}

#[test]
fn in_a_star_only_seeds_are_asked() {
    let mut told = Told::new(100, DownloadConfig::default().with_topology(Topology::Star));
    assert_eq!(told.crowd(9), []);
    let of = asked(&told.join(10, 20, 0..100));
    assert!(!of.is_empty() && of.iter().all(|id| *id == peer(10)), "{of:?}");
    let fixed = DownloadConfig { fixed_in_flight: true, only_seeds: true, ..DownloadConfig::default() };
    assert_eq!(Told::new(100, fixed).crowd(3), []);
}

#[test]
fn a_peer_that_is_busy_is_asked_again_when_its_rest_is_over_and_not_before() {
    let mut told = Told::new(100, DownloadConfig::default());
    let first = told.join(1, 20, 0..50);
    let Some(Output::Request { id, .. }) = first.first() else { panic!("{first:?}") };
    let refused = told.hear(Input::Refused { peer: peer(1), id: *id, why: ChunkRefusal::Busy });
    assert_eq!(asked(&refused), []);
    let until = told.download.next_timeout().unwrap();
    assert!(until > told.now, "{until:?}");
    told.now = until - Duration::from_millis(1);
    assert_eq!(asked(&told.hear(Input::Timeout)), []);
    // Nobody comes back to the microsecond.
    told.now = until + Duration::from_millis(1);
    assert_eq!(asked(&told.hear(Input::Timeout)), [peer(1)]);
}

#[test]
fn the_end_of_one_rest_is_not_that_of_another() {
    let mut told = Told::new(100, DownloadConfig::default());
    let requests = [told.join(1, 20, 0..50), told.join(2, 20, 50..99)];
    let ends = [1, 2].map(|n| {
        let Some(Output::Request { id, .. }) = requests[n - 1].first() else { panic!("{requests:?}") };
        told.hear(Input::Refused { peer: peer(n), id: *id, why: ChunkRefusal::Busy });
        told.now += Duration::from_millis(200);
        told.download.peers[told.download.peers.index_of(&peer(n)).unwrap()].rest_until
    });
    assert!(told.now < ends[0] && ends[0] < ends[1], "{ends:?}");
    told.now = ends[0];
    assert_eq!(asked(&told.hear(Input::Timeout)), [peer(1)]);
    assert_eq!(told.download.wake_at, Some(ends[1]));
    told.now = ends[1];
    assert_eq!(asked(&told.hear(Input::Timeout)), [peer(2)]);
}

#[test]
fn what_is_under_way_counts_in_the_classic_score() {
    let config = DownloadConfig { peer_choice: PeerChoice::Score, ..DownloadConfig::default() };
    let mut told = Told::new(5, config);
    assert_eq!(asked(&told.join(1, 20, 0..3)), [peer(1); 3]);
    told.hear(Input::Pause);
    told.join(1, 20, [3]);
    told.join(2, 20, [3]);
    assert_eq!(asked(&told.hear(Input::Resume)), [peer(2)]);
}

/// A seed that has given every chunk to somebody, and two peers that have the chunks up to 60 and those from 40 up to
/// `end`, and send as fast as all three did before. Returns of what the seed is asked half a second later.
fn asked_of_a_seed_that_gave_all(told: &mut Told, end: usize) -> Vec<ChunkIndex> {
    let choices = told.join(1, 20, 0..100);
    let Some(Output::RequestAny { id: chosen, .. }) = choices.first() else { panic!("{choices:?}") };
    told.hear(Input::Begun { peer: peer(1), id: *chosen, chunk: 0, queued: 0 });
    told.hear(Input::Stored { peer: peer(1), id: *chosen, chunk: 0 });
    let mut requests = told.join(2, 20, 0..60);
    told.join(3, 20, 40..end);
    told.now = Duration::from_secs(1);
    // Enough of them that the rarest chunk is asked for next.
    for _ in 0..4 {
        let next =
            requests.iter().position(|it| matches!(it, Output::Request { peer: p, .. } if *p == peer(2)));
        let Output::Request { id, chunk, .. } = requests.remove(next.unwrap()) else { unreachable!() };
        requests.extend(told.hear(Input::Progress { peer: peer(2), bytes: CHUNK.into() }));
        requests.extend(told.hear(Input::Stored { peer: peer(2), id, chunk }));
    }
    told.hear(Input::Progress { peer: peer(3), bytes: CHUNK.into() });
    let seed = told.download.peers.index_of(&peer(1)).unwrap();
    for id in told.download.peers[seed].pending.unchosen().collect::<Vec<_>>() {
        let rests = told.hear(Input::Refused { peer: peer(1), id, why: ChunkRefusal::NoneFresh });
        assert_eq!(how_often(&asked(&rests), 1), 0, "others are about to pass it on");
    }
    let rate = told.download.throughput.rate().unwrap();
    told.now += DownloadConfig::default().seed_grace;
    let bytes = (rate * DownloadConfig::default().seed_grace.as_secs_f64()) as u64;
    of_seed(&told.hear(Input::Progress { peer: peer(2), bytes }))
}

fn of_seed(outputs: &[Output]) -> Vec<ChunkIndex> {
    let chunk = |output: &Output| match output {
        Output::Request { peer: p, chunk, .. } if *p == peer(1) => Some(*chunk),
        _ => None,
    };
    outputs.iter().filter_map(chunk).collect()
}

#[test]
fn a_seed_that_gave_all_rests_as_long_as_the_others_send_as_much() {
    let mut told = Told::new(100, DownloadConfig::default());
    assert_eq!(asked_of_a_seed_that_gave_all(&mut told, 100), []);
    assert!(
        told.download.next_timeout().unwrap() > told.now,
        "a time in the past would come again and again"
    );
    // Nothing comes any more.
    told.now += super::super::relief::LOOK;
    assert!(!of_seed(&told.hear(Input::Timeout)).is_empty());
}

#[test]
fn a_seed_that_gave_all_is_asked_for_what_no_other_has_and_no_more() {
    let mut told = Told::new(100, DownloadConfig::default());
    assert_eq!(asked_of_a_seed_that_gave_all(&mut told, 99), [99]);
}
