//! The download against a small network: peers with rates that may vanish, stall, refuse or corrupt.

mod choosing;

use super::*;
use crate::testing::peer;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use shoal_wire::chunks::MAX_WAITING;

const CHUNK: u32 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Honest,
    /// Answers nothing at all.
    Silent,
    /// Sends wrong bytes.
    Corrupt,
    /// Refuses everything although it says that it has it.
    Refuses,
    /// Where the choice is left to it, it chooses what it sent before.
    Repeats,
    /// Goes away after this many chunks.
    Vanishes(u32),
}

struct Virtual {
    id: PeerId,
    kind: Kind,
    /// Bytes per second.
    rate: u64,
    have: ChunkSet,
    queue: VecDeque<(RequestId, ChunkIndex)>,
    /// When its next bytes arrive.
    busy_until: Duration,
    /// Bytes of the first chunk in the queue that have arrived.
    arrived: u64,
    /// What it has chosen itself.
    given: ChunkSet,
    served: u32,
    gone: bool,
}

/// A download and its peers on simulated time.
struct World {
    download: Download,
    peers: Vec<Virtual>,
    now: Duration,
    /// Everything that the download did, as text: two equal runs have equal traces.
    trace: Vec<String>,
    received: Vec<u32>,
    duplicates: u32,
    dropped: Vec<(PeerId, DropReason)>,
    complete: bool,
}

fn full(chunks: usize) -> ChunkSet {
    let mut set = ChunkSet::with_capacity(chunks);
    set.insert_range(..);
    set
}

impl World {
    fn new(chunks: usize, seed: u64, peers: Vec<(Kind, u64, ChunkSet)>) -> Self {
        let stored = ChunkSet::with_capacity(chunks);
        let rng = SeededRng::seed_from_u64(seed);
        let download =
            Download::new(DownloadConfig::default(), vec![CHUNK; chunks].into(), full(chunks), &stored, rng);
        let peers = peers.into_iter().zip(1..).map(|((kind, rate, have), n)| Virtual {
            id: peer(n),
            kind,
            rate,
            have,
            queue: VecDeque::new(),
            busy_until: Duration::ZERO,
            arrived: 0,
            given: ChunkSet::with_capacity(chunks),
            served: 0,
            gone: false,
        });
        let peers = peers.collect();
        let mut world = Self {
            download,
            peers,
            now: Duration::ZERO,
            trace: vec![],
            received: vec![0; chunks],
            duplicates: 0,
            dropped: vec![],
            complete: false,
        };
        for at in 0..world.peers.len() {
            let (peer, chunks) = (world.peers[at].id, world.peers[at].have.clone());
            world.input(Input::PeerUp { peer, rtt: Duration::from_millis(20) });
            world.input(Input::Have { peer, chunks: chunks.into() });
        }
        world
    }

    fn input(&mut self, input: Input) {
        self.download.handle(self.now, input);
        while let Some(output) = self.download.poll_output() {
            self.trace.push(format!("{:?} {output:?}", self.now));
            self.apply(output);
        }
        for peer in self.download.peers.values() {
            assert!(peer.pending.len() <= self.download.config.max_in_flight.max(MAX_WAITING));
            let mut chunks: Vec<_> =
                peer.pending.ids().filter_map(|id| peer.pending.get(id)?.chunk).collect();
            let all = chunks.len();
            chunks.sort_unstable();
            chunks.dedup();
            assert_eq!(chunks.len(), all, "{} was asked twice for a chunk at once", peer.id);
        }
        assert!(self.download.asked.values().all(|a| a.len() <= 2));
        assert_eq!(self.download.unavailable(), self.without_holder());
    }

    /// Missing chunks that no connected peer has, looked for one by one.
    fn without_holder(&self) -> usize {
        let download = &self.download;
        let held = |chunk: &usize| download.peers.values().any(|peer| peer.have.contains(*chunk));
        download.wanted.difference(&download.stored).filter(|chunk| !held(chunk)).count()
    }

