//! `shoal demo`, with everything that can befall its nodes.

use std::path::Path;

use serde_json::Value;
use shoal_tests::files::names;
use shoal_tests::process::{Ended, Process, command};

/// Runs the demo with its folder in `scratch`.
fn demo(scratch: &Path, args: &[&str]) -> Ended {
    let mut command = command("shoal", ["demo", "--json"].iter().chain(args));
    command.env("TMPDIR", scratch);
    Process::spawn(command).end()
}

fn nodes(report: &Value) -> &[Value] {
    report["nodes"].as_array().expect("nodes")
}

/// The names of the nodes with this fate, in their order.
fn with_fate<'a>(report: &'a Value, fate: &str) -> Vec<&'a str> {
    nodes(report).iter().filter(|n| n["fate"] == fate).filter_map(|n| n["node"].as_str()).collect()
}

#[test]
fn it_moves_a_made_up_folder_and_cleans_up() {
    let scratch = tempfile::tempdir().unwrap();
    let report = demo(scratch.path(), &["--size", "24MiB", "--peers", "3"]).expect(0).json();
    assert_eq!(with_fate(&report, "equal"), ["peer1", "peer2", "peer3"]);
    assert_eq!(with_fate(&report, "source"), ["seed"]);
    assert!(report["seed_sent"].as_f64().unwrap() >= 1.0, "{report}");
    assert!(names(scratch.path()).is_empty(), "{:?}", names(scratch.path()));
}

/// Slow enough that somebody looks in time.
#[test]
fn nodes_that_are_killed_are_named_and_are_no_failure() {
    let scratch = tempfile::tempdir().unwrap();
    let kills =
        ["--kill", "peer3@20%", "--kill", "seed@85%", "--slow", "peer3=1MiB", "--no-tracker", "--keep"];
    let args = [&["--size", "24MiB", "--peers", "4"] as &[_], &kills].concat();
    let ended = demo(scratch.path(), &args).expect(0);
    let report = ended.json();
    assert_eq!(with_fate(&report, "equal"), ["peer1", "peer2", "peer4"], "{}", ended.stderr);
    assert_eq!(with_fate(&report, "killed"), ["peer3"]);
    assert!(ended.stderr.contains("killed peer3 at "), "{}", ended.stderr);
    let kept = names(scratch.path());
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(scratch.path().join(&kept[0]).join("peer1/demo-folder/run.sh").is_file());
}

#[test]
fn nobody_completes_when_the_seed_is_killed_at_once() {
    let scratch = tempfile::tempdir().unwrap();
    let args = ["--size", "24MiB", "--peers", "2", "--slow", "seed=2MiB", "--kill", "seed@10%"];
    let ended = demo(scratch.path(), &args).expect(3);
    assert_eq!(with_fate(&ended.json(), "incomplete"), ["peer1", "peer2"]);
    assert!(ended.stderr.contains("peer1 gave up: "), "{}", ended.stderr);
}

#[test]
fn a_peer_that_sends_wrong_bytes_is_named_and_the_others_complete() {
    let scratch = tempfile::tempdir().unwrap();
    let report =
        demo(scratch.path(), &["--size", "24MiB", "--peers", "4", "--corrupt", "peer2"]).expect(0).json();
    assert_eq!(with_fate(&report, "equal"), ["peer1", "peer3", "peer4"]);
    assert_eq!(with_fate(&report, "corrupt"), ["peer2"]);
    let named =
        |node: &&Value| node["sent_by"] == serde_json::json!(["peer2"]) && node["corrupt_chunks"] != 0;
    assert_eq!(nodes(&report).iter().filter(named).count(), 3, "{report}");
}

#[test]
fn a_slow_peer_holds_up_itself_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let args = ["--size", "24MiB", "--peers", "3", "--slow", "peer1=4MiB", "--topology", "star"];
    let report = demo(scratch.path(), &args).expect(0).json();
    assert_eq!(with_fate(&report, "equal").len(), 3);
    assert!(nodes(&report)[1]["seconds"].as_f64().unwrap() > 4.0, "{report}");
    let from_peers: u64 = nodes(&report).iter().filter_map(|n| n["from_peers"].as_u64()).sum();
    assert_eq!(from_peers, 0, "a star: {report}");
}

#[test]
fn nodes_that_are_not_there_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    for args in [["--kill", "peer9@5%"], ["--slow", "peer5=1MiB"], ["--corrupt", "peer5"]] {
        let ended = demo(scratch.path(), &args).expect(2);
        assert!(ended.stderr.contains("there are 4 peers"), "{}", ended.stderr);
    }
}
