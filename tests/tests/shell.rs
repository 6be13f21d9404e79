//! Shells that share with each other by a tracker: who comes first, who goes, and what is found then.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use shoal_tests::files::{random, write};
use shoal_tests::process::{LOOPBACK, Process, Signal, place, tracker, tracker_on};
use shoal_tests::shell::PipedShell;
use tempfile::TempDir;

/// A tracker, and a folder to share with one file in it.
struct Scene {
    scratch: TempDir,
    tracker: Process,
    point: String,
}

impl Scene {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let (tracker, point) = tracker(&scratch.path().join("tracker"));
        let scene = Self { scratch, tracker, point };
        write(&scene.shared().join("holiday"), random(300_000, 1));
        scene
    }

    fn shared(&self) -> PathBuf {
        self.scratch.path().join("shared")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// A shell that shares the folder.
    fn sharer(&self) -> PipedShell {
        PipedShell::sharing(&self.shared(), &self.point, &[])
    }

    /// A shell that shares nothing.
    fn other(&self) -> PipedShell {
        PipedShell::at(&self.point, &[])
    }

    /// Ends the tracker at once; what it has written stays.
    fn lose_tracker(self) -> (TempDir, String) {
        self.tracker.kill();
        (self.scratch, self.point)
    }
}

/// Waits until a name is found.
fn until_found(shell: &mut PipedShell, name: &str) -> Value {
    shell.until("it is found", &format!("find {name}"), |found| found[0]["name"] == name)
}

#[test]
fn tracker_first() {
    let scene = Scene::new();
    let mut shell = scene.sharer();
    shell.ask("updatelist");
    let found = shell.ask("find holiday");
    assert_eq!((&found[0]["publishers"], &found[0]["size"]), (&1.into(), &300_000.into()), "{found}");
    assert_eq!(found[0]["peers"][0], shell.peer().as_str());
    shell.quit().expect(0);
}

#[test]
fn peer_first_and_the_tracker_later() {
    let scene = Scene::new();
    let shared = scene.shared();
    let (scratch, point) = scene.lose_tracker();
    let mut shell = PipedShell::sharing(&shared, &point, &[]);
    shell.fails("find holiday");
    let (_tracker, again) = tracker_on(place(&point), &scratch.path().join("tracker"), &[]);
    assert_eq!(again, point);
    shell.process.word("it is registered", |line| line.contains("registered at") && line.contains(&point));
    until_found(&mut shell, "holiday");
    // What failed is no failure of the last word, but the shell's end tells of it.
    shell.quit().expect(5);
}

#[test]
fn getload_is_nothing_and_then_counts_a_transfer_that_runs() {
    let scene = Scene::new();
    write(&scene.shared().join("large"), random(3_000_000, 2));
    let (mut one, mut two, mut asker) = (scene.sharer(), scene.other(), scene.other());
    let address = one.address();
    let ask = format!("getload {address}");
    assert_eq!(asker.ask(&ask)["uploads"], 0);
    one.ask("updatelist");
    one.ask("limit up 100KB");
    let id = two.ask("find large")[0]["content"].as_str().unwrap().to_owned();
    let to = scene.path("to");
    two.say(&format!("download {id} {}", to.display()));
    asker.until("a transfer is counted", &ask, |load| load["uploads"].as_u64() > Some(0));
    // What a peer has and what it counts is asked the same way.
    let found = asker.ask(&format!("where {id} 0 {address}"));
    assert_eq!((&found[0]["peer"], &found[0]["has"]), (&address.as_str().into(), &true.into()), "{found}");
    assert!(asker.ask(&format!("counters {address}"))["chunks_sent"].is_u64());
    assert_eq!(asker.ask(&format!("ls {address}")).as_array().unwrap().len(), 2);
    assert_eq!(asker.ask(&format!("ping {address} 1"))["received"], 1);
}

/// Whether a list of peers, in which a tracker may stand too, names one.
fn names(peers: &Value, peer: &str) -> bool {
    peers.as_array().unwrap().iter().any(|it| it["peer"] == peer)
}

