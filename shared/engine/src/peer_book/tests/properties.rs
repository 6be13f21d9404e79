//! What holds whatever peers, tellers and contents do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::*;

/// One thing that happens. Peers and addresses are numbers, and so are places in lists of what is there.
#[derive(Debug, Clone)]
enum Step {
    Learn(usize, Vec<usize>, u8),
    Seek(u32, usize),
    Hold(u32, usize),
    Release(u32, usize),
    Name(u32, usize),
    ReleaseAddress(u32, usize),
    Forget(u32),
    Ban(usize),
    ComeIn(usize),
    Part(usize),
    Answer(usize, usize),
    Fail(usize, u8),
    Ask(usize),
    Streams(usize, usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, content, at) = (0usize..14, 0u32..4, 0usize..20);
    let addresses = prop::collection::vec(0usize..30, 0..6);
    prop_oneof![
        4 => (peer.clone(), addresses, 0u8..4).prop_map(|(n, all, teller)| Step::Learn(n, all, teller)),
        6 => (content.clone(), peer.clone()).prop_map(|(c, n)| Step::Seek(c, n)),
        1 => (content.clone(), peer.clone()).prop_map(|(c, n)| Step::Hold(c, n)),
        2 => (content.clone(), peer.clone()).prop_map(|(c, n)| Step::Release(c, n)),
        1 => (content.clone(), at.clone()).prop_map(|(c, n)| Step::Name(c, n)),
        1 => (content.clone(), at.clone()).prop_map(|(c, n)| Step::ReleaseAddress(c, n)),
        1 => content.prop_map(Step::Forget),
        1 => peer.clone().prop_map(Step::Ban),
        3 => peer.clone().prop_map(Step::ComeIn),
        3 => at.clone().prop_map(Step::Part),
        5 => (at.clone(), peer.clone()).prop_map(|(at, n)| Step::Answer(at, n)),
        4 => (at, 0u8..3).prop_map(|(at, how)| Step::Fail(at, how)),
        1 => peer.clone().prop_map(Step::Ask),
        1 => (peer, 0usize..3).prop_map(|(n, open)| Step::Streams(n, open)),
        4 => (0u64..40_000).prop_map(Step::Wait),
    ]
}

/// What a caller that does as the book says knows.
struct Caller {
    world: World,
    uses: BTreeSet<(u32, PeerId)>,
    /// Uses whose content takes the peer for connected.
    told: BTreeSet<(u32, PeerId)>,
    open: Vec<(PeerId, Connection)>,
    /// Peers whose closing was ordered and has not happened.
    closing: BTreeSet<PeerId>,
    dials: BTreeMap<DialId, Dial>,
    banned: VecDeque<PeerId>,
}

fn config() -> PeerBookConfig {
    PeerBookConfig {
        max_peers: 6,
        max_addresses: 3,
        max_peers_per_teller: 4,
        max_named_addresses: 3,
        max_banned: 2,
        max_dialing: 4,
        dialing_kept_for_named: 1,
        max_addresses_per_dial: 2,
        max_connections: 10,
        max_connections_per_network: 4,
        kept_for_named: 1,
        kept_for_newcomers: 2,
        kept_for_dials: 3,
        enough: 1,
        max_counted: 12,
        ..Default::default()
    }
}

impl Caller {
    fn new() -> Self {
        Self {
            world: World::new(config()),
            uses: BTreeSet::new(),
            told: BTreeSet::new(),
            open: Vec::new(),
            closing: BTreeSet::new(),
            dials: BTreeMap::new(),
            banned: VecDeque::new(),
        }
    }

    fn is_open(&self, peer: &PeerId) -> bool {
        self.open.iter().any(|(it, _)| it == peer)
    }

