//! What a tracker does beyond rendezvous, between real processes.

use std::fs;

use shoal_content::Ticket;
use shoal_tests::files::{random, write};
use shoal_tests::process::{Process, get, shoal, tracker};
use shoal_tests::tracking::{ask, ask_until, seeds, share_at};

#[test]
fn a_payload_is_put_and_got_by_its_hash() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let id = ask(&["put", "--text", "hello, shoal"], &[&point]).expect(0).stdout;
    assert_eq!(id, "1f329403087a6a7d22dcdfabb48028797b1b8ef8ce8aaa2ff374f42ca547f3d2");
    assert_eq!(ask(&["get", &id], &[&point]).expect(0).stdout, "hello, shoal");
    let json = ask(&["get", &id, "--json"], &[&point]).expect(0).json();
    assert_eq!((json["text"].as_str(), json["bytes"].as_u64()), (Some("hello, shoal"), Some(12)));

    // The largest there is, byte for byte.
    let (from, to) = (scratch.path().join("from"), scratch.path().join("to"));
    write(&from, random(65_536, 1));
    let id = ask(&["put", from.to_str().unwrap()], &[&point]).expect(0).stdout;
    ask(&["get", &id, "-o", to.to_str().unwrap()], &[&point]).expect(0);
    assert_eq!(fs::read(&from).unwrap(), fs::read(&to).unwrap());
    let again = ask(&["get", &id, "-o", to.to_str().unwrap()], &[&point]).expect(1);
    assert!(again.stderr.contains("cannot write"), "what is there is left alone: {}", again.stderr);

    write(&from, random(65_537, 1));
    let refused = ask(&["put", from.to_str().unwrap()], &[&point]).expect(1);
    assert!(refused.stderr.contains("longer than 64 KiB"), "{}", refused.stderr);
    let unknown = ask(&["get", &"0".repeat(64)], &[&point]).expect(1);
    assert!(unknown.stderr.contains("no payload with this id"), "{}", unknown.stderr);
}

#[test]
fn a_tracker_tells_its_counters() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let id = ask(&["put", "--text", "counted"], &[&point]).expect(0).stdout;
    ask(&["get", &id], &[&point]).expect(0);
    let shown = ask(&["stats", "--json"], &[&point]).expect(0).json();
    assert_eq!(shown["tracker"], point.as_str());
    let stats = &shown["stats"];
    assert_eq!(stats["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&stats["current"]["payloads"], &stats["current"]["payload_bytes"]), (&1.into(), &7.into()));
    assert_eq!((&stats["requests"]["put"], &stats["requests"]["get"]), (&1.into(), &1.into()));
    let text = ask(&["stats"], &[&point]).expect(0).stdout;
    assert!(text.contains("payloads       1, 7 B"), "{text}");
}

#[test]
fn several_trackers_are_asked_and_one_that_answers_is_enough() {
    let scratch = tempfile::tempdir().unwrap();
    let (_one, first) = tracker(&scratch.path().join("one"));
    let (other, second) = tracker(&scratch.path().join("other"));
    let both = ask(&["put", "--text", "twice"], &[&first, &second]).expect(0);
    assert!(both.stderr.contains("2 rendezvous points"), "{}", both.stderr);
    let only = ask(&["put", "--text", "once"], &[&first]).expect(0).stdout;
    let got = ask(&["get", &only], &[&first, &second]).expect(0);
    assert_eq!(got.stdout, "once");
    other.kill();
    let got = ask(&["get", both.stdout.trim()], &[&first, &second]).expect(0);
    assert_eq!(got.stdout, "twice");
    assert!(got.stderr.contains("warning") && got.stderr.contains("cannot be reached"), "{}", got.stderr);
    let none = ask(&["stats"], &[&second]).expect(5);
    assert!(none.stderr.contains("hint:"), "{}", none.stderr);
}

#[test]
fn a_program_on_the_other_side_that_is_no_tracker_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, "bytes");
    let args = ["share", file.to_str().unwrap(), "--json", "--listen", shoal_tests::process::LOOPBACK];
    let mut peer = Process::start("shoal", args);
    let line = peer.line("a ticket", |line| line.contains("shoal1"));
    let ticket = serde_json::from_str::<serde_json::Value>(&line).unwrap()["ticket"].clone();
    let shown = shoal(["inspect", "--json", ticket.as_str().unwrap()]).expect(0).json();
    let address = shown["peers"][0].as_str().unwrap().to_owned();
    let refused = ask(&["stats"], &[&address]).expect(5);
    assert!(refused.stderr.contains("does not speak /shoal/tracker/1"), "{}", refused.stderr);
}

