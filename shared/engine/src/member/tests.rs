//! A member and peers that say what a test makes them say.

use proptest::prelude::*;
use rand::SeedableRng;
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::Load;

use super::announcing::PAUSE;
use super::connecting::KEPT_FOR_NAMED;
use super::*;

const CHUNKS: usize = 20;
const RTT: Duration = Duration::from_millis(20);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn set(chunks: impl IntoIterator<Item = usize>) -> ChunkSet {
    let mut set = ChunkSet::with_capacity(CHUNKS);
    chunks.into_iter().for_each(|chunk| set.insert(chunk));
    set
}

fn all() -> ChunkSet {
    set(0..CHUNKS)
}

fn rng() -> SeededRng {
    SeededRng::seed_from_u64(1)
}

/// A member and what it has said since it was last looked at.
struct World {
    member: Member<u32>,
    now: Duration,
}

impl World {
    fn new(member: Member<u32>) -> Self {
        Self { member, now: Duration::ZERO }
    }

    fn downloading(config: MemberConfig) -> Self {
        let mut world = Self::new(Member::opening(Duration::ZERO, 0, config, rng()));
        world.input(MemberInput::Store(StoreEvent::Opened {
            lengths: [1 << 20; CHUNKS].into(),
            wanted: all(),
            stored: set([]),
            servable: set([]),
        }));
        world
    }

    fn serving(config: MemberConfig) -> Self {
        Self::new(Member::serving(Duration::ZERO, 0, all(), config, rng()))
    }

    fn input(&mut self, input: MemberInput<u32>) -> Vec<MemberOutput<u32>> {
        self.member.handle(self.now, input);
        std::iter::from_fn(|| self.member.poll_output()).collect()
    }

    fn wait(&mut self, time: Duration) -> Vec<MemberOutput<u32>> {
        let end = self.now + time;
        let mut outputs = Vec::new();
        let mut woken = 0;
        while let Some(at) = self.member.next_timeout().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            outputs.extend(self.input(MemberInput::Timeout));
            woken += 1;
            assert!(woken < 10_000, "it wakes for nothing: {:?}", self.member);
        }
        self.now = end;
        outputs
    }

    fn found(&mut self, peers: impl IntoIterator<Item = u32>) -> Vec<MemberOutput<u32>> {
        self.input(MemberInput::Found { peers: peers.into_iter().collect(), source: PeerSource::Tracker(0) })
    }

    fn connection(&mut self, peer: u32, event: ConnectionEvent) -> Vec<MemberOutput<u32>> {
        self.input(MemberInput::Connection { peer, event })
    }

    fn neighbour(&mut self, peer: u32, event: NeighbourEvent) -> Vec<MemberOutput<u32>> {
        self.input(MemberInput::Neighbour { peer, event })
    }

    fn stream(&mut self, peer: u32, event: StreamEvent) -> Vec<MemberOutput<u32>> {
        self.input(MemberInput::Stream { peer, event })
    }

    fn joined(&mut self, peer: u32, have: ChunkSet) -> Vec<MemberOutput<u32>> {
        self.neighbour(peer, NeighbourEvent::Joined { rtt: RTT, have: have.into(), load: Load::default() })
    }

    /// Seeks, connects, joins a peer and opens a stream to it.
    fn befriend(&mut self, peer: u32, have: ChunkSet) -> Vec<MemberOutput<u32>> {
        self.found([peer]);
        self.connection(peer, ConnectionEvent::Connected);
        self.joined(peer, have);
        self.stream(peer, StreamEvent::Opened)
    }
}

fn requests(outputs: &[MemberOutput<u32>]) -> Vec<(u32, crate::RequestId, u32)> {
    let request = |o: &MemberOutput<u32>| match o {
        MemberOutput::Request { peer, id, chunk: Some(chunk) } => Some((*peer, *id, *chunk)),
        _ => None,
    };
    outputs.iter().filter_map(request).collect()
}

fn sought(outputs: &[MemberOutput<u32>]) -> Vec<u32> {
    outputs
        .iter()
        .filter_map(|o| if let MemberOutput::Seek { peer } = o { Some(*peer) } else { None })
        .collect()
}

fn told(outputs: &[MemberOutput<u32>], to: u32) -> Vec<usize> {
    let chunks = |o: &MemberOutput<u32>| match o {
        MemberOutput::Tell { peers, chunks } if peers.contains(&to) => Some(chunks.clone()),
        MemberOutput::TellByQuery { peer, chunks } if *peer == to => Some(chunks.clone()),
        _ => None,
    };
    outputs.iter().filter_map(chunks).flat_map(|chunks| chunks.ones().collect::<Vec<_>>()).collect()
}

