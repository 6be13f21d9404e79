//! What a tracker does beyond rendezvous, between real processes.

use std::fs;

use shoal_tests::files::{random, write};
use shoal_tests::process::{Process, shoal, tracker};

/// Runs `shoal tracker …` to its end.
fn ask(args: &[&str], points: &[&str]) -> shoal_tests::process::Ended {
    let points = points.iter().flat_map(|point| ["--rendezvous", point]);
    shoal(["tracker"].into_iter().chain(args.iter().copied()).chain(points))
}

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