#[test]
fn two_peers_see_each_other() {
    let scene = Scene::new();
    write(&scene.shared().join("large"), random(3_000_000, 2));
    let (mut one, mut two) = (scene.sharer(), scene.other());
    one.ask("updatelist");
    // Complete peers have no use for each other, so it takes its time.
    one.ask("limit up 50KB");
    let (first, second) = (one.peer(), two.peer());
    two.say(&format!("download large {}", scene.path("to").display()));
    one.until("the other is a peer", "peers", |peers| names(peers, &second));
    let map = one.ask("topo");
    let edges = &map["links"];
    let joins = |edge: &Value| {
        let ends = [&edge["a"], &edge["b"]];
        ends.iter().any(|end| **end == first.as_str()) && ends.iter().any(|end| **end == second.as_str())
    };
    assert!(edges.as_array().unwrap().iter().any(joins), "{edges}");
    // Ctrl-C ends the word, not the shell and not the download.
    two.process.interrupt();
    two.process.word("it goes on", |line| line.contains("the node goes on fetching"));
    assert!(names(&two.ask("peers"), &first));
    two.until("it is fetching", "ls", |all| {
        all.as_array().is_some_and(|all| all.iter().any(|it| it["state"] == "fetching"))
    });
    two.quit().expect(3);
}

#[test]
fn updatelist_shares_what_is_new_and_tells_the_tracker_at_once() {
    let scene = Scene::new();
    let mut shell = scene.sharer();
    assert_eq!(shell.ask("updatelist")["contents"], 1);
    write(&scene.shared().join("another one"), "x");
    let updated = shell.ask("updatelist");
    assert_eq!(updated["contents"], 2, "{updated}");
    assert_eq!(updated["trackers"][0], scene.point.as_str());
    // Not sooner or later: the tracker knows it when the word has ended.
    assert_eq!(shell.ask("find 'another one'")[0]["size"], 1);
}

#[test]
fn find_takes_a_part_of_a_name_and_says_if_there_is_none() {
    let scene = Scene::new();
    let (mut one, mut two) = (scene.sharer(), scene.other());
    until_found(&mut one, "holiday");
    assert_eq!(two.ask("find OLID")[0]["name"], "holiday");
    let words = two.fails("find nothing\u{1b}[2J");
    assert!(words.contains("no published name contains") && !words.contains('\u{1b}'), "{words}");
    assert!(two.fails("find").contains("usage: find NAME"));
    assert!(two.fails("fnid x").contains("no word 'fnid'"));
    // The last failure is what the shell ends with.
    two.quit().expect(2);
}

#[test]
fn download_takes_a_name_or_an_id() {
    let scene = Scene::new();
    let (mut one, mut two) = (scene.sharer(), scene.other());
    let found = until_found(&mut one, "holiday");
    let to = scene.path("to");
    let got = two.ask(&format!("download holiday '{}'", to.display()));
    assert_eq!(
        (&got["complete"], got["path"].as_str()),
        (&true.into(), to.join("holiday").to_str()),
        "{got}"
    );
    assert_eq!(fs::read(to.join("holiday")).unwrap(), fs::read(scene.shared().join("holiday")).unwrap());
    let id = found[0]["content"].as_str().unwrap();
    let mut three = scene.other();
    let again = scene.path("again");
    three.ask(&format!("download {id} {}", again.display()));
    assert_eq!(fs::read(again.join("holiday")).unwrap(), fs::read(scene.shared().join("holiday")).unwrap());
    assert!(three.fails("download nothing-like-that").contains("nothing-like-that"));
}

/// Starts the tracker again with an empty table while the one that shares cannot notice; another one asks.
fn forgotten(scene: Scene) -> (TempDir, Process, PipedShell, PipedShell) {
    let (mut one, mut two) = (scene.sharer(), scene.other());
    one.ask("updatelist");
    until_found(&mut two, "holiday");
    one.process.signal(Signal::STOP);
    let (scratch, point) = scene.lose_tracker();
    let data = scratch.path().join("tracker");
    fs::remove_file(data.join("tracker.redb")).unwrap();
    let (tracker, again) = tracker_on(place(&point), &data, &[]);
    assert_eq!(again, point, "the key is its address");
    (scratch, tracker, one, two)
}