#[track_caller]
fn has(outputs: &[MemberOutput<u32>], wanted: impl Fn(&MemberOutput<u32>) -> bool) {
    assert!(outputs.iter().any(wanted), "{outputs:#?}");
}

#[track_caller]
fn has_not(outputs: &[MemberOutput<u32>], unwanted: impl Fn(&MemberOutput<u32>) -> bool) {
    assert!(!outputs.iter().any(unwanted), "{outputs:#?}");
}

fn config() -> MemberConfig {
    let download = crate::DownloadConfig { ask_any: false, ..Default::default() };
    MemberConfig { download, ..MemberConfig::default() }
}

#[test]
fn from_a_name_to_requests() {
    let mut world = World::downloading(config());
    assert_eq!(sought(&world.found([7])), [7]);
    has(&world.connection(7, ConnectionEvent::Connected), |o| {
        matches!(o, MemberOutput::Join { peer: 7, .. })
    });
    let outputs = world.joined(7, all());
    has(&outputs, |o| matches!(o, MemberOutput::OpenStream { peer: 7 }));
    has(&outputs, |o| matches!(o, MemberOutput::AskForPeers { peer: 7 }));
    has(&outputs, |o| matches!(o, MemberOutput::PeerHas { peer: 7, .. }));
    assert!(requests(&outputs).is_empty(), "there is no stream yet");
    assert!(!requests(&world.stream(7, StreamEvent::Opened)).is_empty());
}

#[test]
fn a_peer_that_joins_is_asked_for_chunks_without_being_joined() {
    let mut world = World::downloading(config());
    let outputs = world.neighbour(7, NeighbourEvent::JoinedBy { have: all().into() });
    has(&outputs, |o| matches!(o, MemberOutput::Welcome { peer: 7, .. }));
    has(&outputs, |o| matches!(o, MemberOutput::OpenStream { peer: 7 }));
    has_not(&outputs, |o| matches!(o, MemberOutput::Join { .. }));
    assert!(!requests(&world.stream(7, StreamEvent::Opened)).is_empty());
}

/// A chunk is stored while a join is on its way: the join did not tell of it, so something else has to.
#[test]
fn what_comes_between_a_join_and_its_answer_is_told_after_the_answer() {
    let mut world = World::downloading(config());
    let asked = requests(&world.befriend(7, all()));
    world.found([8]);
    world.connection(8, ConnectionEvent::Connected);
    let (_, id, chunk) = asked[0];
    let outputs = world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![chunk] });
    assert!(told(&outputs, 8).is_empty(), "an update that overtakes the join is lost");
    let mut outputs = world.joined(8, set([]));
    outputs.extend(world.stream(8, StreamEvent::Opened));
    assert_eq!(told(&outputs, 8), [chunk as usize]);
}

#[test]
fn each_chunk_is_told_once_on_streams() {
    let mut world = World::downloading(config());
    world.befriend(8, set([]));
    let asked = requests(&world.befriend(7, all()));
    let (_, id, chunk) = asked[0];
    let outputs = world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![chunk] });
    assert_eq!(told(&outputs, 8), [chunk as usize]);
    let (_, id, chunk) = asked[1];
    let outputs = world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![] });
    assert!(told(&outputs, 8).is_empty(), "what cannot be served is not told");
    assert!(!world.member.have().contains(chunk as usize));
}

#[test]
fn without_a_stream_one_query_at_a_time_and_what_was_lost_again() {
    let mut world = World::downloading(config());
    world.neighbour(8, NeighbourEvent::JoinedBy { have: set([]).into() });
    world.stream(8, StreamEvent::Failed);
    let asked = requests(&world.befriend(7, all()));
    let store = |world: &mut World, n: usize| {
        let (_, id, chunk) = asked[n];
        world.now += PAUSE;
        (chunk as usize, world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![chunk] }))
    };
    let (first, outputs) = store(&mut world, 0);
    has(&outputs, |o| matches!(o, MemberOutput::TellByQuery { peer: 8, .. }));
    let (second, outputs) = store(&mut world, 1);
    assert!(told(&outputs, 8).is_empty(), "the first query is under way");
    let lost = Some(Arc::new(set([first])));
    let mut again = told(&world.neighbour(8, NeighbourEvent::Told { lost }), 8);
    again.sort_unstable();
    let mut expected = [first, second];
    expected.sort_unstable();
    assert_eq!(again, expected);
}

