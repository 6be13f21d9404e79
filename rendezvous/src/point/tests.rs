//! The protocol's rules, without a network.

use libp2p::Multiaddr;
use libp2p::identity::Keypair;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use shoal_registry::RegistryLimits;
use shoal_wire::rendezvous::Status;
use shoal_wire::tracker::Role;

use super::*;

const PUBLIC: &str = "8.8.8.8";
const HOME: &str = "/ip4/8.8.8.8/tcp/1";

struct Peer {
    key: Keypair,
    asker: Asker,
}

impl Peer {
    fn new(observed: &str) -> Self {
        let key = Keypair::generate_ed25519();
        let peer = key.public().to_peer_id();
        let observed = Some(observed.parse().unwrap());
        Self { key, asker: Asker { peer, observed, reads: Reads::Unknown } }
    }

    fn register(&self, point: &mut Point, format: RecordFormat, addresses: &[&str]) -> Result<u64, Status> {
        self.hand_in(point, Duration::ZERO, self.record(1, format, addresses))
    }

    fn record(&self, sequence: u64, format: RecordFormat, addresses: &[&str]) -> Vec<u8> {
        let addresses: Vec<Multiaddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
        PeerRecord::seal(&self.key, sequence, &addresses, format).unwrap()
    }

    fn hand_in(&self, point: &mut Point, now: Duration, record: Vec<u8>) -> Result<u64, Status> {
        let request = RendezvousRequest::Register { namespace: "a".to_owned(), record, ttl: None };
        match point.handle(now, &self.asker, Ok(request)).0 {
            Some(RendezvousResponse::Register(answer)) => answer.map_err(|refused| refused.status),
            other => panic!("{other:?}"),
        }
    }

    fn discover(&self, point: &mut Point, reads: Reads) -> Result<Vec<RecordFormat>, Status> {
        let request =
            RendezvousRequest::Discover { namespace: Some("a".to_owned()), limit: None, cookie: None };
        let asker = Asker { reads, ..self.asker };
        match point.handle(Duration::ZERO, &asker, Ok(request)).0 {
            Some(RendezvousResponse::Discover(Ok(it))) => {
                let mut formats: Vec<_> =
                    it.registrations.iter().map(|it| RecordFormat::of(&it.record).unwrap()).collect();
                formats.sort_by_key(|it| *it == RecordFormat::Legacy);
                Ok(formats)
            }
            Some(RendezvousResponse::Discover(Err(refused))) => Err(refused.status),
            other => panic!("{other:?}"),
        }
    }
}

fn point(settings: Settings) -> Point {
    let registry = Registry::new(settings.limits.clone(), ChaCha8Rng::seed_from_u64(1));
    Point::new(&settings, registry)
}

use RecordFormat::{Legacy, Standard};

#[test]
fn addresses_are_looked_at_before_they_are_told() {
    let mut point = point(Settings::default());
    let invalid = Err(Status::InvalidSignedPeerRecord);
    let metadata = "/ip4/169.254.169.254/tcp/80";
    let cases: [(&str, &[&str], _); 9] = [
        (PUBLIC, &[HOME], Ok(60)),
        (PUBLIC, &[], invalid),
        (PUBLIC, &["/ip4/10.0.0.1/tcp/1"], invalid),
        (PUBLIC, &["/ip4/127.0.0.1/tcp/1"], invalid),
        (PUBLIC, &["/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1", HOME], Ok(60)),
        (PUBLIC, &[HOME, metadata], invalid),
        ("127.0.0.1", &[metadata], invalid),
        ("127.0.0.1", &["/ip4/127.0.0.1/tcp/1"], Ok(60)),
        ("10.0.0.9", &["/ip4/10.0.0.1/tcp/1"], Ok(60)),
    ];
    for (observed, addresses, expected) in cases {
        let result = Peer::new(observed).register(&mut point, Standard, addresses);
        assert_eq!(result, expected, "{addresses:?} from {observed}");
    }
}

#[test]
fn a_peer_registers_itself_alone() {
    let mut point = point(Settings::default());
    let [peer, other] = [(); 2].map(|()| Peer::new(PUBLIC));
    let signed_by_other = other.record(1, Standard, &[HOME]);
    let handed_in = peer.hand_in(&mut point, Duration::ZERO, signed_by_other.clone());
    assert_eq!(handed_in, Err(Status::NotAuthorized));
    assert!(point.registry().is_empty());
    assert_eq!(other.hand_in(&mut point, Duration::ZERO, signed_by_other), Ok(60));
}

/// The number of a record is the time by its maker's clock.
#[test]
fn a_peer_with_its_clock_set_back_is_refused_until_its_older_record_is_over() {
    let mut point = point(Settings::default());
    let peer = Peer::new(PUBLIC);
    let hand_in =
        |point: &mut Point, now, sequence| peer.hand_in(point, now, peer.record(sequence, Standard, &[HOME]));
    assert_eq!(hand_in(&mut point, Duration::ZERO, 1_000), Ok(60));
    let second = Duration::from_secs(1);
    assert_eq!(hand_in(&mut point, 59 * second, 10), Err(Status::InvalidSignedPeerRecord));
    assert_eq!(hand_in(&mut point, 60 * second, 11), Ok(60));
}

