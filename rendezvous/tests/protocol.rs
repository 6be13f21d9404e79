//! `/rendezvous/1.0.0` as the specification has it: what is granted, and which status refuses what.

mod common;

use common::{Client, registered, tracker, until};
use libp2p::identity::Keypair;
use shoal_registry::RegistryLimits;
use shoal_rendezvous::Settings;
use shoal_wire::rendezvous::Status;
use shoal_wire::rendezvous::{PeerRecord, RecordFormat, RendezvousRequest, RendezvousResponse};

const INVALID_NAMESPACE: Result<u64, u16> = Err(100);
const INVALID_RECORD: Result<u64, u16> = Err(101);
const INVALID_TTL: Result<u64, u16> = Err(102);
const NOT_AUTHORIZED: Result<u64, u16> = Err(200);
const INTERNAL_ERROR: Result<u64, u16> = Err(300);
const UNAVAILABLE: Result<u64, u16> = Err(400);

#[tokio::test]
async fn records_of_both_forms_register_and_are_discovered_as_they_came() {
    let (_tracker, address) = tracker(Settings::default()).await;
    for format in [RecordFormat::Standard, RecordFormat::Legacy] {
        let (one, other) = (Client::start(&address).await, Client::start(&address).await);
        let namespace = format!("{format:?}");
        let record = one.record(7, format);
        assert_eq!(
            one.register(&namespace, record.clone(), None).await,
            Ok(60),
            "what a request for no time gets"
        );
        assert_eq!(one.register(&namespace, one.record(7, format), Some(45)).await, Ok(45));
        let found = other.discover(&namespace, None).await;
        assert_eq!(found.registrations.len(), 1);
        assert_eq!(*found.registrations[0].record, *record);
        assert_eq!(&*found.registrations[0].namespace, namespace);
        assert!((1..=45).contains(&found.registrations[0].ttl));
        assert_eq!(one.peers(&namespace).await, [], "nobody is told of himself");
    }
}

/// What an answer takes while it waits for its reader is given back when it is read.
#[tokio::test]
async fn a_peer_that_reads_its_answers_may_ask_on_and_on() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let (one, other) = (Client::start(&address).await, Client::start(&address).await);
    one.join("a").await;
    for n in 0..300 {
        assert_eq!(other.discover("a", None).await.registrations.len(), 1, "{n}");
    }
}

#[tokio::test]
async fn each_mistake_in_a_registration_has_its_status() {
    let (tracker, address) = tracker(Settings::default()).await;
    let client = Client::start(&address).await;
    let good = client.record(5, RecordFormat::Standard);
    let stranger = Keypair::generate_ed25519();
    let theirs = PeerRecord::seal(&stranger, 5, std::slice::from_ref(&client.home), RecordFormat::Standard);
    let mut forged = good.clone();
    *forged.last_mut().unwrap() ^= 1;
    let no_address = PeerRecord::seal(&client.key, 5, &[], RecordFormat::Standard).unwrap();
    let nowhere = ["/ip4/224.0.0.1/tcp/1".parse().unwrap()];
    let nowhere = PeerRecord::seal(&client.key, 5, &nowhere, RecordFormat::Standard).unwrap();
    let cases = [
        ("signed by another peer", "a", theirs.unwrap(), None, NOT_AUTHORIZED),
        ("forged", "a", forged, None, INVALID_RECORD),
        ("no record", "a", vec![], None, INVALID_RECORD),
        ("any bytes", "a", vec![0xff; 200], None, INVALID_RECORD),
        ("too large", "a", vec![0; 3_000], None, INVALID_RECORD),
        ("much too large", "a", vec![0; 900_000], None, INVALID_RECORD),
        ("without addresses", "a", no_address, None, INVALID_RECORD),
        ("with an address for nobody", "a", nowhere, None, INVALID_RECORD),
        ("for no time", "a", good.clone(), Some(0), INVALID_TTL),
        ("for a second", "a", good.clone(), Some(1), INVALID_TTL),
        ("for four days", "a", good.clone(), Some(4 * 24 * 3600), INVALID_TTL),
        ("no namespace", "", good.clone(), None, INVALID_NAMESPACE),
        ("a long namespace", &"n".repeat(256), good.clone(), None, INVALID_NAMESPACE),
        ("a huge namespace", &"n".repeat(100_000), good.clone(), None, INVALID_NAMESPACE),
    ];
    for (what, namespace, record, ttl, status) in cases {
        assert_eq!(client.register(namespace, record, ttl).await, status, "{what}");
    }
    assert_eq!(tracker.counters().await.unwrap().registrations, 0);
    assert_eq!(client.register(&"n".repeat(255), good.clone(), None).await, Ok(60), "the longest namespace");
    assert_eq!(client.register("a", good, None).await, Ok(60));
    let older = client.record(4, RecordFormat::Standard);
    assert_eq!(client.register("a", older, None).await, INVALID_RECORD, "an older record");
    let counters = tracker.counters().await.unwrap();
    assert_eq!(counters.registrations, 2);
    assert_eq!(counters.requests.refused(Status::InvalidSignedPeerRecord), 8);
    assert_eq!(counters.requests.refused(Status::NotAuthorized), 1);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_nothing_breaks() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let client = Client::start(&address).await;
    let cases: [&[u8]; 6] = [
        &[0],
        &[3, 1, 2, 3],
        &[2, 8, 0],
        &[9, 8, 0, 0x12, 200],
        &[0xff; 20],
        &[8, 8, 1, 0x1a, 4, 8, 0, 0x18, 60],
    ];
    for bytes in cases {
        let answer = registered(client.send_for_response(bytes.to_vec()).await);
        assert_eq!(answer, INTERNAL_ERROR, "{bytes:?}");
    }
    let discover = client.send_for_response(vec![4, 8, 3, 0x2a, 5]).await;
    assert!(
        matches!(discover, Some(RendezvousResponse::Discover(Err(it))) if it.status == Status::InternalError)
    );
    client.join("a").await;
}