/// Nobody that waits for a seed has to find it.
#[test]
fn a_seed_joins_those_that_lack_something() {
    let mut world = World::serving(config());
    assert_eq!(sought(&world.found([7])), [7]);
    has(&world.connection(7, ConnectionEvent::Connected), |o| {
        matches!(o, MemberOutput::Join { peer: 7, .. })
    });
    let outputs = world.joined(7, set([]));
    has_not(&outputs, |o| matches!(o, MemberOutput::Release { .. } | MemberOutput::OpenStream { .. }));
    has_not(&outputs, |o| matches!(o, MemberOutput::AskForPeers { .. }));
}

#[test]
fn two_complete_peers_part_and_do_not_seek_each_other_again() {
    let mut world = World::serving(config());
    world.found([7]);
    world.connection(7, ConnectionEvent::Connected);
    let outputs = world.joined(7, all());
    has(&outputs, |o| matches!(o, MemberOutput::Leave { peer: 7 }));
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 7 }));
    world.connection(7, ConnectionEvent::Disconnected);
    assert!(sought(&world.wait(secs(3600))).is_empty());
    assert!(sought(&world.found([7])).is_empty());
}

#[test]
fn a_complete_member_seeks_a_few_that_lack_something() {
    let mut world = World::serving(config());
    let first = sought(&world.found(1..100));
    assert_eq!(first.len(), SOUGHT_BY_COMPLETE);
    for peer in first {
        world.connection(peer, ConnectionEvent::Connected);
        world.joined(peer, set([]));
    }
    assert!(sought(&world.wait(secs(9))).is_empty());
}

/// Once the others are complete as well, they are not tried one after the other as quickly as the line allows.
#[test]
fn a_complete_member_that_meets_complete_peers_takes_its_time() {
    let mut world = World::serving(config());
    let mut batch = sought(&world.found(1..100));
    for wait in [1, 2, 4] {
        let meet = |peer: u32| {
            world.connection(peer, ConnectionEvent::Connected);
            sought(&world.joined(peer, all()))
        };
        let early: Vec<u32> = batch.into_iter().flat_map(meet).collect();
        assert!(early.is_empty() && sought(&world.wait(secs(wait) - Duration::from_millis(1))).is_empty());
        batch = sought(&world.wait(Duration::from_millis(1)));
        assert_eq!(batch.len(), SOUGHT_BY_COMPLETE);
    }
    // One that lacks something is a reason to look for more at once.
    for peer in &batch[..3] {
        world.connection(*peer, ConnectionEvent::Connected);
    }
    world.joined(batch[0], all());
    world.joined(batch[1], set([]));
    assert_eq!(sought(&world.joined(batch[2], set([1]))).len(), 0, "as many as are needed are on their way");
    assert!(
        !sought(&world.connection(batch[3], ConnectionEvent::Unreachable { retry_at: secs(999) })).is_empty()
    );
}

/// A member with a complete neighbour, 7, and one that has the first ten chunks, 8.
fn between_two() -> World {
    let mut world = World::downloading(config());
    world.befriend(7, all());
    world.befriend(8, set(0..10));
    world
}

impl World {
    /// A chunk comes, not so soon after the one before that they are told together.
    fn store(&mut self, chunk: u32) -> Vec<MemberOutput<u32>> {
        self.now += PAUSE;
        self.stream(7, StreamEvent::Stored { id: 1 << 40, chunk, servable: vec![chunk] })
    }
}

#[test]
fn who_has_a_chunk_is_told_of_it_with_the_next_that_it_lacks() {
    let mut world = between_two();
    for chunk in [0, 1] {
        let outputs = world.store(chunk);
        assert_eq!(told(&outputs, 8), [] as [usize; 0]);
        assert!(told(&outputs, 7).contains(&(chunk as usize)), "who is complete has to know at once");
    }
    assert_eq!(told(&world.store(15), 8), [0, 1, 15]);
    assert_eq!(told(&world.wait(secs(1)), 8), [] as [usize; 0], "and is not told again");
}

