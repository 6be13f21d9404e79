//! The bytes of each message, both ways, and where the limits are.

use libp2p_identity::PeerId;
use serde_bytes::ByteBuf;

use super::vectors::{refused as bad, requests, responses};
use super::*;
use crate::frame::{FrameError, LengthReader};
use crate::vectors::{both_ways, example_id, malformed, passes, refused};
use shoal_testing::bytes;

const PAYLOAD: &[u8] = b"hello, shoal";

fn peer_id() -> Vec<u8> {
    let peer: PeerId = "12D3KooWE9BybvUhbeZCuEqPQrep3R2Dp2w8fPejiP1G8gwhTejQ".parse().unwrap();
    peer.to_bytes()
}

fn entry() -> IndexEntry {
    IndexEntry { name: "demo".into(), size: 30, files: 4, content: example_id() }
}

fn cursor() -> Option<ByteBuf> {
    Some((0xa0..0xb0).chain(*b"demo").collect::<Vec<u8>>().into())
}

#[test]
fn every_request_has_its_bytes() {
    let content = example_id();
    let substring =
        TrackerRequest::Find { mode: Mode::Substring, text: "em".into(), after: cursor(), limit: 0 };
    let all = [
        (requests::SWARM, TrackerRequest::Swarm { content }),
        (requests::ROLE, TrackerRequest::Role { role: Role::Seed, content }),
        (requests::REPORT, TrackerRequest::Report { peer: peer_id() }),
        (requests::PUBLISH, TrackerRequest::Publish { entries: vec![entry()] }),
        (requests::WITHDRAW, TrackerRequest::Withdraw { contents: vec![content] }),
        (
            requests::FIND,
            TrackerRequest::Find { mode: Mode::Prefix, text: "De".into(), after: None, limit: 20 },
        ),
        (requests::FIND_ON, substring),
        (requests::PUT, TrackerRequest::Put { bytes: PAYLOAD.into() }),
        (requests::GET, TrackerRequest::Get { id: Hash::of(PAYLOAD) }),
        (requests::PEERS, TrackerRequest::Peers { after: None, limit: 50 }),
        (requests::PEERS_ON, TrackerRequest::Peers { after: Some(ByteBuf::new()), limit: 0 }),
        (requests::STATS, TrackerRequest::Stats {}),
    ];
    assert_eq!(all.len(), requests::LISTINGS.len());
    all.iter().for_each(|(listing, request)| both_ways(request, listing));
}

fn stats() -> Stats {
    Stats {
        uptime: 3_600,
        current: Current {
            peers: 2,
            entries: 1,
            payloads: 1,
            namespaces: 1,
            payload_bytes: 12,
            registrations: 2,
        },
        version: "0.1.0".into(),
        refusals: RefusalCounts { not_found: 1, not_registered: 1, ..RefusalCounts::default() },
        registry: RegistryCounts {
            dead: 1,
            probes: 1,
            renewed: 240,
            discovered: 66,
            registered: 3,
            ..RegistryCounts::default()
        },
        requests: RequestCounts {
            get: 1,
            put: 1,
            find: 3,
            role: 2,
            stats: 1,
            report: 1,
            publish: 120,
            ..RequestCounts::default()
        },
    }
}

#[test]
fn every_response_has_its_bytes() {
    let address: multiaddr::Multiaddr = "/ip4/192.0.2.1/tcp/4001".parse().unwrap();
    let peer = PeerAddresses { id: peer_id(), addresses: vec![ByteBuf::from(address.to_vec())] };
    let found = Match { entry: entry(), peers: vec![ByteBuf::from(peer_id())], publishers: 1 };
    let reported = |verdict| TrackerResponse::Reported { verdict };
    let error = |code| TrackerResponse::Error { code };
    let all = [
        (responses::OK, TrackerResponse::Ok {}),
        (responses::SWARM_SIZE, TrackerResponse::Swarm { seeds: 2, unknown: 0, downloaders: 7 }),
        (responses::REPORTED, reported(Verdict::Probing)),
        (responses::REPORTED_LIMITED, reported(Verdict::Limited)),
        (responses::REPORTED_UNKNOWN, reported(Verdict::Unknown)),
        (responses::PUBLISHED, TrackerResponse::Published { ttl: 300 }),
        (responses::FOUND, TrackerResponse::Found { next: cursor(), contents: vec![found] }),
        (responses::FOUND_NONE, TrackerResponse::Found { next: None, contents: vec![] }),
        (responses::STORED, TrackerResponse::Stored { id: Hash::of(PAYLOAD), ttl: 86_400 }),
        (responses::PAYLOAD, TrackerResponse::Payload { bytes: PAYLOAD.into() }),
        (responses::PEERS_LIST, TrackerResponse::Peers { next: None, peers: vec![peer], total: 1 }),
        (responses::STATS_ALL, TrackerResponse::Stats { stats: Box::new(stats()) }),
        (responses::ERROR_BUSY, error(TrackerErrorCode::Busy)),
        (responses::ERROR_LIMITED, error(TrackerErrorCode::Limited)),
        (responses::ERROR_QUOTA, error(TrackerErrorCode::Quota)),
        (responses::ERROR_TOO_LARGE, error(TrackerErrorCode::TooLarge)),
        (responses::ERROR_NOT_FOUND, error(TrackerErrorCode::NotFound)),
        (responses::ERROR_NOT_REGISTERED, error(TrackerErrorCode::NotRegistered)),
        (responses::ERROR_BAD_REQUEST, error(TrackerErrorCode::BadRequest)),
    ];
    assert_eq!(all.len(), responses::LISTINGS.len());
    all.iter().for_each(|(listing, response)| both_ways(response, listing));
}

