//! Single cases, each told step by step.

use std::collections::BTreeSet;

use libp2p_identity::PeerId;
use serde_bytes::ByteBuf;

use super::{addresses_in, content, entry, from, register, registry, secs, services};
use crate::tests::peer;
use crate::{Asker, Effect, ServiceLimits, Services};
use shoal_content::Hash;
use shoal_registry::Registry;
use shoal_wire::frame;
use shoal_wire::tracker::{
    IndexEntry, MAX_PAYLOAD, Mode, Role, TrackerErrorCode, TrackerRequest, TrackerResponse, Verdict,
};

struct Tracker {
    registry: Registry,
    services: Services,
}

impl Tracker {
    fn new(limits: ServiceLimits) -> Self {
        Self { registry: registry(), services: services(limits) }
    }

    fn ask(&mut self, at: u64, n: usize, request: TrackerRequest) -> TrackerResponse {
        self.services.handle(&mut self.registry, secs(at), from(peer(n), 1), Ok(request)).response
    }

    fn join(&mut self, at: u64, n: usize, c: usize) {
        let address = format!("/ip4/8.8.8.8/tcp/{}", n + 1);
        register(&mut self.registry, secs(at), peer(n), content(c), &address);
    }

    fn names(&mut self, at: u64, text: &str) -> Vec<String> {
        let request =
            TrackerRequest::Find { mode: Mode::Substring, text: text.into(), after: None, limit: 0 };
        match self.ask(at, 99, request) {
            TrackerResponse::Found { contents, .. } => {
                contents.into_iter().map(|found| found.entry.name).collect()
            }
            other => panic!("{other:?}"),
        }
    }
}

fn error(code: TrackerErrorCode) -> TrackerResponse {
    TrackerResponse::Error { code }
}

fn publish(n: usize, name: &str) -> TrackerRequest {
    TrackerRequest::Publish { entries: vec![entry(n, name)] }
}

#[test]
fn a_request_of_an_unknown_kind_is_answered_counted_and_limited() {
    let mut tracker = Tracker::new(ServiceLimits { burst: 1, ..ServiceLimits::default() });
    let mut ask = |at| {
        let unknown = Err(frame::UnknownKind { id: None });
        tracker.services.handle(&mut tracker.registry, secs(at), from(peer(1), 1), unknown).response
    };
    assert_eq!(ask(0), error(TrackerErrorCode::Unsupported));
    assert_eq!(ask(0), error(TrackerErrorCode::Limited));
    let stats = tracker.services.stats(&tracker.registry, secs(0));
    assert_eq!((stats.refusals.unsupported, stats.refusals.limited), (1, 1));
}

#[test]
fn a_swarm_is_counted_by_what_its_members_say() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    (1..=3).for_each(|n| tracker.join(0, n, 1));
    let role = |role| TrackerRequest::Role { role, content: content(1) };
    assert_eq!(tracker.ask(1, 1, role(Role::Seed)), TrackerResponse::Ok {});
    assert_eq!(tracker.ask(1, 2, role(Role::Downloader)), TrackerResponse::Ok {});
    assert_eq!(tracker.ask(1, 9, role(Role::Seed)), error(TrackerErrorCode::NotRegistered));
    let swarm = TrackerRequest::Swarm { content: content(1) };
    assert_eq!(
        tracker.ask(1, 9, swarm.clone()),
        TrackerResponse::Swarm { seeds: 1, unknown: 1, downloaders: 1 }
    );
    tracker.ask(2, 2, role(Role::Seed));
    assert_eq!(
        tracker.ask(2, 9, swarm.clone()),
        TrackerResponse::Swarm { seeds: 2, unknown: 1, downloaders: 0 }
    );
    tracker.join(50, 1, 1);
    let left = TrackerResponse::Swarm { seeds: 1, unknown: 0, downloaders: 0 };
    assert_eq!(tracker.ask(140, 9, swarm.clone()), left, "a renewal does not say what it is, and need not");
    assert_eq!(tracker.ask(200, 9, swarm), TrackerResponse::Swarm { seeds: 0, unknown: 0, downloaders: 0 });
}