#[test]
fn nothing_is_withheld_for_long_nor_much_at_a_time() {
    let mut world = between_two();
    let after = config().announce_after;
    assert_eq!(told(&world.store(0), 8), [] as [usize; 0]);
    assert_eq!(told(&world.wait(after - Duration::from_millis(1)), 8), [] as [usize; 0]);
    assert_eq!(told(&world.wait(Duration::from_millis(1)), 8), [0]);
    let outputs: Vec<_> = (1..=5).flat_map(|chunk| world.store(chunk)).collect();
    assert_eq!(told(&outputs, 8), [1, 2, 3, 4, 5], "the fifth brings them");
}

#[test]
fn who_becomes_complete_is_told_what_was_withheld() {
    let mut world = between_two();
    world.store(0);
    assert_eq!(told(&world.neighbour(8, NeighbourEvent::Has(all().into())), 8), [0]);
    assert_eq!(told(&world.wait(secs(1)), 8), [] as [usize; 0]);
}

/// Whether a neighbour's stream is there, opened later or fails meanwhile: nothing that was withheld is lost.
#[test]
fn what_was_withheld_is_told_when_the_stream_is_gone() {
    let mut world = between_two();
    world.neighbour(8, NeighbourEvent::JoinedBy { have: set(0..10).into() });
    world.store(0);
    world.stream(8, StreamEvent::Lost);
    assert_eq!(told(&world.wait(config().announce_after), 8), [0]);
}

#[test]
fn few_are_sought_at_first_and_more_later() {
    let mut world = World::downloading(config());
    let mut first = sought(&world.found(1..100));
    first.iter().for_each(|peer| drop(world.connection(*peer, ConnectionEvent::Connected)));
    assert_eq!(first.len(), SOUGHT_AT_FIRST);
    let later = sought(&world.wait(SETTLED));
    first.extend(&later);
    assert_eq!(first.len(), config().most_sought);
}

/// Sixteen others that wait too must not keep a seed out.
#[test]
fn where_nobody_has_anything_an_old_neighbour_gives_way_to_a_new_candidate() {
    let mut world = World::downloading(config());
    for peer in 1..=16 {
        world.befriend(peer, set([]));
    }
    world.found([100]);
    let outputs = world.wait(secs(5));
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 1..=16 }));
    assert_eq!(sought(&outputs), [100]);
    world.connection(100, ConnectionEvent::Connected);
    world.joined(100, all());
    assert!(!requests(&world.stream(100, StreamEvent::Opened)).is_empty());
    world.found([101]);
    has_not(&world.wait(secs(5)), |o| matches!(o, MemberOutput::Seek { peer: 101 }));
}

/// How long it takes until a candidate is sought that comes when all places are taken.
fn sought_within(world: &mut World, peer: u32, most: u64) -> bool {
    world.found([peer]);
    (0..most).any(|_| sought(&world.wait(secs(1))).contains(&peer))
}

#[test]
fn peers_that_claim_everything_and_send_nothing_keep_nobody_out() {
    let mut world = World::downloading(config());
    (1..=16).for_each(|peer| drop(world.befriend(peer, all())));
    assert!(!sought_within(&mut world, 100, 5), "those may yet send something");
    assert!(sought_within(&mut world, 101, 10));
    // One that sends stays, however long it has been there.
    let asked = requests(&world.befriend(200, all()));
    for _ in 0..60 {
        world.stream(200, StreamEvent::Progress { bytes: 1 });
        world.found([300 + world.now.as_secs() as u32]);
        has_not(&world.wait(secs(1)), |o| matches!(o, MemberOutput::Release { peer: 200 }));
    }
    assert!(!asked.is_empty() && world.member.is_neighbour(&200));
}

#[test]
fn peers_without_the_manifest_keep_nobody_out() {
    let content = ContentId::from_root_hash(shoal_content::Hash::of(b"root"));
    let mut world = World::new(Member::fetching(Duration::ZERO, 0, content, config(), rng()));
    // Nobody has it, whoever is asked.
    let refuse = |world: &mut World, mut outputs: Vec<MemberOutput<u32>>| {
        let mut sought = vec![];
        while let Some(output) = outputs.pop() {
            match output {
                MemberOutput::FetchBlock { peer, hash } => {
                    let block = Err(crate::BlockFailure::NotFound);
                    outputs.extend(world.input(MemberInput::Block { peer, hash, block }));
                }
                MemberOutput::Seek { peer } => sought.push(peer),
                _ => {}
            }
        }
        sought
    };
    for peer in 1..=16 {
        world.found([peer]);
        let outputs = world.connection(peer, ConnectionEvent::Connected);
        refuse(&mut world, outputs);
    }
    world.found([100]);
    let mut found = vec![];
    for _ in 0..15 {
        let outputs = world.wait(Duration::from_millis(200));
        found.extend(refuse(&mut world, outputs));
    }
    assert_eq!(found, [100]);
}