    fn apply(&mut self, output: Output) {
        let now = self.now;
        match output {
            Output::Request { peer, id, chunk } => {
                let peer = self.peer(peer);
                assert!(peer.have.contains(chunk as usize), "asked for a chunk that the peer does not have");
                peer.queue.push_back((id, chunk));
                if peer.queue.len() == 1 {
                    peer.begin(now);
                }
            }
            Output::RequestAny { peer, id } => self.choose(peer, id),
            Output::Cancel { peer, id } => {
                let peer = self.peer(peer);
                let first = peer.queue.front().is_some_and(|(other, _)| *other == id);
                peer.queue.retain(|(other, _)| *other != id);
                if first {
                    peer.begin(now);
                }
            }
            Output::Drop { peer, reason } => {
                self.dropped.push((peer, reason));
                let peer = self.peer(peer);
                peer.gone = true;
                peer.queue.clear();
            }
            Output::Complete => self.complete = true,
        }
    }

    /// A complete peer gives what it has not given yet and, as far as it can know, nobody else has.
    fn choose(&mut self, id: PeerId, request: RequestId) {
        let now = self.now;
        let queued = |chunk| self.peers.iter().any(|p| p.queue.iter().any(|(_, c)| *c as usize == chunk));
        let undistributed: Vec<_> =
            (0..self.received.len()).filter(|c| self.received[*c] == 0 && !queued(*c)).collect();
        let peer = self.peer(id);
        assert!(peer.have.is_full(), "only complete peers may choose");
        if peer.kind == Kind::Repeats && peer.given.contains(0) {
            peer.queue.push_back((request, 0));
            if peer.queue.len() == 1 {
                peer.begin(now);
            }
            return self.input(Input::Begun { peer: id, id: request, chunk: 0, queued: 0 });
        }
        let Some(chunk) = undistributed.into_iter().find(|chunk| !peer.given.contains(*chunk)) else {
            return self.input(Input::Refused { peer: id, id: request, why: ChunkRefusal::NoneFresh });
        };
        peer.given.insert(chunk);
        peer.queue.push_back((request, chunk as ChunkIndex));
        if peer.queue.len() == 1 {
            peer.begin(now);
        }
        self.input(Input::Begun { peer: id, id: request, chunk: chunk as ChunkIndex, queued: 0 });
    }

    fn peer(&mut self, id: PeerId) -> &mut Virtual {
        self.peers.iter_mut().find(|p| p.id == id).unwrap()
    }

    /// Goes to the next event. `false` when nothing will ever happen again.
    fn step(&mut self) -> bool {
        let next =
            self.peers.iter().enumerate().filter(|(_, p)| !p.queue.is_empty() && p.kind != Kind::Silent);
        let next = next.map(|(n, p)| (p.busy_until, n)).min();
        let timeout = self.download.next_timeout();
        match (next, timeout) {
            (Some((at, n)), t) if t.is_none_or(|t| at <= t) => {
                self.now = at;
                self.deliver(n);
            }
            (_, Some(t)) => {
                assert!(t > self.now, "a timeout in the past would spin");
                self.now = t;
                self.input(Input::Timeout);
            }
            _ => return false,
        }
        true
    }

    fn deliver(&mut self, n: usize) {
        let peer = &mut self.peers[n];
        let bytes = peer.next_bytes();
        peer.arrived += bytes;
        peer.busy_until = self.now + peer.time();
        if peer.arrived < u64::from(CHUNK) && peer.kind != Kind::Refuses {
            let peer = peer.id;
            return self.input(Input::Progress { peer, bytes });
        }
        let (id, chunk) = peer.queue.pop_front().unwrap();
        peer.begin(self.now);
        peer.served += 1;
        let (who, kind, served) = (peer.id, peer.kind, peer.served);
        match kind {
            Kind::Refuses => self.input(Input::Refused {
                peer: who,
                id,
                why: if served % 2 == 0 { ChunkRefusal::Busy } else { ChunkRefusal::NotFound },
            }),
            Kind::Corrupt => self.input(Input::Corrupt { peer: who, id, chunk }),
            Kind::Vanishes(after) if served > after => {
                self.peers[n].gone = true;
                self.peers[n].queue.clear();
                self.input(Input::PeerDown { peer: who });
            }
            _ => {
                self.received[chunk as usize] += 1;
                self.duplicates += u32::from(self.received[chunk as usize] > 1);
                self.input(Input::Progress { peer: who, bytes });
                self.input(Input::Stored { peer: who, id, chunk });
            }
        }
    }

    fn run(&mut self) {
        for _ in 0..200_000 {
            if self.complete || !self.step() {
                return;
            }
        }
        panic!("no end in sight: {} chunks left at {:?}", self.download.left(), self.now);
    }
}

impl Virtual {
    /// Starts to send the first chunk in the queue.
    fn begin(&mut self, now: Duration) {
        self.arrived = 0;
        self.busy_until = now + self.time();
    }

