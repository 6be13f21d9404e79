//! The identity that shares a content: the same peer for the same content, from one start to the next.

use std::path::Path;

use shoal_content::Ticket;
use shoal_tests::files::{random, tree, write};
use shoal_tests::process::{LOOPBACK, Process, command, get};

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 24;

/// `shoal share` with a state folder; returns it with its ticket.
fn share(path: &Path, state: &Path, more: &[&str]) -> (Process, String) {
    let mut command = command("shoal", ["share", path.to_str().unwrap()]);
    command.args(more).env("SHOAL_STATE", state);
    let mut process = Process::spawn(command);
    let ticket = process.line("a ticket", |line| line.starts_with("shoal1"));
    (process, ticket)
}

/// The id of the peer that a ticket names.
fn peer(ticket: &str) -> String {
    let ticket: Ticket = ticket.parse().unwrap();
    let address = ticket.peers.first().expect("a ticket names its peer").to_string();
    address.rsplit_once("/p2p/").unwrap().1.to_owned()
}

#[test]
fn a_killed_share_that_is_started_again_is_the_same_and_its_getter_goes_on() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, state, to) =
        (scratch.path().join("set"), scratch.path().join("state"), scratch.path().join("to"));
    write(&from.join("file"), random(CHUNK * CHUNKS, 9));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let chunker = format!("fixed:{CHUNK}");
    let slow = ["--port", &port, "--chunker", &chunker, "--limit-up", "256KiB"];
    let (first, ticket) = share(&from, &state, &slow);
    let mut getter = get(&ticket, &to, &[]);
    getter.stored(2);
    first.kill();
    let (_second, again) = share(&from, &state, &slow);
    assert_eq!(ticket, again);
    let got = getter.end().expect(0).json();
    assert_eq!(got["fetched"], CHUNKS * CHUNK, "nothing came twice");
    assert_eq!(tree(&from), tree(&to.join("set")));
}

#[test]
fn two_at_once_are_two_peers() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, state) = (scratch.path().join("set"), scratch.path().join("state"));
    write(&from.join("file"), "something");
    let share = || share(&from, &state, &["--listen", LOOPBACK]);
    let (first, ticket) = share();
    let (mut second, other) = share();
    assert_ne!(peer(&ticket), peer(&other));
    second.word("the second one says so", |line| line.contains("another shoal of yours"));
    assert_eq!(first.errors().matches("warning").count(), 0, "{}", first.errors());
    first.kill();
    let (_third, again) = share();
    assert_eq!(peer(&again), peer(&ticket), "what was killed holds nothing");
}

#[test]
fn each_content_and_each_user_has_another_identity() {
    let scratch = tempfile::tempdir().unwrap();
    let (one, two) = (scratch.path().join("one"), scratch.path().join("two"));
    write(&one, "one");
    write(&two, "two");
    let peer_of = |path: &Path, state: &Path| {
        let (process, ticket) = share(path, state, &["--listen", LOOPBACK]);
        process.interrupt();
        let ended = process.end().expect(0);
        assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
        peer(&ticket)
    };
    let (mine, yours) = (scratch.path().join("mine"), scratch.path().join("yours"));
    let first = peer_of(&one, &mine);
    assert_eq!(first, peer_of(&one, &mine));
    assert_ne!(first, peer_of(&two, &mine));
    assert_ne!(first, peer_of(&one, &yours));
    // Turned off, or of no use.
    assert_ne!(peer_of(&one, Path::new("")), peer_of(&one, Path::new("")));
    let (mut process, _) = share(&one, &one, &["--listen", LOOPBACK]);
    process.word("a warning", |line| line.contains("cannot keep an identity"));
}