#[test]
fn a_peer_that_asks_for_the_manifest_is_sought_unless_it_joins_by_itself() {
    let mut world = World::downloading(config());
    for _ in 0..2 {
        assert!(sought(&world.neighbour(7, NeighbourEvent::Asked)).is_empty());
    }
    assert!(sought(&world.wait(Duration::from_millis(1900))).is_empty());
    assert_eq!(sought(&world.wait(Duration::from_millis(200))), [7]);
}

#[test]
fn a_named_peer_does_not_wait_for_others_that_are_dialled_in_vain() {
    let mut world = World::downloading(config());
    let remembered = (1..100).collect();
    let input = MemberInput::Found { peers: remembered, source: PeerSource::Remembered };
    assert_eq!(sought(&world.input(input)).len(), MOST_DIALLING);
    let named = world.input(MemberInput::Found { peers: vec![500], source: PeerSource::User });
    assert_eq!(sought(&named), [500]);
}

#[test]
fn named_peers_have_places_of_their_own_and_never_give_way() {
    let mut world = World::downloading(config());
    let named =
        |peers: std::ops::Range<u32>| MemberInput::Found { peers: peers.collect(), source: PeerSource::User };
    for peer in 1..=16 {
        world.befriend(peer, set([]));
    }
    let mut all = sought(&world.input(named(100..103)));
    all.sort_unstable();
    assert_eq!(all, [100, 101, 102]);
    for peer in 100..103 {
        world.befriend(peer, set([]));
    }
    world.found(200..300);
    let outputs = world.wait(secs(100));
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 1..=16 }));
    has_not(&outputs, |o| matches!(o, MemberOutput::Release { peer: 100..=102 }));
    for peer in sought(&outputs) {
        let retry_at = world.now + secs(1000);
        world.connection(peer, ConnectionEvent::Unreachable { retry_at });
    }
    // One that is back is sought at once, whatever the others do.
    world.connection(101, ConnectionEvent::Disconnected);
    assert!(sought(&world.wait(secs(2))).contains(&101));
}

/// A seed that comes back under its name was tried before.
#[test]
fn one_that_had_everything_is_worth_another_try() {
    let mut world = World::downloading(config());
    world.befriend(7, all());
    world.connection(7, ConnectionEvent::Disconnected);
    for peer in 101..=117 {
        world.connection(7, ConnectionEvent::Unreachable { retry_at: world.now + secs(3) });
        world.befriend(peer, set([]));
    }
    let outputs = world.wait(secs(8));
    assert!(sought(&outputs).contains(&7), "{outputs:?}");
}

/// A complete member counts those that take something.
#[test]
fn peers_that_take_nothing_keep_no_seed_from_others() {
    let mut world = World::serving(config());
    let first = sought(&world.found(1..200));
    for peer in &first {
        world.connection(*peer, ConnectionEvent::Connected);
        world.joined(*peer, set([]));
    }
    for chunk in 0..CHUNKS - 2 {
        world.neighbour(first[0], NeighbourEvent::Has(set([chunk]).into()));
        assert!(sought(&world.wait(Duration::from_millis(500))).is_empty());
    }
    let mut later = sought(&world.wait(secs(3)));
    assert_eq!(later.len(), SOUGHT_BY_COMPLETE - 1, "the first one takes something");
    let mut released = 0;
    for _ in 0..20 {
        for peer in later {
            world.connection(peer, ConnectionEvent::Connected);
            world.joined(peer, set([]));
        }
        let outputs = world.wait(secs(12));
        released += outputs.iter().filter(|o| matches!(o, MemberOutput::Release { .. })).count();
        later = sought(&outputs);
        assert!(!later.is_empty() && world.member.neighbours().count() <= 4 * SOUGHT_BY_COMPLETE);
    }
    assert!(released > 50);
}

