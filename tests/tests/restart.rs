//! What a tracker still knows after it was started again, before any peer has said it anew.

use std::path::Path;

use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::process::{LOOPBACK, Process, shoal, tracker};

fn swarm(ticket: &str, point: &str) -> serde_json::Value {
    shoal(["tracker", "swarm", ticket, "--rendezvous", point, "--json"]).expect(0).json()
}

fn share_at(path: &Path, point: &str) -> (Process, String) {
    let path = path.to_str().unwrap();
    let args = ["share", path, "--json", "--listen", LOOPBACK, "--rendezvous", point];
    let mut process = Process::start("shoal", args);
    let line = process.line("a ticket", |line| line.contains("shoal1"));
    let shared: serde_json::Value = serde_json::from_str(&line).unwrap();
    (process, shared["ticket"].as_str().unwrap().to_owned())
}

#[test]
fn a_seed_is_one_after_a_restart_too() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, file) = (scratch.path().join("tracker"), scratch.path().join("file"));
    let (first, point) = tracker(&data);
    write(&file, random(10_000, 1));
    let (seed, ticket) = share_at(&file, &point);
    eventually("it counts as a seed", || (swarm(&ticket, &point)["seeds"] == 1).then_some(()));
    // A dead node publishes nothing again.
    seed.kill();
    first.interrupt();
    first.end().expect(0);
    let (_second, point) = tracker(&data);
    let size = swarm(&ticket, &point);
    assert_eq!((&size["seeds"], &size["unknown"]), (&1.into(), &0.into()), "{size}");
}