#[test]
fn a_role_is_written_down_when_it_is_news() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    tracker.join(0, 1, 1);
    let mut say = |role| {
        let request = TrackerRequest::Role { role, content: content(1) };
        tracker.services.handle(&mut tracker.registry, secs(1), from(peer(1), 1), Ok(request)).effects
    };
    let namespace = shoal_wire::swarm_namespace(&content(1));
    let news = vec![Effect::RoleChanged { peer: peer(1), namespace: namespace.clone() }];
    assert_eq!(say(Role::Downloader), news);
    assert_eq!(say(Role::Downloader), []);
    assert_eq!(say(Role::Seed), news);
    let written = tracker.registry.registration(secs(1), &peer(1), &namespace).unwrap();
    assert_eq!((written.role, written.ttl), (Some(Role::Seed), Some(99)));
}

#[test]
fn a_report_makes_the_tracker_look_for_itself() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    tracker.join(0, 1, 1);
    let report = || TrackerRequest::Report { peer: peer(1).to_bytes() };
    let outcome = tracker.services.handle(&mut tracker.registry, secs(1), from(peer(9), 1), Ok(report()));
    assert_eq!(outcome.response, TrackerResponse::Reported { verdict: Verdict::Probing });
    assert_eq!(outcome.effects, [Effect::Probe(peer(1))]);
    assert_eq!(tracker.ask(2, 8, report()), TrackerResponse::Reported { verdict: Verdict::Limited });
    assert!(tracker.registry.contains(&peer(1)), "a report alone removes nobody");
    let unknown = TrackerRequest::Report { peer: peer(7).to_bytes() };
    assert_eq!(tracker.ask(3, 9, unknown), TrackerResponse::Reported { verdict: Verdict::Unknown });
}

#[test]
fn a_peer_outside_the_swarm_publishes_nothing_and_is_not_found() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    assert_eq!(tracker.ask(0, 1, publish(1, "alpha")), error(TrackerErrorCode::NotRegistered));
    tracker.join(0, 1, 1);
    tracker.join(0, 1, 2);
    let both = TrackerRequest::Publish { entries: vec![entry(1, "alpha"), entry(3, "gamma")] };
    assert_eq!(tracker.ask(0, 1, both), error(TrackerErrorCode::NotRegistered), "all or nothing");
    assert!(tracker.names(0, "").is_empty());
    assert_eq!(tracker.ask(0, 1, publish(1, "alpha")), TrackerResponse::Published { ttl: 300 });
    assert_eq!(tracker.ask(0, 1, publish(2, "beta")), TrackerResponse::Published { ttl: 300 });
    assert_eq!(tracker.names(1, "A"), ["alpha", "beta"]);
    // It leaves one swarm and stays in the other.
    tracker.registry.unregister(&peer(1), &shoal_wire::swarm_namespace(&content(1)));
    assert_eq!(tracker.names(1, "A"), ["beta"]);
    tracker.registry.remove_peer(&peer(1));
    assert!(tracker.names(1, "A").is_empty());
    assert_eq!(tracker.services.stats(&tracker.registry, secs(1)).current.entries, 0, "nothing is left");
}

#[test]
fn entries_run_out_unless_they_are_said_again() {
    let limits = ServiceLimits { entry_ttl: secs(60), ..ServiceLimits::default() };
    let mut tracker = Tracker::new(limits);
    tracker.join(0, 1, 1);
    tracker.ask(0, 1, publish(1, "alpha"));
    tracker.ask(50, 1, publish(1, "alpha"));
    assert_eq!(tracker.names(99, "alpha"), ["alpha"]);
    tracker.join(99, 1, 1);
    assert!(tracker.names(110, "alpha").is_empty(), "though it is registered");
}