#[test]
fn wrong_bytes_ban_and_a_stall_does_not() {
    let mut world = World::downloading(config());
    let (_, id, chunk) = requests(&world.befriend(7, all()))[0];
    let outputs = world.stream(7, StreamEvent::Corrupt { id, chunk });
    let offence = Offence::Chunk(chunk);
    has(&outputs, |o| matches!(o, MemberOutput::Ban { peer: 7, offence: it } if *it == offence));
    has(&outputs, |o| matches!(o, MemberOutput::PeerGone { peer: 7, .. }));
    assert!(sought(&world.found([7])).is_empty());
    has_not(&world.connection(7, ConnectionEvent::Connected), |o| matches!(o, MemberOutput::Join { .. }));

    world.befriend(8, all());
    let outputs = world.wait(secs(200));
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 8 }));
    has_not(&outputs, |o| matches!(o, MemberOutput::Ban { .. }));
    assert!(sought(&outputs).contains(&8), "it may come back");
}

/// Chunks are written beside each other, so a good one may be told of after a bad one of the same peer.
#[test]
fn a_chunk_that_is_stored_counts_though_its_peer_has_been_banned_meanwhile() {
    let mut world = World::downloading(config());
    let asked = requests(&world.befriend(7, all()));
    let ((_, good, chunk), (_, bad, other)) = (asked[0], asked[1]);
    has(&world.stream(7, StreamEvent::Corrupt { id: bad, chunk: other }), |o| {
        matches!(o, MemberOutput::Ban { peer: 7, .. })
    });
    world.stream(7, StreamEvent::Stored { id: good, chunk, servable: vec![chunk] });
    assert!(world.member.have().contains(chunk as usize), "it is told to others");
    let outputs = world.befriend(8, all());
    assert!(requests(&outputs).iter().all(|(_, _, asked)| *asked != chunk), "it is not asked for again");
}

/// A disk that rots is no reason to part for ever from the only seed.
#[test]
fn a_wrong_chunk_after_many_good_ones_parts_for_a_time_that_doubles() {
    let mut world = World::downloading(MemberConfig { wait: Some(Duration::MAX), ..config() });
    let mut asked = requests(&world.befriend(7, all()));
    for _ in 0..16 {
        let (_, id, chunk) = asked.remove(0);
        let outputs = world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![chunk] });
        asked.extend(requests(&outputs));
    }
    let (_, id, chunk) = asked[0];
    let outputs = world.stream(7, StreamEvent::Corrupt { id, chunk });
    has(&outputs, |o| matches!(o, MemberOutput::Suspend { peer: 7, .. }));
    has(&outputs, |o| matches!(o, MemberOutput::CloseStream { peer: 7 }));
    has_not(&outputs, |o| matches!(o, MemberOutput::Ban { .. }));
    assert!(!world.member.is_neighbour(&7) && sought(&world.found([7])).is_empty());
    let joins = NeighbourEvent::JoinedBy { have: all().into() };
    assert!(world.neighbour(7, joins).is_empty(), "it is not let in before its time");
    assert_eq!(sought(&world.wait(secs(61))), [7]);
    world.connection(7, ConnectionEvent::Connected);
    world.joined(7, all());
    let asked = requests(&world.stream(7, StreamEvent::Opened));
    let (_, id, chunk) = asked[0];
    let outputs = world.stream(7, StreamEvent::Corrupt { id, chunk });
    has(&outputs, |o| matches!(o, MemberOutput::Suspend { peer: 7, .. }));
    assert!(sought(&world.wait(secs(119))).is_empty());
    assert_eq!(sought(&world.wait(secs(2))), [7]);
}

/// The connection may stand, for other contents.
#[test]
fn what_was_asked_of_a_peer_that_leaves_is_taken_back() {
    let mut world = World::downloading(config());
    assert!(!requests(&world.befriend(7, all())).is_empty());
    has(&world.neighbour(7, NeighbourEvent::Left), |o| matches!(o, MemberOutput::CloseStream { peer: 7 }));
}

#[test]
fn impossible_claims_ban() {
    let mut world = World::downloading(config());
    world.befriend(7, all());
    let outputs = world.neighbour(7, NeighbourEvent::Invalid);
    has(&outputs, |o| matches!(o, MemberOutput::Ban { peer: 7, offence: Offence::Map }));
}

#[test]
fn a_broken_stream_is_opened_again_after_a_new_join() {
    let mut world = World::downloading(config());
    world.befriend(7, all());
    world.stream(7, StreamEvent::Lost);
    has(&world.wait(secs(3)), |o| matches!(o, MemberOutput::Join { peer: 7, .. }));
    has(&world.joined(7, all()), |o| matches!(o, MemberOutput::OpenStream { peer: 7 }));
    assert!(!requests(&world.stream(7, StreamEvent::Opened)).is_empty());
}

