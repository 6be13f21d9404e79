//! Which peers a tracker lists, and for how long: peers that come, leave, crash, come back and are reported.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libp2p::PeerId;
use shoal_content::Ticket;
use shoal_net::{Node, NodeConfig};
use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::process::{LOOPBACK, Process, get, tracker, tracker_on};
use shoal_tests::tracking::{ask, ask_until, peers, seeds, share_at, share_on, stats};
use shoal_tests::visitor::Visitor;
use shoal_wire::tracker::Verdict;

/// The address in a ticket: place and id.
fn home(shared: &serde_json::Value) -> (String, String) {
    let ticket: Ticket = shared["ticket"].as_str().unwrap().parse().unwrap();
    let address = ticket.peers[0].to_string();
    let (place, id) = address.split_once("/p2p/").unwrap();
    (place.to_owned(), id.to_owned())
}

#[test]
fn a_peer_that_leaves_is_gone_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let file = scratch.path().join("file");
    write(&file, "bytes");
    let (seed, shared) = share_at(&file, &point, &[]);
    let content = shared["content"].as_str().unwrap();
    ask_until("it is registered", &["swarm", content, "--json"], &point, seeds(1));
    assert_eq!(peers(&point), [home(&shared).1]);
    seed.interrupt();
    seed.end().expect(0);
    assert!(peers(&point).is_empty());
    assert!(seeds(0)(&ask(&["swarm", content, "--json"], &[&point])));
    assert_eq!(stats(&point)["registry"]["unregistered"], 1);
}

#[test]
fn a_crashed_peer_is_gone_when_its_time_has_run_out_and_a_renewing_one_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let short = ["--min-ttl", "6s", "--default-ttl", "6s", "--max-ttl", "6s"];
    let (_tracker, point) = tracker_on(LOOPBACK, &scratch.path().join("tracker"), &short);
    let file = scratch.path().join("file");
    write(&file, "bytes");
    let (seed, shared) = share_at(&file, &point, &[]);
    // It asks for a minute, is granted less, and goes by that.
    ask_until("it renews in time", &["stats", "--json"], &point, |ended| {
        ended.json()["stats"]["registry"]["renewed"] == 1
    });
    assert_eq!(stats(&point)["registry"]["expired"], 0);
    seed.kill();
    assert_eq!(peers(&point), [home(&shared).1], "nobody has said yet that it is dead");
    eventually("it is gone", || peers(&point).is_empty().then_some(()));
    let counted = &stats(&point)["registry"];
    assert_eq!((&counted["expired"], &counted["dead"]), (&1.into(), &0.into()));
}