#[test]
fn one_peers_word_does_not_replace_anothers() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    (1..=3).for_each(|n| tracker.join(0, n, 1));
    tracker.ask(0, 1, publish(1, "alpha"));
    tracker.ask(0, 2, publish(1, "alpha"));
    let lie = IndexEntry { size: 1, ..entry(1, "alpha") };
    tracker.ask(0, 3, TrackerRequest::Publish { entries: vec![lie.clone()] });
    let request = TrackerRequest::Find { mode: Mode::Prefix, text: "ALPHA".into(), after: None, limit: 0 };
    let TrackerResponse::Found { contents, .. } = tracker.ask(1, 9, request) else { panic!("not found") };
    let mut said: Vec<_> = contents.iter().map(|found| (found.publishers, found.entry.size)).collect();
    said.sort_unstable();
    assert_eq!(said, [(1, 1), (2, 7)]);
    // A peer that publishes something else of a content is in one place only.
    tracker.ask(2, 3, publish(1, "alpha"));
    let request = TrackerRequest::Find { mode: Mode::Prefix, text: "alpha".into(), after: None, limit: 0 };
    let TrackerResponse::Found { contents, .. } = tracker.ask(2, 9, request) else { panic!("not found") };
    assert_eq!((contents.len(), contents[0].publishers), (1, 3));
}

#[test]
fn of_a_large_swarm_some_publishers_are_named_and_the_answer_costs_no_more() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    for n in 0..1_000 {
        tracker.join(0, n, 1);
        tracker.ask(0, n, publish(1, "alpha"));
    }
    let request = TrackerRequest::Find { mode: Mode::Prefix, text: "alpha".into(), after: None, limit: 0 };
    let TrackerResponse::Found { contents, .. } = tracker.ask(60, 9_999, request.clone()) else {
        panic!("not found")
    };
    assert_eq!((contents[0].peers.len(), contents[0].publishers), (8, 1_000));
    // All leave but one, which is found however many have gone.
    (0..1_000).filter(|n| *n != 500).for_each(|n| assert!(tracker.registry.remove_peer(&peer(n)) > 0));
    let TrackerResponse::Found { contents, .. } = tracker.ask(61, 9_999, request) else {
        panic!("not found")
    };
    assert_eq!(contents[0].peers, [ByteBuf::from(peer(500).to_bytes())]);
    assert_eq!(contents[0].publishers, 1);
}

#[test]
fn a_search_looks_at_so_many_names_and_gives_a_cursor() {
    let mut tracker = Tracker::new(ServiceLimits { scan: 10, ..ServiceLimits::default() });
    tracker.join(0, 1, 0);
    for c in 0..95 {
        tracker.join(0, 1, c);
        let name = if c == 94 { "needle".into() } else { format!("hay {c}") };
        tracker.ask(1 + c as u64, 1, publish(c, &name));
        tracker.join(1 + c as u64, 1, c);
    }
    let (mut after, mut found, mut answers) = (None, vec![], 0);
    loop {
        let request = TrackerRequest::Find { mode: Mode::Substring, text: "EEDL".into(), after, limit: 5 };
        let TrackerResponse::Found { next, contents } = tracker.ask(96, 9, request) else {
            panic!("not found")
        };
        found.extend(contents);
        answers += 1;
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(answers, 10);
    assert_eq!(found.iter().map(|found| found.entry.name.as_str()).collect::<Vec<_>>(), ["needle"]);
}

#[test]
fn a_cursor_of_another_search_hides_nothing() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    tracker.join(0, 1, 1);
    tracker.ask(0, 1, publish(1, "beta"));
    let before = [&[0; 16][..], b"alpha"].concat();
    let request =
        TrackerRequest::Find { mode: Mode::Prefix, text: "b".into(), after: Some(before.into()), limit: 0 };
    assert!(
        matches!(tracker.ask(1, 9, request), TrackerResponse::Found { contents, .. } if contents.len() == 1)
    );
}

#[test]
fn payloads_are_kept_under_their_hash_for_a_day_after_the_last_put() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    let (put, id) = (TrackerRequest::Put { bytes: b"hello".into() }, Hash::of(b"hello"));
    let day = 24 * 60 * 60;
    assert_eq!(tracker.ask(0, 1, TrackerRequest::Get { id }), error(TrackerErrorCode::NotFound));
    assert_eq!(tracker.ask(0, 1, put.clone()), TrackerResponse::Stored { id, ttl: day });
    assert_eq!(
        tracker.ask(day - 1, 2, TrackerRequest::Get { id }),
        TrackerResponse::Payload { bytes: b"hello".into() }
    );
    assert_eq!(tracker.ask(day - 1, 2, put), TrackerResponse::Stored { id, ttl: day });
    assert_eq!(
        tracker.ask(2 * day - 2, 3, TrackerRequest::Get { id }),
        TrackerResponse::Payload { bytes: b"hello".into() }
    );
    assert_eq!(tracker.ask(2 * day - 1, 3, TrackerRequest::Get { id }), error(TrackerErrorCode::NotFound));
}