#[test]
fn quotas_count_by_where_the_peer_is_seen() {
    let limits = RegistryLimits { per_prefix: 1, ..RegistryLimits::default() };
    let mut point = point(Settings { limits, ..Settings::default() });
    assert_eq!(Peer::new("8.8.8.1").register(&mut point, Standard, &["/ip4/9.9.9.9/tcp/1"]), Ok(60));
    let neighbour = Peer::new("8.8.8.2").register(&mut point, Standard, &["/ip4/7.7.7.7/tcp/1"]);
    assert_eq!(neighbour, Err(Status::Unavailable));
    assert_eq!(Peer::new("9.9.9.9").register(&mut point, Standard, &["/ip4/8.8.8.1/tcp/1"]), Ok(60));
}

#[test]
fn each_asker_gets_what_it_can_read() {
    let mut point = point(Settings::default());
    let [legacy, first, second] = [(); 3].map(|()| Peer::new(PUBLIC));
    let stranger = Peer::new(PUBLIC);
    legacy.register(&mut point, Legacy, &[HOME]).unwrap();
    assert_eq!(stranger.discover(&mut point, Reads::Unknown), Ok(vec![Legacy]));
    first.register(&mut point, Standard, &[HOME]).unwrap();
    assert_eq!(stranger.discover(&mut point, Reads::Unknown), Ok(vec![Standard]), "as many of both");
    second.register(&mut point, Standard, &[HOME]).unwrap();
    assert_eq!(stranger.discover(&mut point, Reads::Unknown), Ok(vec![Standard; 2]));
    assert_eq!(stranger.discover(&mut point, Reads::Legacy), Ok(vec![Legacy]));
    assert_eq!(stranger.discover(&mut point, Reads::Both), Ok(vec![Standard, Standard, Legacy]));
    // What a peer registered tells more than what its program calls itself.
    assert_eq!(first.discover(&mut point, Reads::Legacy), Ok(vec![Standard, Legacy]));
    assert_eq!(legacy.discover(&mut point, Reads::Both), Ok(vec![]));
}

#[test]
fn a_peer_that_asks_too_often_has_to_wait_and_no_other() {
    let rate = Rate { burst: 2, interval: Duration::from_secs(1) };
    let mut point = point(Settings { register_rate: rate, discover_rate: rate, ..Settings::default() });
    let (busy, calm) = (Peer::new(PUBLIC), Peer::new(PUBLIC));
    for expected in [Ok(60), Ok(60), Err(Status::Unavailable)] {
        assert_eq!(busy.register(&mut point, Standard, &[HOME]), expected);
    }
    for expected in [Ok(vec![]), Ok(vec![]), Err(Status::Unavailable)] {
        assert_eq!(busy.discover(&mut point, Reads::Both), expected);
    }
    assert_eq!(calm.register(&mut point, Standard, &[HOME]), Ok(60));
    assert_eq!(point.requests().refused(Status::Unavailable), 2);
}

#[test]
fn many_identities_of_one_network_have_to_wait_too() {
    let rate = Rate { burst: 2, interval: Duration::from_secs(1) };
    let settings =
        Settings { register_rate: rate, discover_rate: rate, peers_per_prefix: 3, ..Settings::default() };
    let mut point = point(settings);
    let mut ask = |observed: &str| {
        let peers: Vec<_> = (0..20).map(|_| Peer::new(observed)).collect();
        let registered = |peer: &&Peer| peer.register(&mut point, Standard, &[HOME]).is_ok();
        let registered = peers.iter().filter(registered).count();
        (registered, peers.iter().filter(|peer| peer.discover(&mut point, Reads::Both).is_ok()).count())
    };
    assert_eq!(ask("8.8.8.1"), (6, 6));
    assert_eq!(ask("8.8.9.1"), (6, 6), "another network");
    assert_eq!(ask("10.0.0.1"), (20, 20), "a private one");
}

#[test]
fn a_renewal_keeps_the_role_also_on_the_disk() {
    let mut point = point(Settings::default());
    let peer = Peer::new(PUBLIC);
    peer.register(&mut point, Standard, &[HOME]).unwrap();
    assert_eq!(point.registry_mut().set_role(&peer.asker.peer, "a", Role::Seed), Some(true));
    let record = PeerRecord::seal(&peer.key, 1, &[HOME.parse().unwrap()], Standard).unwrap();
    let request = RendezvousRequest::Register { namespace: "a".to_owned(), record, ttl: Some(30) };
    match point.handle(Duration::ZERO, &peer.asker, Ok(request)).1 {
        Some(Kept::Registered(it)) => assert_eq!((it.role, it.ttl), (Some(Role::Seed), Some(30))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_are_counted() {
    let mut point = point(Settings::default());
    let peer = Peer::new(PUBLIC);
    peer.register(&mut point, Standard, &[HOME]).unwrap();
    peer.discover(&mut point, Reads::Both).unwrap();
    let unregister = RendezvousRequest::Unregister { namespace: "a".to_owned() };
    let kept = Kept::Unregistered { namespace: "a".into() };
    assert_eq!(point.handle(Duration::ZERO, &peer.asker, Ok(unregister)), (None, Some(kept)));
    let malformed = Malformed::Discover(RendezvousRefusal::Malformed);
    assert!(point.handle(Duration::ZERO, &peer.asker, Err(malformed)).0.is_some());
    let it = point.requests();
    assert_eq!((it.registers, it.discovers, it.unregisters, it.malformed), (1, 1, 1, 1));
    assert_eq!(it.refused(Status::InternalError), 1);
    assert!(point.registry().is_empty());
}
