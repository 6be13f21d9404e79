//! The store, with real nodes: contents outlive those who gave them and those who kept them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use shoal_tests::clock::{Clock, YEAR, no_clock};
use shoal_tests::files::{random, tree, write};
use shoal_tests::node::RunningNode;
use shoal_tests::process::{Signal, shoal};
use shoal_tests::store_network::{KEEPER, RunningStore, keepers, stored};
use shoal_tests::{eventually, eventually_or};

/// Only one network at a time: several keep a small machine so busy that nodes take each other for dead.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder with a large file and a small one.
fn folder(place: &Path) -> std::path::PathBuf {
    let folder = place.join("album");
    write(&folder.join("large.bin"), random(3 << 20, 1));
    write(&folder.join("small.txt"), b"some words");
    folder
}

/// Has the network keep a folder by a node that goes then. Returns the content's id.
fn placed(network: &RunningStore, folder: &Path) -> String {
    let owner = network.guest("owner");
    let said = owner.run(["store", folder.to_str().unwrap(), "--json"]).expect(0).json();
    owner.process.kill();
    said["content"].as_str().expect("an id").to_owned()
}

/// Fetches by a node of the command's own, and compares.
fn request_and_compare(address: &str, what: &str, into: &Path, folder: &Path) {
    shoal(["request", what, "-o", into.to_str().unwrap(), "--peer", address]).expect(0);
    assert_eq!(tree(&into.join("album")), tree(folder));
}

#[test]
fn a_content_is_whole_after_seven_of_ten_nodes_were_killed() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let mut network = RunningStore::start(place.path(), 10);
    let content = placed(&network, &folder);
    // Two of the three that keep it at a time.
    for count in [2, 2, 2, 1] {
        let holders = network.until_kept(&content, 3, &format!("three of {:?} keep it", network.running()));
        holders[..count].iter().for_each(|number| network.kill(*number));
    }
    let left = network.until_kept(&content, 3, "all that are left keep it");
    assert_eq!(left, network.running());
    let address = network.node(left[0]).address();
    request_and_compare(&address, &content, &place.path().join("by id"), &folder);
    request_and_compare(&address, "album", &place.path().join("by name"), &folder);
}

#[test]
fn it_is_handed_over_by_each_that_goes_and_outlives_a_restart_of_all() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let mut network = RunningStore::start(place.path(), 6);
    let content = placed(&network, &folder);
    // Those who keep it go one after the other, and it is always kept.
    let first = network.until_kept(&content, 3, "three keep it");
    for number in first {
        if network.holders(&content).contains(&number) {
            let ended = network.end(number).expect(0);
            assert!(ended.stderr.contains("handed over: 1 of 1"), "{}", ended.stderr);
        } else {
            // Its copy went to a nearer one meanwhile.
            network.end(number).expect(0);
        }
        assert!(network.holders(&content).len() >= 3, "it was not handed over before {number} went");
    }
    network.join();
    network.join();
    network.until_kept(&content, 3, "three keep it after two joined");

    let all = network.running();
    let ending: Vec<_> = all.iter().map(|number| network.take(*number)).collect();
    ending.into_iter().for_each(|process| process.kill());
    all.iter().for_each(|number| network.start_again(*number, &[]));
    let holders = network.until_kept(&content, 3, "three keep it after all were started again");
    let address = network.node(holders[0]).address();
    request_and_compare(&address, &content, &place.path().join("got"), &folder);
}

#[test]
fn nodes_that_say_they_keep_what_they_have_not_are_replaced() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let mut network = RunningStore::start(place.path(), 3);
    (0..3).for_each(|_| network.join_with(&["--store-hollow"]));
    // Whoever of the hollow ones says first that it has it, the owner waits for proofs.
    let content = placed(&network, &folder);
    let honest: Vec<String> = (0..3).map(|number| network.peer(number)).collect();
    eventually("the three honest ones keep it, and know that nobody else does", || {
        let knows = |number: usize| {
            let said = network.says(number, &content).filter(|it| it["state"] == "held")?;
            let others = said["holders"].as_array()?.clone();
            let right =
                others.len() == 2 && others.iter().all(|it| honest.iter().any(|peer| it == peer.as_str()));
            right.then_some(())
        };
        (0..3).all(|number| knows(number).is_some()).then_some(())
    });
    request_and_compare(&network.node(0).address(), &content, &place.path().join("got"), &folder);
}

#[test]
fn a_damaged_copy_is_seen_and_repaired() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let mut network = RunningStore::start(place.path(), 3);
    let content = placed(&network, &folder);
    network.until_kept(&content, 3, "three keep it");
    let store = network.home(1).join("store");
    network.kill(1);
    spoil(&store);
    // The others can place it nowhere else. This one reads what it has every two seconds.
    network.start_again(1, &["--store-verify", "2s"]);
    let copy = store.join(&content).join("album");
    eventually("it is whole again", || (tree(&copy) == tree(&folder)).then_some(()));
    eventually("it keeps it", || network.says(1, &content).filter(|it| it["state"] == "held").map(drop));
}