#[test]
fn bad_bytes_are_refused() {
    let mut length = LengthReader::default();
    let read = bytes(bad::REQUEST_TOO_LONG).iter().try_fold(None, |_, b| length.push(*b, MAX_REQUEST));
    assert_eq!(read, Err(FrameError::TooLong { len: 131_073, max: 131_072 }));
    for listing in [bad::EMPTY_PAYLOAD, bad::NAME_WITH_CONTROL] {
        assert!(matches!(refused::<TrackerRequest>(listing), FrameError::Value(_)), "{listing}");
    }
    malformed::<TrackerRequest>(bad::BARE_KIND);
    // A message of one direction or protocol is none of another.
    malformed::<TrackerResponse>(requests::PUT);
    malformed::<crate::query::QueryRequest>(requests::SWARM);
}

/// Each limit: its last value passes, the next one does not.
#[test]
fn limits_are_where_the_document_says() {
    let put = |len| TrackerRequest::Put { bytes: vec![7; len] };
    assert!(passes(&put(1)) && passes(&put(65_536)));
    assert!(!passes(&put(0)) && !passes(&put(65_537)));
    let payload = |len| TrackerResponse::Payload { bytes: vec![7; len] };
    assert!(passes(&payload(65_536)) && !passes(&payload(65_537)));

    let long = IndexEntry { name: "é".repeat(127) + "x", size: u64::MAX, files: u32::MAX, ..entry() };
    let publish = |entry: &IndexEntry, count| TrackerRequest::Publish { entries: vec![entry.clone(); count] };
    assert!(passes(&publish(&long, 256)), "a full list of the longest entries fits into a frame");
    assert!(!passes(&publish(&long, 257)) && !passes(&publish(&long, 0)));
    let withdraw = |count| TrackerRequest::Withdraw { contents: vec![example_id(); count] };
    assert!(passes(&withdraw(256)) && !passes(&withdraw(257)) && !passes(&withdraw(0)));

    let find = |text: usize, cursor: usize| TrackerRequest::Find {
        mode: Mode::Prefix,
        text: "x".repeat(text),
        after: Some(vec![0; cursor].into()),
        limit: u32::MAX,
    };
    assert!(passes(&find(255, 1_280)) && !passes(&find(256, 0)) && !passes(&find(0, 1_281)));

    let id = |count| vec![ByteBuf::from(peer_id()); count];
    let found = |peers, count| TrackerResponse::Found {
        next: None,
        contents: vec![Match { entry: long.clone(), peers: id(peers), publishers: u32::MAX }; count],
    };
    assert!(passes(&found(8, 50)) && !passes(&found(9, 1)) && !passes(&found(0, 51)));

    let peers = |count, addresses| {
        let addresses = vec![ByteBuf::from(vec![0; 256]); addresses];
        TrackerResponse::Peers {
            next: None,
            peers: vec![PeerAddresses { id: vec![0; 64], addresses }; count],
            total: 1,
        }
    };
    assert!(passes(&peers(100, 16)) && !passes(&peers(101, 0)) && !passes(&peers(1, 17)));
}

#[test]
fn no_remote_text_can_move_a_cursor() {
    for name in ["\u{1b}[2J", "a\nb", "\u{202e}x", "a/b", "..", "", &"x".repeat(256)] {
        let entry = IndexEntry { name: name.into(), ..entry() };
        assert!(!passes(&TrackerRequest::Publish { entries: vec![entry.clone()] }), "{name:?}");
        let found = Match { entry, peers: vec![], publishers: 1 };
        assert!(!passes(&TrackerResponse::Found { next: None, contents: vec![found] }), "{name:?}");
    }
    for version in ["1\u{7}", "\u{202e}1", &"1".repeat(65)] {
        let stats = Box::new(Stats { version: version.into(), ..stats() });
        assert!(!passes(&TrackerResponse::Stats { stats }), "{version:?}");
    }
    assert!(!passes(&TrackerRequest::Report { peer: vec![1, 2, 3] }));
}
