//! Files that do not hold still: changed sources, occupied targets. (`mounted` has full and read-only disks.)

use std::fs;
use std::path::Path;

use shoal_tests::files::{self, names, random, tree, write};
use shoal_tests::process::{get, share, shoal};

/// The state of every entry that `shoal verify` names: (matching, differing, missing, extra).
fn verify(dir: &Path, ticket: &str, code: i32) -> (u64, usize, usize, usize) {
    let json = shoal(["verify", "--json", dir.to_str().unwrap(), ticket]).expect(code).json();
    let len = |key: &str| json[key].as_array().unwrap().len();
    (json["matching"].as_u64().unwrap(), len("differing"), len("missing"), len("extra"))
}

#[test]
fn verify_says_what_matches_differs_and_is_missing() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    for n in 0..3 {
        write(&from.join(format!("{n}")), random(600_000, n));
    }
    let (_seed, ticket) = share(&from, &[]);
    get(&ticket, &to, &[]).end().expect(0);
    assert_eq!(verify(&to, &ticket, 0), (3, 0, 0, 0));
    assert_eq!(verify(&to.join("set"), &ticket, 0), (3, 0, 0, 0), "the content's own folder is fine too");
    let mut bytes = random(600_000, 0);
    bytes[300_000] ^= 1;
    write(&to.join("set/0"), bytes);
    fs::remove_file(to.join("set/1")).unwrap();
    write(&to.join("set/mine"), "not part of it");
    assert_eq!(verify(&to, &ticket, 4), (1, 1, 1, 1));
}

#[test]
fn what_exists_and_differs_is_kept_without_force() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    files::mixed(&from);
    write(&to.join("set/large.bin"), "mine");
    write(&to.join("set/notes"), "mine too");
    let (_seed, ticket) = share(&from, &[]);
    let refused = get(&ticket, &to, &[]).end().expect(1);
    assert!(refused.stderr.contains("large.bin") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert_eq!(names(&to.join("set")), ["large.bin", "notes"]);
    assert_eq!(names(&to), ["set"]);
    get(&ticket, &to, &["--force"]).end().expect(0);
    let mut got = tree(&to.join("set"));
    assert!(got.remove("/notes").is_some(), "files that are no part of it are never changed");
    assert_eq!(got, tree(&from));
}

#[test]
fn a_content_may_be_called_like_a_part() {
    let scratch = tempfile::tempdir().unwrap();
    let to = scratch.path().join("to");
    // Whose part would have the other's name, were parts called by names alone.
    for name in ["set", "set.part", "set.part.journal"] {
        let from = scratch.path().join(name);
        write(&from.join("file"), random(300_000, name.len() as u64));
        let (_seed, ticket) = share(&from, &[]);
        get(&ticket, &to, &["--force"]).end().expect(0);
    }
    assert_eq!(names(&to), ["set", "set.part", "set.part.journal"]);
    for name in names(&to) {
        assert_eq!(tree(&to.join(&name)), tree(&scratch.path().join(&name)));
    }
}

#[test]
fn a_complete_target_is_verified_and_left_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    files::mixed(&from);
    let (_seed, ticket) = share(&from, &[]);
    get(&ticket, &to, &[]).end().expect(0);
    let again = get(&ticket, &to, &[]).end().expect(0).json();
    assert_eq!(again["fetched"], 0);
}

#[test]
fn a_changed_source_file_is_withdrawn_and_never_served_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    write(&from.join("stays"), random(2 << 20, 1));
    write(&from.join("changes"), random(2 << 20, 2));
    write(&from.join("goes"), random(2 << 20, 3));
    let (mut seed, ticket) = share(&from, &[]);
    write(&from.join("changes"), random(2 << 20, 4));
    fs::remove_file(from.join("goes")).unwrap();
    // What is left can be had; the rest is had by nobody, which is said, and ends the wait in the end.
    let got = get(&ticket, &to, &["--wait", "7s"]).end().expect(3);
    assert!(got.stderr.contains("held by nobody reachable"), "{}", got.stderr);
    seed.word("a warning", |line| line.contains("changes") && line.contains("no longer served"));
    seed.word("a warning", |line| line.contains("goes") && line.contains("no longer served"));
    assert!(!to.join("set").exists());
    let part = get(&ticket, &to, &["--include", "stays"]).end();
    assert_eq!(part.code, Some(0), "{}", part.stderr);
    assert_eq!(tree(&from.join("stays")), tree(&to.join("set/stays")));
}

#[test]
fn quic_works_as_well_as_tcp() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("set"), scratch.path().join("to"));
    files::mixed(&from);
    let path = from.to_str().unwrap();
    let args = ["share", path, "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"];
    let mut seed = shoal_tests::process::Process::start("shoal", args);
    let ticket = seed.line("a ticket", |line| line.starts_with("shoal1"));
    get(&ticket, &to, &[]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}
