//! Whole transfers between real processes.

use std::fs;

use shoal_tests::files::{self, names, random, tree, write};
use shoal_tests::process::{Process, get, share, shoal, tracker};

#[test]
fn a_mixed_tree_goes_from_one_process_to_another() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("photos"), scratch.path().join("to"));
    files::mixed(&from);
    let (seed, ticket) = share(&from, &[]);
    let got = get(&ticket, &to, &[]).end().expect(0).json();
    assert_eq!(tree(&from), tree(&to.join("photos")));
    assert_eq!(names(&to), ["photos"], "neither part nor journal is left");
    assert_eq!(got["path"], to.join("photos").to_str().unwrap());
    assert_eq!(got["duplicate"], 0);
    seed.interrupt();
    let seed = seed.end().expect(0);
    assert_eq!(seed.stdout, ticket, "nothing but the ticket is on standard output");
}

#[test]
fn a_single_file_keeps_its_name_or_gets_another() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("disk.img");
    write(&file, random(3_000_000, 5));
    let (_seed, ticket) = share(&file, &[]);
    get(&ticket, &scratch.path().join("a"), &[]).end().expect(0);
    assert_eq!(tree(&file), tree(&scratch.path().join("a/disk.img")));
    let (_seed, ticket) = share(&file, &["--name", "other.img", "--chunker", "fixed:256000"]);
    get(&ticket, &scratch.path().join("b"), &[]).end().expect(0);
    assert_eq!(tree(&file), tree(&scratch.path().join("b/other.img")));
}

#[test]
fn odd_contents_arrive_too() {
    let scratch = tempfile::tempdir().unwrap();
    let (empty_file, empty_folder) = (scratch.path().join("nothing"), scratch.path().join("hollow"));
    write(&empty_file, "");
    fs::create_dir_all(empty_folder.join("a/b")).unwrap();
    for path in [empty_file, empty_folder] {
        let (_seed, ticket) = share(&path, &[]);
        let to = scratch.path().join("to");
        get(&ticket, &to, &[]).end().expect(0);
        assert_eq!(tree(&path), tree(&to.join(path.file_name().unwrap())));
    }
}

#[test]
fn peers_find_each_other_at_the_tracker_by_a_bare_id() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let (mut seed, _ticket) = share(&from, &["--rendezvous", &point]);
    seed.word("sharing", |line| line.contains("sharing"));
    let id = shoal(["inspect", "--json", from.to_str().unwrap()]).expect(0).json()["content"].clone();
    let to = scratch.path().join("to");
    get(id.as_str().unwrap(), &to, &["--rendezvous", &point]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}

#[test]
fn the_tracker_may_die_once_peers_have_met() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (tracker, point) = tracker(&scratch.path().join("tracker"));
    let (_seed, ticket) = share(&from, &["--rendezvous", &point]);
    tracker.kill();
    // The ticket holds the seed's address and that of a tracker that no longer answers.
    let to = scratch.path().join("to");
    let got = get(&ticket, &to, &[]).end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
    assert!(got.stderr.matches("rendezvous").count() <= 1, "said once, not in a loop: {}", got.stderr);
}

#[test]
fn a_tracker_keeps_its_address_and_prints_it() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let peer = |address: &str| address.rsplit_once("/p2p/").unwrap().1.to_owned();
    let (first, address) = tracker(&data);
    first.interrupt();
    first.end().expect(0);
    assert_eq!(peer(&tracker(&data).1), peer(&address));
}

#[test]
fn three_providers_with_a_part_each_make_a_whole() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    for part in ["a", "b", "c"] {
        write(&from.join(part).join("large"), random(2 << 20, part.as_bytes()[0].into()));
    }
    let (_tracker, point) = tracker(&scratch.path().join("tracker"));
    let (seed, ticket) = share(&from, &[]);
    let id = shoal(["inspect", "--json", &ticket]).expect(0).json()["content"].as_str().unwrap().to_owned();
    let mut parts = Vec::new();
    for part in ["a", "b", "c"] {
        let dir = scratch.path().join(format!("part-{part}"));
        let more = ["--include", part, "--seed", "--rendezvous", &point];
        let mut process = get(&ticket, &dir, &more);
        process.line("done", |line| line.contains("fetched"));
        assert_eq!(names(&dir.join("set")), [part]);
        parts.push(process);
    }
    seed.kill();
    let to = scratch.path().join("to");
    let got = get(&id, &to, &["--rendezvous", &point]).end().expect(0).json();
    assert_eq!(tree(&from), tree(&to.join("set")));
    assert_eq!(got["peers"].as_array().unwrap().len(), 3, "{got}");
}

#[test]
fn include_fetches_only_what_it_needs() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("wanted.bin"), random(1 << 20, 1));
    write(&from.join("other.bin"), random(8 << 20, 2));
    let (_seed, ticket) = share(&from, &[]);
    let to = scratch.path().join("to");
    let got = get(&ticket, &to, &["--include", "wanted.*"]).end().expect(0).json();
    assert_eq!(names(&to.join("set")), ["wanted.bin"]);
    assert_eq!(got["fetched"], 1 << 20);
    // The rest joins it later, and nothing comes twice.
    let got = get(&ticket, &to, &[]).end().expect(0).json();
    assert_eq!(got["fetched"], 8 << 20);
    assert_eq!(tree(&from), tree(&to.join("set")));
    let none = get(&ticket, &to, &["--include", "nothing"]).end().expect(1);
    assert!(none.stderr.contains("no file matches"), "{}", none.stderr);
}

#[test]
fn getters_serve_each_other_and_finish_without_the_tracker() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let (_seed, ticket) = share(&from, &[]);
    // No tracker: they learn of each other from the seed alone.
    let getters: Vec<Process> =
        (0..3).map(|n| get(&ticket, &scratch.path().join(format!("to-{n}")), &[])).collect();
    for (n, getter) in getters.into_iter().enumerate() {
        getter.end().expect(0);
        assert_eq!(tree(&from), tree(&scratch.path().join(format!("to-{n}/set"))));
    }
}

#[test]
fn a_second_share_is_ready_without_hashing_and_gives_the_same_id() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    files::mixed(&from);
    let cache = scratch.path().join("cache");
    let inspect = || {
        let mut command = std::process::Command::new(shoal_tests::process::program("shoal"));
        command.args(["inspect", "--json"]).arg(&from).env("SHOAL_CACHE", &cache);
        Process::spawn(command).end().expect(0).json()
    };
    let first = inspect();
    assert_eq!(names(&cache).len(), 1);
    assert_eq!(inspect(), first);
    write(&from.join("deep/er/medium.bin"), random(700_000, 3));
    assert_ne!(inspect()["content"], first["content"], "a changed file is hashed again");
}