#[test]
fn payloads_over_the_limit_of_the_protocol_or_of_the_operator_are_refused() {
    let long = TrackerRequest::Put { bytes: vec![0; MAX_PAYLOAD + 1] };
    assert!(matches!(frame::encode(&long), Err(frame::FrameError::Value(_))));
    let mut tracker = Tracker::new(ServiceLimits { payload: 100, ..ServiceLimits::default() });
    assert_eq!(
        tracker.ask(0, 1, TrackerRequest::Put { bytes: vec![0; 101] }),
        error(TrackerErrorCode::TooLarge)
    );
    assert!(matches!(
        tracker.ask(0, 1, TrackerRequest::Put { bytes: vec![0; 100] }),
        TrackerResponse::Stored { .. }
    ));
}

#[test]
fn many_identities_from_one_network_have_one_quota() {
    let limits = ServiceLimits { payloads_per_peer: 2, payloads_per_prefix: 5, ..ServiceLimits::default() };
    let mut tracker = Tracker::new(limits);
    let put = |n: u64| TrackerRequest::Put { bytes: n.to_be_bytes().into() };
    let kept =
        (0..20).filter(|n| matches!(tracker.ask(0, *n as usize, put(*n)), TrackerResponse::Stored { .. }));
    assert_eq!(kept.count(), 5);
    let elsewhere = |tracker: &mut Tracker, n| {
        tracker.services.handle(&mut tracker.registry, secs(0), from(peer(50), 2), Ok(put(n))).response
    };
    assert!(matches!(elsewhere(&mut tracker, 50), TrackerResponse::Stored { .. }));
    assert!(matches!(elsewhere(&mut tracker, 51), TrackerResponse::Stored { .. }));
    assert_eq!(elsewhere(&mut tracker, 52), error(TrackerErrorCode::Quota), "each peer has its own too");
    assert!(
        matches!(elsewhere(&mut tracker, 0), TrackerResponse::Stored { .. }),
        "what is there may be renewed"
    );
}

#[test]
fn a_peer_that_asks_too_often_waits_and_more_identities_do_not_help() {
    let limits =
        ServiceLimits { burst: 3, interval: secs(10), peers_per_prefix: 2, ..ServiceLimits::default() };
    let mut tracker = Tracker::new(limits);
    let answered = |tracker: &mut Tracker, at, n| {
        (0..9)
            .filter(|_| tracker.ask(at, n, TrackerRequest::Stats {}) != error(TrackerErrorCode::Limited))
            .count()
    };
    assert_eq!(answered(&mut tracker, 0, 1), 3);
    assert_eq!(answered(&mut tracker, 0, 2), 3);
    assert_eq!(answered(&mut tracker, 0, 3), 0, "its network has asked enough");
    let far = Asker { peer: peer(4), ip: Some([9, 9, 9, 9].into()) };
    let outcome = tracker.services.handle(&mut tracker.registry, secs(0), far, Ok(TrackerRequest::Stats {}));
    assert!(matches!(outcome.response, TrackerResponse::Stats { .. }));
    assert_eq!(answered(&mut tracker, 10, 1), 1);
    let stats = tracker.services.stats(&tracker.registry, secs(10));
    assert_eq!((stats.requests.stats, stats.refusals.limited), (8, 29));
}

#[test]
fn a_walk_over_all_peers_sees_each_once_and_a_sample_does_not() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    (0..250).for_each(|n| tracker.join(0, n, n % 3));
    let (mut after, mut seen) = (Some(ByteBuf::new()), vec![]);
    while after.is_some() {
        let TrackerResponse::Peers { next, peers, total } =
            tracker.ask(1, 999, TrackerRequest::Peers { after, limit: 0 })
        else {
            panic!("no peers")
        };
        assert!(peers.len() <= 100 && total == 250);
        seen.extend(peers.into_iter().map(|listed| PeerId::from_bytes(&listed.id).unwrap()));
        after = next;
    }
    assert_eq!(seen.len(), 250);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 250);
    let mut sample = || match tracker.ask(1, 999, TrackerRequest::Peers { after: None, limit: 6 }) {
        TrackerResponse::Peers { next: None, peers, .. } => {
            peers.into_iter().map(|listed| listed.id).collect()
        }
        other => panic!("{other:?}"),
    };
    let (one, other): (BTreeSet<Vec<u8>>, BTreeSet<Vec<u8>>) = (sample(), sample());
    assert_eq!((one.len(), other.len()), (6, 6));
    assert_ne!(one, other);
}