    /// Bytes are reported while a chunk arrives, as a real stream does: here about once a second.
    fn next_bytes(&self) -> u64 {
        (u64::from(CHUNK) - self.arrived).min(self.rate)
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.next_bytes() as f64 / self.rate as f64)
    }
}

fn honest(rate: u64, chunks: usize) -> (Kind, u64, ChunkSet) {
    (Kind::Honest, rate, full(chunks))
}

#[test]
fn one_honest_peer_is_enough() {
    let mut world = World::new(50, 1, vec![honest(10 << 20, 50)]);
    world.run();
    assert!(world.complete && world.duplicates == 0);
}

/// The most requests under way while one peer sends 100 MB/s, by its round trip.
fn most_in_flight(rtt: Duration) -> usize {
    const LEN: u32 = 1 << 18;
    let (chunks, peer) = (10_000, peer(1));
    let (config, none) = (DownloadConfig::default(), ChunkSet::with_capacity(chunks));
    let lengths = vec![LEN; chunks].into();
    let rng = SeededRng::seed_from_u64(1);
    let mut download = Download::new(config, lengths, full(chunks), &none, rng);
    let mut now = Duration::ZERO;
    download.handle(now, Input::PeerUp { peer, rtt });
    // Not all, so that it is asked for certain chunks.
    let mut most_of_it = full(chunks);
    most_of_it.remove(0);
    download.handle(now, Input::Have { peer, chunks: most_of_it.into() });
    let mut underway = VecDeque::new();
    let mut most = 0;
    while now < Duration::from_secs(10) {
        while let Some(output) = download.poll_output() {
            if let Output::Request { id, chunk, .. } = output {
                underway.push_back((now + rtt, id, chunk));
            }
        }
        most = most.max(underway.len());
        let Some((arrives, id, chunk)) = underway.pop_front() else { break };
        now = arrives.max(now + Duration::from_secs_f64(f64::from(LEN) / 100e6));
        download.handle(now, Input::Progress { peer, bytes: LEN.into() });
        download.handle(now, Input::Stored { peer, id, chunk });
    }
    most
}

#[test]
fn a_long_line_is_kept_full() {
    assert_eq!(most_in_flight(Duration::from_millis(1)), DownloadConfig::default().max_in_flight);
    // 100 ms at 100 MB/s hold 38 of these chunks.
    let most = most_in_flight(Duration::from_millis(100));
    assert!((40..=MAX_WAITING).contains(&most), "{most}");
}

#[test]
fn nothing_to_fetch_is_complete_at_once() {
    let mut world = World::new(0, 1, vec![]);
    world.input(Input::Timeout);
    assert!(world.complete);
}

#[test]
fn equal_peers_share_the_work_without_duplicates() {
    let mut world =
        World::new(300, 2, vec![honest(10 << 20, 300), honest(10 << 20, 300), honest(10 << 20, 300)]);
    world.run();
    assert!(
        world.peers.iter().all(|p| (85..=115).contains(&p.served)),
        "{:?}",
        world.peers.iter().map(|p| p.served).collect::<Vec<_>>()
    );
    assert!(world.duplicates <= 2, "{}", world.duplicates);
}

#[test]
fn chunks_of_a_slow_peer_are_taken_over() {
    let mut world = World::new(100, 3, vec![honest(10 << 20, 100), honest(64 << 10, 100)]);
    world.run();
    assert!(world.now < Duration::from_secs(14), "{:?}", world.now);
}

#[test]
fn a_silent_peer_does_not_hold_up_the_rest() {
    let mut world = World::new(100, 4, vec![honest(10 << 20, 100), (Kind::Silent, 1, full(100))]);
    world.run();
    assert!(world.complete && world.now < Duration::from_secs(16), "{:?}", world.now);
}

#[test]
fn a_peer_that_stalls_three_times_is_dropped() {
    let mut world = World::new(3, 4, vec![(Kind::Silent, 1, full(3))]);
    world.run();
    assert_eq!(world.dropped, [(world.peers[0].id, DropReason::Stalled)]);
}

#[test]
fn a_corrupt_peer_is_named_and_never_asked_again() {
    let mut world = World::new(40, 5, vec![honest(1 << 20, 40), (Kind::Corrupt, 10 << 20, full(40))]);
    world.run();
    assert!(world.complete);
    assert!(matches!(world.dropped.as_slice(), [(id, DropReason::Corrupt(_))] if *id == world.peers[1].id));
    assert_eq!(world.peers[1].served, 1);
}