/// Changes bytes of every file, and nothing else that shows.
fn spoil(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            spoil(&path);
        } else {
            let mut bytes = fs::read(&path).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 1);
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn an_identity_that_runs_elsewhere_is_refused() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let mut network = RunningStore::start(place.path(), 2);
    let first = network.home(1).join("identity.key");
    let second = place.path().join("copy");
    fs::create_dir(&second).unwrap();
    fs::copy(first, second.join("identity.key")).unwrap();
    let ended = RunningNode::start(
        &second,
        &["--donate", "1MiB", "--store-ping", "250ms", "--peer", &network.node(0).address()],
    );
    let ended = ended.process.end().expect(1);
    assert!(ended.stderr.contains("another node with this identity"), "{}", ended.stderr);
    // The one that was first goes on.
    assert_eq!(network.node(1).status()["node"]["peer"], network.node(1).said["peer"]);
    assert!(network.end(1).stderr.is_empty() || network.running() == [0]);
}

/// A peer that heard it while its clock was ahead must not take it for two processes when it starts again.
#[test]
fn a_node_whose_clock_was_ahead_for_a_while_starts_again_by_the_right_time() {
    if let Some(why) = no_clock() {
        // Not by a macro, whose words the test harness would keep to itself.
        drop(writeln!(std::io::stderr(), "SKIPPED: {why}"));
        return;
    }
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let mut network = RunningStore::start(place.path(), 1);
    let clock = Clock::make(place.path()).unwrap();
    let data = place.path().join("jumps");
    let start = |known: &RunningNode| {
        let address = known.address();
        let args = [KEEPER, &["--peer", &address]].concat();
        RunningNode::of(&data, clock.wrong(RunningNode::prepared(&data, &args)))
    };
    let node = start(network.node(0));
    until_it_hears(network.node(0), 1);
    clock.set(YEAR).unwrap();
    // Whoever comes now hears it by that clock.
    network.join();
    until_it_hears(network.node(1), 2);
    node.process.kill();
    clock.set(0).unwrap();
    let again = start(network.node(1));
    until_it_hears(&again, 1);
    again.end().expect(0);
}

/// Waits until so many others have said hello to a node.
fn until_it_hears(node: &RunningNode, others: usize) {
    let hears = || (keepers(node)? >= others).then_some(());
    eventually_or("it hears others", hears, || node.process.errors());
}

#[test]
fn its_owner_alone_ends_it_and_too_large_ones_find_no_room() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let network = RunningStore::start(place.path(), 3);
    let owner = network.guest("owner");
    let said = owner.run(["store", folder.to_str().unwrap(), "--copies", "2", "--json"]).expect(0).json();
    let content = said["content"].as_str().unwrap();
    network.until_kept(content, 2, "two keep it");
    // What another one says changes nothing.
    let other = network.guest("other");
    eventually("the other one knows the store", || {
        let found = other.run(["request", content, "-o", place.path().join("other got").to_str().unwrap()]);
        (found.code == Some(0)).then_some(())
    });
    other.run(["drop", content]).expect(0);
    network.until_kept(content, 2, "two keep it still");
    owner.run(["drop", "album"]).expect(0);
    eventually("nobody keeps it", || {
        let none = network.running().iter().all(|number| network.says(*number, content).is_none());
        none.then_some(())
    });
    assert!(stored(&owner, content).is_none());
    eventually("nothing is left of it on their disks", || {
        let left = |number| fs::read_dir(network.home(number).join("store")).map_or(0, Iterator::count);
        (network.running().into_iter().map(left).sum::<usize>() == 0).then_some(())
    });
    // 64 MiB are given by each.
    let large = place.path().join("large");
    write(&large, random(65 << 20, 2));
    let mut placing = shoal_tests::process::Process::spawn(owner.command(["store", large.to_str().unwrap()]));
    placing.word("it waits for copies", |line| line.contains("0 of 3 copies"));
    placing.signal(Signal::INT);
    let ended = placing.end().expect(3);
    assert!(ended.stderr.contains("0 of 3 nodes keep it"), "{}", ended.stderr);
}

#[test]
fn nodes_that_meet_by_the_dht_alone_keep_a_content() {
    let _alone = alone();
    let place = tempfile::tempdir().unwrap();
    let folder = folder(place.path());
    let by_dht = ["--no-mdns", "--no-ring"];
    let mut nodes: Vec<RunningNode> = Vec::new();
    for number in 0..5 {
        let before = nodes.last().map(RunningNode::address);
        let mut options = [KEEPER, &by_dht].concat();
        options.extend(before.iter().flat_map(|address| ["--bootstrap", address]));
        nodes.push(RunningNode::start(&place.path().join(format!("node {number}")), &options));
    }
    let last = nodes[4].address();
    let options = [&["--store-ping", "250ms", "--bootstrap", &last], &by_dht[..]].concat();
    let owner = RunningNode::start(&place.path().join("owner"), &options);
    let said = owner.run(["store", folder.to_str().unwrap(), "--json"]).expect(0).json();
    owner.process.kill();
    let content = said["content"].as_str().expect("an id").to_owned();
    let holds = |node: &&RunningNode| stored(node, &content).is_some_and(|it| it["state"] == "held");
    eventually("three keep it", || (nodes.iter().filter(holds).count() == 3).then_some(()));
    let into = place.path().join("got");
    nodes[0].run(["request", &content, "-o", into.to_str().unwrap()]).expect(0);
    assert_eq!(tree(&into.join("album")), tree(&folder));
}