    fn take(&mut self, step: Step) {
        let (now, book) = (self.world.now, &mut self.world.book);
        match step {
            Step::Learn(n, all, teller) => {
                let teller = match teller {
                    0 => USER,
                    1 => Teller::Tracker(peer(90)),
                    2 => Teller::Peer(peer(n)),
                    _ => Teller::Peer(peer(91)),
                };
                book.learn(now, peer(n), all.into_iter().map(address), teller);
            }
            Step::Seek(content, n) => {
                self.uses.insert((content, peer(n)));
                book.seek(now, content, peer(n));
            }
            Step::Hold(content, n) => {
                self.uses.insert((content, peer(n)));
                self.told.insert((content, peer(n)));
                book.hold(content, peer(n));
            }
            Step::Release(content, n) => {
                self.ended(content, peer(n));
                self.world.book.release(now, content, peer(n));
            }
            Step::Name(content, n) => book.name_address(now, content, address(n)),
            Step::ReleaseAddress(content, n) => book.release_address(content, &address(n)),
            Step::Forget(content) => {
                self.uses.retain(|(it, _)| *it != content);
                self.told.retain(|(it, _)| *it != content);
                book.forget_content(now, content);
            }
            Step::Ban(n) => self.ban(peer(n)),
            Step::ComeIn(n) => self.come(peer(n), inbound(n)),
            Step::Part(at) if at < self.open.len() => {
                let (peer, connection) = self.open.swap_remove(at);
                self.world.book.disconnected(now, peer, &connection);
                if !self.is_open(&peer) {
                    self.closing.remove(&peer);
                }
            }
            Step::Answer(at, n) => self.answer(at, n),
            Step::Fail(at, how) => self.fail(at, how),
            Step::Ask(n) => book.used_by_remote(now, &peer(n)),
            Step::Streams(n, open) => book.streams_of_remote(now, &peer(n), open),
            Step::Wait(millis) => self.world.now += Duration::from_millis(millis),
            Step::Part(_) => {}
        }
    }

    fn ended(&mut self, content: u32, peer: PeerId) {
        self.uses.remove(&(content, peer));
        self.told.remove(&(content, peer));
    }

    fn ban(&mut self, it: PeerId) {
        self.world.book.ban(it);
        if it != peer(0) && !self.banned.contains(&it) {
            self.banned.push_back(it);
            if self.banned.len() > config().max_banned {
                self.banned.pop_front();
            }
        }
    }

    fn come(&mut self, it: PeerId, connection: Connection) {
        if it == peer(0) || self.open.len() >= 20 {
            return;
        }
        self.closing.remove(&it);
        self.open.push((it, connection.clone()));
        self.world.book.connected(self.world.now, it, connection);
    }

    fn answer(&mut self, at: usize, n: usize) {
        let Some(id) = self.dials.keys().nth(at).copied() else { return };
        let Some(dial) = self.dials.remove(&id) else { return };
        let remote = dial.addresses[n % dial.addresses.len()].clone();
        let it = dial.peer.unwrap_or(peer(n.max(1)));
        self.come(it, connection(Some(id), remote));
    }

    fn fail(&mut self, at: usize, how: u8) {
        let Some(id) = self.dials.keys().nth(at).copied() else { return };
        let Some(dial) = self.dials.remove(&id) else { return };
        let failure = match how {
            0 => DialFailure::NotTried,
            1 => DialFailure::WrongPeer { address: dial.addresses[0].clone(), obtained: peer(13) },
            _ => DialFailure::Unreachable,
        };
        self.world.book.dial_failed(self.world.now, id, failure);
    }

    /// Does what the book says, and looks at whether it may say so.
    fn obey(&mut self) {
        for output in self.world.drain() {
            match output {
                Output::Dial { id, dial } => self.on_dial(id, dial),
                Output::Connected { content, peer } => {
                    assert!(self.is_open(&peer) && self.uses.contains(&(content, peer)));
                    self.told.insert((content, peer));
                }
                Output::Unreachable { content, peer, retry_at } => {
                    assert!(retry_at.is_none_or(|at| at >= self.world.now));
                    assert!(!self.told.contains(&(content, peer)));
                    self.ended(content, peer);
                }
                Output::Disconnected { content, peer } => {
                    assert!(self.told.contains(&(content, peer)), "nobody took it for connected");
                    self.ended(content, peer);
                }
                Output::Close { peer } => {
                    assert!(self.is_open(&peer), "closed without being open");
                    assert!(!self.uses.iter().any(|(_, it)| *it == peer), "closed while it is used");
                    assert!(self.closing.insert(peer), "closed twice");
                }
                Output::Block { peer } => {
                    assert!(!self.uses.iter().any(|(_, it)| *it == peer), "blocked while it is used");
                    self.closing.insert(peer);
                }
                Output::AddressAnswered { .. }
                | Output::AddressUnreachable { .. }
                | Output::Unblock { .. } => {}
            }
        }
    }

    fn on_dial(&mut self, id: DialId, dial: Dial) {
        let config = config();
        if let Some(it) = dial.peer {
            assert!(it != peer(0) && !self.banned.contains(&it), "dialled oneself, or a banned one");
            assert!(self.uses.iter().any(|(_, used)| *used == it), "dialled without being sought");
            assert!(!self.is_open(&it), "dialled while connected");
            assert!(self.dials.values().all(|other| other.peer != dial.peer), "dialled twice at once");
        }
        assert!((1..=config.max_addresses_per_dial).contains(&dial.addresses.len()));
        self.dials.insert(id, dial);
        assert!(self.dials.len() <= config.max_dialing);
    }