#[test]
fn a_peer_that_never_answers_a_join_is_left_alone_for_some_time() {
    let mut world = World::downloading(config());
    world.found([7]);
    world.connection(7, ConnectionEvent::Connected);
    let mut outputs = vec![];
    for _ in 0..4 {
        outputs.extend(world.neighbour(7, NeighbourEvent::JoinFailed));
        outputs.extend(world.wait(secs(16)));
    }
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 7 }));
}

#[test]
fn in_a_star_nobody_is_asked_for_peers() {
    let mut world = World::downloading(MemberConfig { topology: Topology::Star, ..config() });
    has_not(&world.befriend(7, all()), |o| matches!(o, MemberOutput::AskForPeers { .. }));
    has_not(&world.wait(secs(100)), |o| matches!(o, MemberOutput::AskForPeers { .. }));
}

#[test]
fn one_neighbour_after_the_other_is_asked_for_peers() {
    let mut world = World::downloading(config());
    world.befriend(7, set([]));
    world.befriend(8, set([]));
    let outputs = world.wait(secs(65));
    for peer in [7, 8] {
        has(&outputs, |o| matches!(o, MemberOutput::AskForPeers { peer: it } if *it == peer));
    }
}

#[test]
fn complete_it_tells_the_rest_closes_streams_and_stays_in_touch() {
    let mut world = World::downloading(config());
    world.befriend(8, set([]));
    let mut outputs = world.befriend(7, all());
    let mut done = ChunkSet::with_capacity(CHUNKS);
    let mut log = vec![];
    while let Some((_, id, chunk)) =
        requests(&outputs).into_iter().find(|(_, _, c)| !done.contains(*c as usize))
    {
        done.insert(chunk as usize);
        let more = world.stream(7, StreamEvent::Stored { id, chunk, servable: vec![chunk] });
        outputs.extend(more.clone());
        log.extend(more);
    }
    assert!(world.member.is_complete() && world.member.is_seed());
    assert_eq!(log.iter().filter(|o| matches!(o, MemberOutput::Complete)).count(), 1);
    let mut known = told(&log, 8);
    known.sort_unstable();
    assert_eq!(known, (0..CHUNKS).collect::<Vec<_>>());
    has(&log, |o| matches!(o, MemberOutput::CloseStream { peer: 7 }));
    has_not(&log, |o| matches!(o, MemberOutput::Release { .. }));
}

#[test]
fn leaving_tells_neighbours_and_trackers() {
    let mut world = World::downloading(MemberConfig { trackers: 2, ..config() });
    world.befriend(7, set([]));
    let outputs = world.input(MemberInput::Stop);
    has(&outputs, |o| matches!(o, MemberOutput::Leave { peer: 7 }));
    has(&outputs, |o| matches!(o, MemberOutput::Unregister { tracker: 1 }));
    assert_eq!(world.member.next_timeout(), None);
    assert!(world.found([8]).is_empty());
}

#[test]
fn a_peer_that_leaves_is_forgotten() {
    let mut world = World::downloading(config());
    world.befriend(7, all());
    let outputs = world.neighbour(7, NeighbourEvent::Left);
    has(&outputs, |o| matches!(o, MemberOutput::PeerGone { peer: 7, .. }));
    has(&outputs, |o| matches!(o, MemberOutput::Release { peer: 7 }));
    assert!(!world.member.is_neighbour(&7));
}

#[test]
fn alone_it_gives_up_once() {
    let mut world = World::downloading(config());
    let outputs = world.wait(secs(40));
    assert_eq!(outputs.iter().filter(|o| matches!(o, MemberOutput::GiveUp(GiveUp::NoPeers))).count(), 1);
}

#[test]
fn what_nobody_has_is_told_and_waited_for() {
    let mut world = World::downloading(config());
    world.befriend(7, set([]));
    let outputs = world.wait(secs(100));
    has(&outputs, |o| matches!(o, MemberOutput::Unavailable { chunks: CHUNKS }));
    has_not(&outputs, |o| matches!(o, MemberOutput::GiveUp(_)));
}

#[test]
fn an_idle_member_without_trackers_sleeps_for_ever() {
    assert_eq!(World::serving(config()).member.next_timeout(), None);
}

