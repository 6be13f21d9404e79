//! What is taken from an answer, and what is not.

use shoal_wire::rendezvous::Registered;

use super::*;

fn record(key: &Keypair, sequence: u64, addresses: &[&str], format: RecordFormat) -> Vec<u8> {
    let addresses: Vec<Multiaddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    PeerRecord::seal(key, sequence, &addresses, format).unwrap()
}

fn answer(records: Vec<Vec<u8>>) -> Discovered {
    let registered =
        |record: Vec<u8>| Registered { namespace: "a".into(), record: record.into(), ttl: u64::MAX };
    Discovered { registrations: records.into_iter().map(registered).collect(), cookie: vec![] }
}

const HOME: &str = "/ip4/8.8.8.8/tcp/1";

#[test]
fn both_forms_are_taken_and_forgeries_are_left_out() {
    let keys: Vec<_> = (0..3).map(|_| Keypair::generate_ed25519()).collect();
    let mut forged = record(&keys[2], 1, &[HOME], RecordFormat::Standard);
    *forged.last_mut().unwrap() ^= 1;
    let records = vec![
        vec![],
        record(&keys[0], 1, &[HOME], RecordFormat::Standard),
        forged,
        record(&keys[1], 1, &[HOME], RecordFormat::Legacy),
        vec![0xff; 100],
    ];
    let mut peers: Vec<_> =
        found(answer(records), "a", Scope::Public).into_iter().map(|it| it.peer).collect();
    peers.sort_unstable();
    let mut expected: Vec<_> = keys[..2].iter().map(|key| key.public().to_peer_id()).collect();
    expected.sort_unstable();
    assert_eq!(peers, expected);
}

#[test]
fn other_namespaces_are_left_out() {
    let one = record(&Keypair::generate_ed25519(), 1, &[HOME], RecordFormat::Standard);
    assert_eq!(found(answer(vec![one.clone()]), "a", Scope::Public).len(), 1);
    assert_eq!(found(answer(vec![one]), "b", Scope::Public), []);
}

#[test]
fn each_peer_is_taken_once_with_its_newest_record() {
    let key = Keypair::generate_ed25519();
    let of = |sequence, home| record(&key, sequence, &[home], RecordFormat::Standard);
    let newest = "/ip4/9.9.9.9/tcp/1";
    let records = vec![of(1, HOME), of(3, newest), of(2, HOME)];
    let peer = key.public().to_peer_id();
    let expected = Found { peer, addresses: vec![newest.parse().unwrap()] };
    assert_eq!(found(answer(records), "a", Scope::Public), [expected]);
}

#[test]
fn no_more_peers_and_addresses_than_asked_for() {
    let many: Vec<String> = (1..40).map(|port| format!("/ip4/8.8.8.8/tcp/{port}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let records = (0..MAX_PEERS + 10)
        .map(|_| record(&Keypair::generate_ed25519(), 1, &many, RecordFormat::Standard))
        .collect();
    let found = found(answer(records), "a", Scope::Public);
    assert_eq!(found.len(), MAX_PEERS);
    assert!(found.iter().all(|it| it.addresses.len() == MAX_ADDRESSES));
}

#[test]
fn a_point_elsewhere_cannot_send_this_node_into_its_own_network() {
    let all = ["/ip4/127.0.0.1/tcp/22", "/ip4/10.0.0.1/tcp/22", HOME, "/ip4/169.254.169.254/tcp/80"];
    let told = |standing| {
        let records = vec![record(&Keypair::generate_ed25519(), 1, &all, RecordFormat::Standard)];
        let found = found(answer(records), "a", standing);
        found[0].addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(Scope::Public), [HOME]);
    assert_eq!(told(Scope::Private), [all[1], HOME]);
    assert_eq!(told(Scope::Loopback), all[..3]);
}

#[test]
fn sequence_numbers_never_go_back() {
    let mut points = Points::new(Keypair::generate_ed25519());
    points.sequence = u64::MAX - 1;
    let record = points.record(&[HOME.parse().unwrap()], RecordFormat::Standard).unwrap();
    assert_eq!(PeerRecord::open(&record).unwrap().sequence, u64::MAX - 1);
}

#[test]
fn what_a_tracker_must_not_tell_is_not_registered() {
    let mut points = Points::new(Keypair::generate_ed25519());
    let harmful = "/ip6/fe80::1/tcp/1".parse().unwrap();
    let home: Multiaddr = HOME.parse().unwrap();
    let mut record = |addresses: &[Multiaddr]| points.record(addresses, RecordFormat::Standard);
    let both = record(&[home.clone(), Multiaddr::clone(&harmful)]).unwrap();
    assert_eq!(PeerRecord::open(&both).unwrap().addresses, [home]);
    assert_eq!(record(&[harmful]), Err(PointError::NoAddress));
    assert_eq!(record(&[]), Err(PointError::NoAddress));
}

#[test]
fn questions_wait_in_line_and_those_that_nobody_waits_for_are_skipped() {
    let mut line = Line::default();
    let mut answers = vec![];
    for n in 0..MAX_UNDERWAY + 2 {
        let (reply, answer) = oneshot::channel();
        let request = RendezvousRequest::Unregister { namespace: n.to_string() };
        line.waiting.push_back((request, Pending::Unregister(reply)));
        answers.push(answer);
    }
    drop(answers.remove(0));
    let mut sent = vec![];
    while let Some((request, pending)) = line.next() {
        sent.push((request, pending));
    }
    assert_eq!((sent.len(), line.waiting.len()), (MAX_UNDERWAY, 1));
    assert_eq!(sent[0].0, RendezvousRequest::Unregister { namespace: "1".to_owned() });
    line.underway -= 1;
    assert!(line.next().is_some() && line.next().is_none());
}