#[tokio::test]
async fn each_mistake_in_a_question_has_its_status() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let client = Client::start(&address).await;
    client.join("a").await;
    let cookie = client.discover("a", None).await.cookie;
    let ask = |namespace: &str, cookie: Vec<u8>| {
        let namespace = Some(namespace.to_owned());
        let request = RendezvousRequest::Discover { namespace, limit: None, cookie: Some(cookie) };
        async {
            match client.ask(request).await {
                Some(RendezvousResponse::Discover(answer)) => answer.map(|_| ()).map_err(|it| it.status),
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(ask("a", cookie.clone()).await, Ok(()));
    assert_eq!(ask("b", cookie).await, Err(Status::InvalidCookie), "of another namespace");
    assert_eq!(ask("a", b"\0\0\0\0\0\0\0\0a".to_vec()).await, Err(Status::InvalidCookie), "made up");
    assert_eq!(ask("a", vec![1; 5_000]).await, Err(Status::InvalidCookie), "long");
    assert_eq!(ask("a", vec![1; 100_000]).await, Err(Status::InvalidCookie), "huge");
    assert_eq!(ask(&"n".repeat(256), vec![]).await, Err(Status::InvalidNamespace));
    assert_eq!(ask(&"n".repeat(100_000), vec![]).await, Err(Status::InvalidNamespace));
}

#[tokio::test]
async fn a_cookie_brings_what_is_new() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let (one, two) = (Client::start(&address).await, Client::start(&address).await);
    let asker = Client::start(&address).await;
    one.join("a").await;
    let cookie = asker.discover("a", None).await.cookie;
    two.join("a").await;
    let request =
        RendezvousRequest::Discover { namespace: Some("a".to_owned()), limit: None, cookie: Some(cookie) };
    let Some(RendezvousResponse::Discover(Ok(news))) = asker.ask(request).await else { panic!("an answer") };
    assert_eq!(news.registrations.len(), 1);
    assert_eq!(PeerRecord::open(&news.registrations[0].record).unwrap().peer, two.peer());
}

#[tokio::test]
async fn unregistering_is_done_at_once_and_in_one_namespace_only() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let (one, other) = (Client::start(&address).await, Client::start(&address).await);
    one.join("a").await;
    one.join("b").await;
    one.unregister("a").await;
    assert_eq!(other.peers("a").await, []);
    assert_eq!(other.peers("b").await, [one.peer()]);
    one.unregister("never registered").await;
    other.unregister("b").await;
    assert_eq!(other.peers("b").await, [one.peer()], "nobody unregisters somebody else");
}

#[tokio::test]
async fn time_runs_out() {
    let limits = RegistryLimits { min_ttl: 1, ..RegistryLimits::default() };
    let (_tracker, address) = tracker(Settings { limits, ..Settings::default() }).await;
    let (one, other) = (Client::start(&address).await, Client::start(&address).await);
    let record = one.record(1, RecordFormat::Standard);
    assert_eq!(one.register("a", record, Some(1)).await, Ok(1));
    until("the registration runs out", || async { other.peers("a").await.is_empty().then_some(()) }).await;
}

#[tokio::test]
async fn a_full_tracker_says_so_and_keeps_registered_peers() {
    let limits = RegistryLimits { total: 1, ..RegistryLimits::default() };
    let (_tracker, address) = tracker(Settings { limits, ..Settings::default() }).await;
    let (one, other) = (Client::start(&address).await, Client::start(&address).await);
    one.join("a").await;
    let record = other.record(1, RecordFormat::Standard);
    assert_eq!(other.register("a", record, None).await, UNAVAILABLE);
    one.join("a").await;
    assert_eq!(other.peers("a").await, [one.peer()]);
}

#[tokio::test]
async fn of_a_larger_swarm_each_question_gets_another_sample() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let mut swarm = Vec::new();
    for _ in 0..12 {
        let client = Client::start(&address).await;
        client.join("a").await;
        swarm.push(client);
    }
    let asker = Client::start(&address).await;
    assert_eq!(asker.peers("a").await.len(), 12);
    let mut samples = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let mut sample: Vec<_> =
            asker.discover("a", Some(6)).await.registrations.into_iter().map(|it| it.record).collect();
        assert_eq!(sample.len(), 6);
        sample.sort_unstable();
        samples.insert(sample);
    }
    assert!(samples.len() > 1, "eight questions, one and the same sample");
}