    fn check(&self) {
        let (book, config) = (&self.world.book, config());
        assert_eq!(book.uses.pairs(), self.uses);
        for (content, peer) in &self.uses {
            let connected = self.is_open(peer) && !self.closing.contains(peer);
            assert_eq!(connected, self.told.contains(&(*content, *peer)), "{content} and {peer}");
        }
        let connected: BTreeSet<_> = self.open.iter().map(|(peer, _)| peer).collect();
        let kept = connected.len() + self.uses.len();
        assert!(book.len() <= config.max_peers + kept, "{}", book.len());
        assert!(book.table.lists().all(|addresses| addresses.len() <= config.max_addresses));
        assert!(book.bans.len() <= config.max_banned && book.named.len() <= config.max_named_addresses);
        assert!(book.dials.counted() <= config.max_counted);
        assert!(book.dials.queue.len() <= self.uses.len() + book.named.len());
        assert!(
            book.next_timeout().is_none_or(|at| at > self.world.now),
            "it has said all that it has to say"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..Default::default() })]

    /// Bounds hold; a banned peer is never dialled, nor one that nobody seeks; what is used is never closed without
    /// a word to its contents; contents and book agree on which content uses which peer.
    #[test]
    fn whatever_happens(steps in prop::collection::vec(step(), 1..150)) {
        let mut caller = Caller::new();
        for step in steps {
            caller.take(step);
            caller.obey();
            caller.check();
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..Default::default() })]

    /// A peer that is sought and can be reached is connected in the end, whatever is told of it and of others, and
    /// although many that are sought are dead.
    #[test]
    fn a_peer_that_can_be_reached_is_dialled_in_the_end(
        seed in any::<u64>(),
        living in 1usize..10,
        dead in 0usize..20,
        junk in 0usize..4,
        one_host in any::<bool>(),
    ) {
        reach_all(seed, living, dead, junk, one_host);
    }
}

fn reach_all(seed: u64, living: usize, dead: usize, junk: usize, one_host: bool) {
    let home = |n: usize| -> Multiaddr {
        if one_host { format!("/ip4/9.9.9.9/tcp/{}", 1000 + n).parse().unwrap() } else { address(n) }
    };
    let mut world = World::new(PeerBookConfig::default());
    world.book.rng = SeededRng::seed_from_u64(seed);
    let all = living + dead;
    for n in 1..=all {
        // Liars come first, and most of what they say leads to the same host.
        for lie in 0..junk {
            let liar = Teller::Peer(peer(1000 + (n + lie) % 5));
            world.book.learn(world.now, peer(n), [home(5000 + 10 * n + lie)], liar);
        }
        world.book.learn(world.now, peer(n), [home(n)], Teller::Peer(peer(900 + n % 20)));
    }
    let mut seek_at: BTreeMap<PeerId, Duration> = (1..=all).map(|n| (peer(n), world.now)).collect();
    let mut ends: BTreeMap<(Duration, DialId), Dial> = BTreeMap::new();
    let living: BTreeSet<PeerId> = (1..=living).map(peer).collect();
    let numbers: BTreeMap<PeerId, usize> = (1..=all).map(|n| (peer(n), n)).collect();
    let mut missing = living.clone();
    let end = world.now + secs(36_000);
    while !missing.is_empty() && world.now < end {
        let due: Vec<_> = seek_at.iter().filter(|(_, at)| **at <= world.now).map(|(peer, _)| *peer).collect();
        for peer in due {
            seek_at.remove(&peer);
            world.book.seek(world.now, 1, peer);
        }
        for output in world.drain() {
            match output {
                Output::Dial { id, dial } => drop(ends.insert((world.now + secs(3), id), dial)),
                Output::Unreachable { peer, retry_at, .. } => {
                    seek_at.insert(peer, retry_at.expect("something is known of it"));
                }
                _ => {}
            }
        }
        let next =
            ends.keys().map(|(at, _)| *at).chain(seek_at.values().copied()).chain(world.book.next_timeout());
        let Some(next) = next.min() else { break };
        world.now = world.now.max(next);
        while let Some(entry) = ends.first_entry().filter(|entry| entry.key().0 <= world.now) {
            let ((_, id), dial) = entry.remove_entry();
            let it = dial.peer.unwrap();
            let remote = home(numbers[&it]);
            if living.contains(&it) && dial.addresses.contains(&remote) {
                world.book.connected(world.now, it, connection(Some(id), remote));
                missing.remove(&it);
            } else {
                world.book.dial_failed(world.now, id, DialFailure::Unreachable);
            }
        }
    }
    assert!(missing.is_empty(), "{} of {} were not reached", missing.len(), living.len());
}