/// Alone or beside an honest one, it costs a few duplicates and no more.
#[test]
fn a_peer_that_chooses_what_is_here_may_not_choose_for_long() {
    for honest_ones in [0, 2] {
        let mut peers = vec![(Kind::Repeats, 1 << 20, full(100))];
        peers.extend((0..honest_ones).map(|_| honest(1 << 20, 100)));
        let mut world = World::new(100, 7, peers);
        world.run();
        assert!(world.complete && world.dropped.is_empty());
        assert!(world.duplicates <= 12, "{} of 100", world.duplicates);
    }
}

#[test]
fn rare_chunks_come_first() {
    // Chunks 0..10 are had by one peer only; it should be busy with them.
    let mut common = full(100);
    common.remove_range(..10);
    let mut world = World::new(
        100,
        6,
        vec![honest(1 << 20, 100), (Kind::Honest, 1 << 20, common.clone()), (Kind::Honest, 1 << 20, common)],
    );
    while world.peers[0].served < 16 {
        world.step();
    }
    let rare = world.received[..10].iter().filter(|n| **n > 0).count();
    assert!(rare >= 8, "{rare} of the rare chunks came with the first 16");
}

#[test]
fn nothing_is_asked_while_paused() {
    let mut world = World::new(30, 7, vec![honest(1 << 20, 30)]);
    world.input(Input::Pause);
    let asked = world.download.asked.len();
    while !world.download.asked.is_empty() {
        world.step();
    }
    assert_eq!(world.download.left(), 30 - asked);
    world.input(Input::Resume);
    world.run();
    assert!(world.complete);
}

/// A peer that refuses all that waits is no busier than one that refuses a part of it.
#[test]
fn requests_that_are_refused_together_count_as_one_refusal() {
    let mut have = full(10);
    have.remove(0);
    let mut world = World::new(10, 7, vec![(Kind::Silent, 1 << 20, have)]);
    let peer = world.peers[0].id;
    let asked = std::mem::take(&mut world.peers[0].queue);
    assert!(asked.len() > 2);
    for (id, _) in asked {
        world.input(Input::Refused { peer, id, why: ChunkRefusal::Busy });
    }
    world.now += Duration::from_millis(500);
    world.input(Input::Timeout);
    assert!(!world.peers[0].queue.is_empty());
    for (id, _) in std::mem::take(&mut world.peers[0].queue) {
        world.input(Input::Refused { peer, id, why: ChunkRefusal::Busy });
    }
    world.now += Duration::from_millis(500);
    world.input(Input::Timeout);
    assert!(world.peers[0].queue.is_empty(), "refused again, it rests for longer");
}

/// What cannot be stored is taken back by this node.
#[test]
fn a_peer_whose_chunk_we_could_not_take_while_paused_is_asked_at_once_afterwards() {
    let mut world = World::new(30, 7, vec![honest(1 << 20, 30)]);
    world.input(Input::Pause);
    let peer = world.peers[0].id;
    let asked = std::mem::take(&mut world.peers[0].queue);
    assert!(asked.len() > 1);
    for (id, _) in asked {
        world.input(Input::Refused { peer, id, why: ChunkRefusal::Busy });
    }
    assert!(world.download.asked.is_empty() && world.peers[0].queue.is_empty());
    world.input(Input::Resume);
    assert!(!world.peers[0].queue.is_empty());
}

#[test]
fn what_is_stored_already_is_not_fetched() {
    let mut stored = ChunkSet::with_capacity(10);
    stored.insert_range(..7);
    let mut download = Download::new(
        DownloadConfig::default(),
        vec![CHUNK; 10].into(),
        full(10),
        &stored,
        SeededRng::seed_from_u64(1),
    );
    let peer = peer(1);
    download.handle(Duration::ZERO, Input::PeerUp { peer, rtt: Duration::ZERO });
    let mut chunks = full(10);
    chunks.remove(0);
    download.handle(Duration::ZERO, Input::Have { peer, chunks: chunks.into() });
    let mut asked: Vec<_> = std::iter::from_fn(|| download.poll_output())
        .filter_map(|o| match o {
            Output::Request { chunk, .. } => Some(chunk),
            _ => None,
        })
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, [7, 8, 9]);
}