#[test]
fn a_program_that_started_again_under_another_id_is_one_entry() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    let (a, b) = ("/ip4/8.8.8.8/tcp/1\n/ip4/8.8.8.8/udp/1/quic-v1", "/ip4/8.8.8.8/tcp/2");
    register(&mut tracker.registry, secs(0), peer(1), content(1), a);
    register(&mut tracker.registry, secs(0), peer(2), content(1), b);
    register(&mut tracker.registry, secs(5), peer(3), content(1), a);
    let TrackerResponse::Peers { peers, .. } =
        tracker.ask(6, 9, TrackerRequest::Peers { after: None, limit: 0 })
    else {
        panic!("no peers")
    };
    let ids: BTreeSet<_> = peers.into_iter().map(|listed| listed.id).collect();
    assert_eq!(ids, BTreeSet::from([peer(2).to_bytes(), peer(3).to_bytes()]));
}

#[test]
fn addresses_are_told_to_peers_that_can_reach_them() {
    let mut tracker = Tracker::new(ServiceLimits::default());
    let record = "/ip4/10.0.0.1/tcp/1\n/ip4/8.8.8.8/tcp/1\n/ip4/127.0.0.1/tcp/1";
    register(&mut tracker.registry, secs(0), peer(1), content(1), record);
    for (ip, count) in [([9, 9, 9, 9], 1), ([192, 168, 0, 1], 2), ([127, 0, 0, 1], 3)] {
        let asker = Asker { peer: peer(9), ip: Some(ip.into()) };
        let request = TrackerRequest::Peers { after: None, limit: 0 };
        let outcome = tracker.services.handle(&mut tracker.registry, secs(1), asker, Ok(request));
        let TrackerResponse::Peers { peers, .. } = outcome.response else { panic!("no peers") };
        assert_eq!(peers[0].addresses.len(), count, "{ip:?}");
    }
    assert_eq!(addresses_in(record.as_bytes()).len(), 3);
}

#[test]
fn every_answer_fits_its_frame() {
    let mut tracker = Tracker::new(ServiceLimits { scan: 100_000, ..ServiceLimits::default() });
    let long = "é".repeat(127) + "x";
    let host = format!("{}.{}.example.org", "x".repeat(40), "y".repeat(40));
    let addresses = |n: usize| {
        let ports = (0..16).map(|port| format!("/dns4/{host}/tcp/{}", n * 16 + port + 1));
        ports.collect::<Vec<_>>().join("\n")
    };
    for n in 0..120 {
        register(&mut tracker.registry, secs(0), peer(n), content(n), &addresses(n));
        for other in 0..20 {
            register(&mut tracker.registry, secs(0), peer(other), content(n), &addresses(other));
            tracker.ask(0, other, TrackerRequest::Publish { entries: vec![entry(n, &long)] });
        }
    }
    for request in [
        TrackerRequest::Find { mode: Mode::Prefix, text: "".into(), after: None, limit: 0 },
        TrackerRequest::Peers { after: None, limit: 0 },
    ] {
        let response = tracker.ask(50, 999, request);
        assert!(frame::encode(&response).is_ok(), "{:?}", frame::encode(&response).err());
        match response {
            TrackerResponse::Found { next, contents } => {
                assert_eq!(contents.len(), 50);
                assert!(
                    frame::encode(&TrackerRequest::Find {
                        mode: Mode::Prefix,
                        text: String::new(),
                        after: next,
                        limit: 0
                    })
                    .is_ok()
                );
            }
            TrackerResponse::Peers { peers, .. } => assert_eq!(peers.len(), 100),
            other => panic!("{other:?}"),
        }
    }
}