fn any_input() -> impl Strategy<Value = MemberInput<u32>> {
    let peer = 1u32..12;
    let chunks = || prop::collection::vec(0..CHUNKS, 0..CHUNKS).prop_map(|c| Arc::new(set(c)));
    let connection = prop_oneof![
        Just(ConnectionEvent::Connected),
        Just(ConnectionEvent::Unreachable { retry_at: secs(5) }),
        Just(ConnectionEvent::Disconnected),
    ];
    let neighbour = prop_oneof![
        chunks().prop_map(|have| NeighbourEvent::Joined { rtt: RTT, have, load: Load::default() }),
        Just(NeighbourEvent::JoinFailed),
        chunks().prop_map(|have| NeighbourEvent::JoinedBy { have }),
        chunks().prop_map(|chunks| NeighbourEvent::Has(chunks.into())),
        prop::option::of(chunks()).prop_map(|lost| NeighbourEvent::Told { lost }),
        Just(NeighbourEvent::Left),
        Just(NeighbourEvent::Asked),
        Just(NeighbourEvent::Invalid),
    ];
    let (id, chunk) = (0u64..40, 0u32..30);
    let stream = prop_oneof![
        Just(StreamEvent::Opened),
        Just(StreamEvent::Failed),
        Just(StreamEvent::Lost),
        (id.clone(), chunk.clone()).prop_map(|(id, chunk)| StreamEvent::Begun { id, chunk, queued: 1 }),
        (id.clone(), chunk.clone()).prop_map(|(id, chunk)| StreamEvent::Stored {
            id,
            chunk,
            servable: vec![chunk, 1000]
        }),
        (id.clone(), chunk).prop_map(|(id, chunk)| StreamEvent::Corrupt { id, chunk }),
        id.prop_map(|id| StreamEvent::Refused { id, why: ChunkRefusal::Busy }),
    ];
    prop_oneof![
        prop::collection::vec(peer.clone(), 0..9)
            .prop_map(|peers| MemberInput::Found { peers, source: PeerSource::Peer(1) }),
        (peer.clone(), connection).prop_map(|(peer, event)| MemberInput::Connection { peer, event }),
        (peer.clone(), neighbour).prop_map(|(peer, event)| MemberInput::Neighbour { peer, event }),
        (peer, stream).prop_map(|(peer, event)| MemberInput::Stream { peer, event }),
        Just(MemberInput::Timeout),
    ]
}

proptest! {
    /// Whatever peers say and do: no panic, few dials at once, nothing asked of those that are no neighbours or banned.
    #[test]
    fn whatever_comes_the_bounds_hold(inputs in prop::collection::vec((any_input(), 0u64..3000), 0..150)) {
        let mut world = World::downloading(config());
        let mut banned = std::collections::BTreeSet::new();
        for (input, millis) in inputs {
            world.now += Duration::from_millis(millis);
            for output in world.input(input) {
                match output {
                    MemberOutput::Ban { peer, .. } => drop(banned.insert(peer)),
                    MemberOutput::Seek { peer } | MemberOutput::Join { peer, .. } => {
                        prop_assert!(!banned.contains(&peer));
                    }
                    _ => {}
                }
            }
            prop_assert!(world.member.candidates.sought() <= MOST_DIALLING + KEPT_FOR_NAMED);
            let at = world.member.next_timeout();
            prop_assert!(at.is_none_or(|at| at < world.now + secs(3600)));
        }
    }
}

#[test]
fn figures_count_what_each_neighbour_does() {
    let mut world = World::downloading(config());
    assert_eq!(world.member.figures(world.now), crate::NeighbourFigures::default());
    let load = Load { rate: 5, active: 1, queued: 9 };
    let asked = requests(&world.befriend(7, all()));
    world.found([8]);
    world.connection(8, ConnectionEvent::Connected);
    world.neighbour(8, NeighbourEvent::Joined { rtt: RTT, have: set([1]).into(), load });
    world.stream(8, StreamEvent::Opened);
    world.befriend(9, set([]));
    let figures = world.member.figures(world.now);
    assert_eq!((figures.connected, figures.useful, figures.sending, figures.refusing), (3, 2, 1, 0));
    assert_eq!((figures.queued, figures.told_rate), (9, 5));
    assert!(figures.asked >= 1 && figures.asked_bytes >= asked.len() as u64 * (1 << 20));
    let (_, id, _) = asked[0];
    world.stream(7, StreamEvent::Refused { id, why: ChunkRefusal::Busy });
    assert_eq!(world.member.figures(world.now).refusing, 1);
    world.connection(8, ConnectionEvent::Disconnected);
    let figures = world.member.figures(world.now);
    assert_eq!((figures.connected, figures.useful, figures.sending), (2, 1, 0));
    assert_eq!(world.member.heard_of(), 3);
}