/// A seed that has lost a file is not shunned for it: what it still has is asked for at once.
#[test]
fn a_peer_that_chose_a_chunk_that_it_lost_is_asked_for_certain_ones() {
    let none = ChunkSet::with_capacity(10);
    let rng = SeededRng::seed_from_u64(1);
    let mut download = Download::new(DownloadConfig::default(), vec![CHUNK; 10].into(), full(10), &none, rng);
    let peer = peer(1);
    download.handle(Duration::ZERO, Input::PeerUp { peer, rtt: Duration::ZERO });
    download.handle(Duration::ZERO, Input::Have { peer, chunks: full(10).into() });
    let asked: Vec<_> = std::iter::from_fn(|| download.poll_output()).collect();
    let Some(Output::RequestAny { id, .. }) = asked.first() else { panic!("{asked:?}") };
    download.handle(Duration::ZERO, Input::Refused { peer, id: *id, why: ChunkRefusal::NotFound });
    let next: Vec<_> = std::iter::from_fn(|| download.poll_output()).collect();
    assert!(matches!(next[..], [Output::Request { .. }]), "{next:?}");
}

/// A seed with hundreds to give to has each wait; that is no reason to leave it alone.
#[test]
fn a_peer_that_let_a_choice_wait_and_is_busy_is_asked_again_at_once() {
    let none = ChunkSet::with_capacity(10);
    let rng = SeededRng::seed_from_u64(1);
    let mut download = Download::new(DownloadConfig::default(), vec![CHUNK; 10].into(), full(10), &none, rng);
    let peer = peer(1);
    download.handle(Duration::ZERO, Input::PeerUp { peer, rtt: Duration::ZERO });
    download.handle(Duration::ZERO, Input::Have { peer, chunks: full(10).into() });
    let mut refuse = |now, id| {
        download.handle(now, Input::Refused { peer, id, why: ChunkRefusal::Busy });
        std::iter::from_fn(|| download.poll_output())
            .filter(|o| matches!(o, Output::RequestAny { .. }))
            .count()
    };
    assert_eq!(refuse(Duration::from_secs(8), 0), 5, "the first requests, and the one again");
    assert_eq!(refuse(Duration::from_secs(8), 1), 1);
    assert_eq!(
        refuse(Duration::from_secs(8), 4),
        0,
        "a peer that is busy at once is not asked again at once"
    );
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Honest),
        Just(Kind::Silent),
        Just(Kind::Corrupt),
        Just(Kind::Refuses),
        (0u32..20).prop_map(Kind::Vanishes)
    ]
}

fn any_world() -> impl Strategy<Value = (usize, u64, Vec<(Kind, u64, u64)>)> {
    (1usize..60, any::<u64>(), prop::collection::vec((any_kind(), 16u64 << 10..64 << 20, any::<u64>()), 0..6))
}

fn build((chunks, seed, others): (usize, u64, Vec<(Kind, u64, u64)>)) -> World {
    let mut peers = vec![honest(1 << 20, chunks)];
    for (kind, rate, seed) in others {
        let mut have = ChunkSet::with_capacity(chunks);
        let mut rng = SeededRng::seed_from_u64(seed);
        (0..chunks).filter(|_| rng.random_bool(0.6)).for_each(|c| have.insert(c));
        peers.push((kind, rate, have));
    }
    World::new(chunks, seed, peers)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Promise 5: one honest, complete, reachable peer is enough to finish, whatever the others do.
    #[test]
    fn with_one_honest_complete_peer_the_download_ends(set_up in any_world()) {
        let chunks = set_up.0;
        let mut world = build(set_up);
        world.run();
        prop_assert!(world.complete);
        prop_assert!(world.received.iter().all(|n| *n >= 1));
        prop_assert!(world.duplicates as usize <= 4 + chunks / 10, "{} duplicates of {}", world.duplicates, chunks);
        let honest = world.peers[0].id;
        prop_assert!(world.dropped.iter().all(|(id, _)| *id != honest));
        for (id, reason) in &world.dropped {
            let kind = world.peers.iter().find(|p| p.id == *id).unwrap().kind;
            prop_assert_eq!(matches!(reason, DropReason::Corrupt(_)), kind == Kind::Corrupt);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_trace(set_up in any_world()) {
        let (mut a, mut b) = (build(set_up.clone()), build(set_up));
        a.run();
        b.run();
        prop_assert_eq!(a.trace, b.trace);
    }
}