#[test]
fn a_tracker_that_forgot_finds_nothing_before_anybody_renews() {
    let (_scratch, _tracker, _one, mut two) = forgotten(Scene::new());
    let error = shoal_tests::eventually("the tracker answers", || {
        let error = two.fails("find holiday");
        error.contains("no published name").then_some(error)
    });
    assert!(error.contains("'holiday'"), "{error}");
}

#[test]
fn after_updatelist_a_tracker_that_forgot_finds_it_again() {
    let (_scratch, _tracker, mut one, mut two) = forgotten(Scene::new());
    one.process.signal(Signal::CONT);
    one.ask("updatelist");
    // No waiting: it would be renewed by itself in half a minute.
    let found = one.ask("find holiday");
    assert_eq!(found[0]["publishers"], 1, "{found}");
    until_found(&mut two, "holiday");
}

#[test]
fn of_two_holders_one_of_which_is_killed_find_names_the_other() {
    let scratch = tempfile::tempdir().unwrap();
    // Whoever is gone is forgotten after six seconds.
    let short = ["--min-ttl", "6s", "--default-ttl", "6s", "--max-ttl", "6s"];
    let (_tracker, point) = tracker_on(LOOPBACK, &scratch.path().join("tracker"), &short);
    let share = |name: &str| {
        let folder = scratch.path().join(name);
        write(&folder.join("holiday"), random(50_000, 1));
        PipedShell::sharing(&folder, &point, &[])
    };
    let (mut one, two) = (share("one"), share("two"));
    one.until("both are named", "find holiday", |found| found[0]["publishers"] == 2);
    two.process.kill();
    let left = one.until("one is left", "find holiday", |found| found[0]["publishers"] == 1);
    assert_eq!(left[0]["peers"], serde_json::json!([one.peer()]), "{left}");
}

#[test]
fn a_file_that_is_added_while_it_runs_is_found() {
    let scene = Scene::new();
    let (mut one, mut two) = (scene.sharer(), scene.other());
    assert!(two.try_ask("find later").is_err());
    write(&scene.shared().join("later"), "added");
    let found = until_found(&mut two, "later");
    assert_eq!(found[0]["size"], 5, "{found}");
    let contents = one.ask("ls");
    assert!(
        contents.as_array().unwrap().iter().any(|it| it["name"] == "later" && it["shared"] == true),
        "{contents}"
    );
}

#[test]
fn a_payload_is_left_with_the_tracker_and_registering_can_be_undone() {
    let scene = Scene::new();
    let (mut one, mut two) = (scene.sharer(), scene.other());
    let kept = one.ask("payload put 'release 7 is out'");
    let id = kept["id"].as_str().unwrap();
    assert_eq!(two.ask(&format!("payload get {id}"))["text"], "release 7 is out");
    one.ask("updatelist");
    assert_eq!(one.ask("deregister")["trackers"], serde_json::json!([]));
    shoal_tests::eventually("it is not found any more", || {
        two.try_ask("find holiday").is_err().then_some(())
    });
    assert_eq!(one.ask("register")["trackers"][0], scene.point.as_str());
    until_found(&mut two, "holiday");
}

fn data(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_own_node_with_a_data_folder_is_the_same_peer_again() {
    let scene = Scene::new();
    let folder = scene.path("node");
    let start = || PipedShell::at(&scene.point, &["--data", data(&folder)]);
    let mut shell = start();
    let peer = shell.peer();
    let path = scene.shared().join("holiday");
    let ticket = shell.ask(&format!("share {}", path.display()))["ticket"].clone();
    assert!(ticket.as_str().unwrap().starts_with("shoal1"));
    shell.quit().expect(0);
    let mut again = start();
    assert_eq!(again.peer(), peer);
    again.until("it is served again", "status holiday", |content| content["state"] == "serving");
}