#[test]
fn what_is_published_is_found_as_long_as_it_is_shared() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let (public, private) = (scratch.path().join("Holiday Photos"), scratch.path().join("Holiday secrets"));
    write(&public, random(100_000, 1));
    write(&private, random(100_000, 2));
    let (seed, shared) = share_at(&public, &point, &["--publish"]);
    let (_other, _) = share_at(&private, &point, &[]);
    ask_until("it is found", &["find", "PHOTO", "--json"], &point, |ended| ended.code == Some(0));
    let found = ask(&["find", "holiday", "--prefix", "--json"], &[&point]).expect(0).json();
    assert_eq!((&found["name"], &found["bytes"]), (&"Holiday Photos".into(), &100_000.into()));
    assert_eq!((&found["content"], &found["publishers"]), (&shared["content"], &1.into()));
    assert_eq!(found["peers"].as_array().unwrap().len(), 1, "and the other is not found: {found}");

    // The id that was found is all that it takes.
    let to = scratch.path().join("to");
    let id = found["content"].as_str().unwrap();
    get(id, &to, &["--rendezvous", &point]).end().expect(0);
    assert_eq!(fs::read(to.join("Holiday Photos")).unwrap(), fs::read(&public).unwrap());

    seed.interrupt();
    seed.end().expect(0);
    let none = ask(&["find", "photo"], &[&point]).expect(1);
    assert!(none.stderr.contains("no published name contains 'photo'"), "{}", none.stderr);
}

#[test]
fn a_getter_that_becomes_complete_counts_as_a_seed() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let file = scratch.path().join("file");
    write(&file, random(100_000, 1));
    let (_seed, shared) = share_at(&file, &point, &[]);
    let id = shared["content"].as_str().unwrap();
    ask_until("one seed", &["swarm", id, "--json"], &point, seeds(1));
    let getter = get(id, &scratch.path().join("to"), &["--rendezvous", &point, "--seed"]);
    ask_until("two seeds", &["swarm", id, "--json"], &point, seeds(2));
    ask_until("two peers", &["peers", "--json"], &point, |ended| ended.stdout.lines().count() == 2);
    let listed = ask(&["peers", "--all", "--json"], &[&point]).expect(0);
    assert!(listed.stdout.lines().all(|line| line.contains("/ip4/127.0.0.1/tcp/")), "{}", listed.stdout);
    getter.interrupt();
    getter.end();
    ask_until("one seed again", &["swarm", id, "--json"], &point, seeds(1));
}

#[test]
fn a_dead_peer_that_is_reported_is_gone_in_seconds_and_a_living_one_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let mut peers = vec![];
    for name in ["one", "two"] {
        let file = scratch.path().join(name);
        write(&file, name);
        let (process, shared) = share_at(&file, &point, &[]);
        let ticket: Ticket = shared["ticket"].as_str().unwrap().parse().unwrap();
        let address = ticket.peers[0].to_string();
        peers.push((process, address.rsplit_once('/').unwrap().1.to_owned()));
    }
    ask_until("two peers", &["peers"], &point, |ended| ended.stdout.lines().count() == 2);
    let ((dead, dead_id), (_alive, alive_id)) = (peers.remove(0), peers.remove(0));
    dead.kill();
    for id in [&dead_id, &alive_id] {
        assert!(ask(&["report-dead", id], &[&point]).expect(0).stdout.starts_with("probing"));
    }
    ask_until("the dead one is gone", &["peers"], &point, |ended| !ended.stdout.contains(&dead_id));
    let left = ask(&["peers"], &[&point]).expect(0).stdout;
    assert!(left.contains(&alive_id), "{left}");
    assert!(ask(&["report-dead", &dead_id], &[&point]).expect(0).stdout.starts_with("unknown"));
}