#[test]
fn a_peer_that_comes_back_at_its_place_under_another_id_is_one_entry() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let file = scratch.path().join("file");
    write(&file, "bytes");
    let (first, shared) = share_at(&file, &point, &["--publish"]);
    let (place, old) = home(&shared);
    eventually("it is registered", || (peers(&point) == [&*old]).then_some(()));
    first.kill();
    let (_second, shared) = share_on(&place, &file, &[&point], &["--publish"]);
    let (again, new) = home(&shared);
    assert!(again == place && old != new);
    eventually("the newer one is listed, alone", || (peers(&point) == [&*new]).then_some(()));
    assert_eq!(stats(&point)["current"]["peers"], 2, "the older registration has not run out");
    let to = scratch.path().join("to");
    get(shared["content"].as_str().unwrap(), &to, &["--rendezvous", &point]).end().expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_swarm_is_told_whole_and_of_a_larger_one_ever_another_sample() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let mut asker = Visitor::connect(&point).await;
    let mut all = BTreeSet::new();
    let mut visitors = vec![];
    for port in 1..=12_u16 {
        let mut visitor = Visitor::connect(&point).await;
        let home = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        visitor.register("swarm", &home).await.unwrap();
        all.insert(visitor.peer());
        visitors.push(visitor);
        if all.len() == 5 {
            assert_eq!(asker.discover("swarm", 5).await, Vec::from_iter(all.clone()));
        }
    }
    let first = asker.discover("swarm", 5).await;
    let mut seen = BTreeSet::from_iter(first.clone());
    // 792 samples are equally likely: that half of forty are the same does not happen.
    let mut others = 0;
    for _ in 0..40 {
        let sample = asker.discover("swarm", 5).await;
        assert_eq!(BTreeSet::from_iter(&sample).len(), 5, "each once: {sample:?}");
        others += usize::from(sample != first);
        seen.extend(sample);
    }
    assert!(others > 20, "{others}");
    assert_eq!(seen, all, "everybody is told of");
    assert_eq!(asker.discover("swarm", 0).await.len(), 12, "all, where there is room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reports_too_much_is_limited_and_others_are_not() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let file = scratch.path().join("file");
    write(&file, "bytes");
    let (_seed, shared) = share_at(&file, &point, &[]);
    let alive = home(&shared).1;
    eventually("it is registered", || (peers(&point) == [&*alive]).then_some(()));
    let node = Node::start(NodeConfig::default()).await.unwrap();
    let tracker = node.tracker(point.parse().unwrap());
    let mut said = vec![];
    while said.len() < 100 && said.last() != Some(&Verdict::Limited) {
        said.push(tracker.report(PeerId::random()).await.unwrap());
    }
    assert_eq!(said.pop(), Some(Verdict::Limited), "{said:?}");
    assert!(said.len() >= 20 && said.iter().all(|it| *it == Verdict::Unknown), "{said:?}");
    let report = || ask(&["report-dead", &alive], &[&point]).expect(0).stdout;
    assert!(report().starts_with("probing"), "another one may report");
    assert!(report().starts_with("limited"), "but nobody may have a peer probed again and again");
    assert_eq!(stats(&point)["registry"]["probes"], 1);
    assert_eq!(peers(&point), [&*alive]);
}

/// A place where something takes connections, counts them, and closes them.
fn dead_end() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("/ip4/127.0.0.1/tcp/{}", listener.local_addr().unwrap().port());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        listener.incoming().for_each(|_| _ = counted.fetch_add(1, Ordering::Relaxed));
    });
    (address, count)
}

#[test]
fn a_node_is_at_all_its_points_and_works_with_those_that_answer() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, first) = tracker(&scratch.path().join("one"));
    let (_other, second) = tracker(&scratch.path().join("other"));
    let (nowhere, _) = dead_end();
    let file = scratch.path().join("file");
    write(&file, random(100_000, 1));
    let (seed, shared) = share_on(LOOPBACK, &file, &[&nowhere, &first, &second], &[]);
    let content = shared["content"].as_str().unwrap();
    for point in [&first, &second] {
        ask_until("it is registered", &["swarm", content, "--json"], point, seeds(1));
    }
    one.kill();
    let to = scratch.path().join("to");
    let points = ["--rendezvous", &first, "--rendezvous", &nowhere, "--rendezvous", &second];
    let got = get(content, &to, &points).end().expect(0);
    assert!(!got.stderr.contains("no rendezvous point"), "one is of use: {}", got.stderr);
    assert_eq!(std::fs::read(&file).unwrap(), std::fs::read(to.join("file")).unwrap());
    seed.interrupt();
    let seed = seed.end().expect(0);
    assert!(!seed.stderr.contains("no rendezvous point"), "{}", seed.stderr);
}

#[test]
fn that_no_point_answers_is_said_once() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(100_000, 1));
    let (nowhere, tried) = dead_end();
    let (mut seed, shared): (Process, _) = share_at(&file, &nowhere, &[]);
    seed.word("that none is of use", |line| line.contains("no rendezvous point"));
    let told_at = tried.load(Ordering::Relaxed);
    eventually("it is tried again", || (tried.load(Ordering::Relaxed) >= told_at + 3).then_some(()));
    // It serves all the same.
    let ticket = shared["ticket"].as_str().unwrap();
    let got = get(ticket, &scratch.path().join("to"), &[]).end().expect(0);
    assert!(got.stderr.matches("no rendezvous point").count() <= 1, "{}", got.stderr);
    seed.interrupt();
    let seed = seed.end().expect(0);
    assert_eq!(seed.stderr.matches("no rendezvous point").count(), 1, "{}", seed.stderr);
}
