//! A node that stays, and the commands that use it.

use std::fs;

use serde_json::Value;
use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::node::RunningNode;
use shoal_tests::process::{Process, Signal, command, get, share, shoal};

/// The one content of a node.
fn only(node: &RunningNode) -> Value {
    let status = node.status();
    assert_eq!(status["contents"].as_array().unwrap().len(), 1, "{status}");
    status["contents"][0].clone()
}

#[test]
fn what_is_shared_by_the_node_is_served_after_the_command_and_after_a_restart() {
    let scratch = tempfile::tempdir().unwrap();
    let (data, file) = (scratch.path().join("node"), scratch.path().join("file"));
    write(&file, random(1_000_000, 1));
    let node = RunningNode::start(&data, &[]);
    let shared = node.run(["share", file.to_str().unwrap()]).expect(0);
    assert!(shared.stdout.starts_with("shoal1") && shared.stderr.contains("a node is running"), "{shared:?}");
    let fetched = |source: &str, dir: &str, more: &[&str]| {
        let to = scratch.path().join(dir);
        get(source, &to, more).end().expect(0);
        assert_eq!(fs::read(to.join("file")).unwrap(), fs::read(&file).unwrap());
    };
    fetched(&shared.stdout, "one", &[]);
    let (peer, content) = (node.said["peer"].clone(), only(&node)["content"].as_str().unwrap().to_owned());
    node.end().expect(0);
    let node = RunningNode::start(&data, &[]);
    assert_eq!(node.said["peer"], peer);
    fetched(&content, "two", &["--peer", &node.address()]);
}

#[test]
fn get_leaves_it_to_the_node_and_ctrl_c_does_not_stop_that() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(2_000_000, 1));
    let (_seed, ticket) = share(&file, &["--limit-up", "500KB"]);
    let node = RunningNode::start(&scratch.path().join("node"), &[]);
    let to = scratch.path().join("to");
    let args = ["get", &ticket, "--json", "-o", to.to_str().unwrap()];
    let getter = Process::spawn(node.command(args));
    eventually("the node has some of it", || {
        let status = node.status();
        status["contents"][0]["done"].as_u64().filter(|done| *done > 0)
    });
    getter.interrupt();
    let ended = getter.end().expect(3);
    assert!(ended.stderr.contains("the node goes on fetching"), "{}", ended.stderr);
    // The same command follows it again, to its end.
    let got = node.run(args).expect(0);
    assert_eq!(
        (&got.json()["complete"], got.json()["path"].as_str()),
        (&true.into(), to.join("file").to_str())
    );
    assert_eq!(fs::read(to.join("file")).unwrap(), fs::read(&file).unwrap());
    assert_eq!(only(&node)["state"], "serving");
}

#[test]
fn in_the_background_get_ends_at_once_and_a_download_is_paused_resumed_and_removed() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(2_000_000, 1));
    let (_seed, ticket) = share(&file, &["--limit-up", "500KB"]);
    let node = RunningNode::start(&scratch.path().join("node"), &[]);
    let to = scratch.path().join("to");
    let got = node.run(["get", &ticket, "--background", "--json", "-o", to.to_str().unwrap()]).expect(0);
    assert_eq!(got.json()["complete"], false);
    let id = got.json()["content"].as_str().unwrap().to_owned();
    assert_eq!(node.run(["pause", &id[..20], "--json"]).expect(0).json()["state"], "paused");
    // A download that is paused does not come; who follows it is told.
    let paused = node.run(["get", &ticket, "-o", to.to_str().unwrap()]).expect(3);
    assert!(paused.stderr.contains("paused") && paused.stderr.contains("shoal resume"), "{}", paused.stderr);
    node.run(["resume", &id]).expect(0);
    eventually("it is complete", || (only(&node)["complete"] == true).then_some(()));
    node.run(["rm", "file"]).expect(0);
    assert!(node.run(["ls", "--json"]).expect(0).stdout.is_empty());
    assert!(to.join("file").exists(), "files stay");
    let unknown = node.run(["pause", "file"]).expect(1);
    assert!(unknown.stderr.contains("no content of the library is named 'file'"), "{}", unknown.stderr);
}

#[test]
fn commands_use_a_node_of_their_own_when_told_or_when_an_option_means_it() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(100_000, 1));
    let (_seed, ticket) = share(&file, &[]);
    let node = RunningNode::start(&scratch.path().join("node"), &[]);
    for (n, more) in
        [&["--standalone"] as &[_], &["--listen", "/ip4/127.0.0.1/tcp/0"]].into_iter().enumerate()
    {
        let to = scratch.path().join(n.to_string());
        let got = node.run([&["get", &ticket, "-o", to.to_str().unwrap()], more].concat()).expect(0);
        assert_eq!(
            got.stderr.contains("--listen means nothing to the running node"),
            n == 1,
            "{}",
            got.stderr
        );
        assert_eq!(fs::read(to.join("file")).unwrap(), fs::read(&file).unwrap());
    }
    assert!(node.status()["contents"].as_array().unwrap().is_empty());
}

#[test]
fn without_a_node_what_needs_one_says_how_to_start_it() {
    for args in
        [&["status"] as &[_], &["peers"], &["ls"], &["pause", "x"], &["limit"], &["topo"], &["counters"]]
    {
        let ended = shoal(args).expect(1);
        assert!(ended.stdout.is_empty(), "{args:?}");
        assert!(
            ended.stderr.contains("no shoal node is running") && ended.stderr.contains("shoal node"),
            "{args:?}"
        );
    }
    let log = shoal(["log"]).expect(1);
    assert!(
        log.stderr.contains("no shoal node is running") && log.stderr.contains("--activity-log"),
        "{}",
        log.stderr
    );
    shoal(["get", "bafyreiezm75kpio3ghj3azmmk3wbrynpmgjhqfgppqn5kqg73zjzc57gke", "--background"]).expect(1);
}

#[test]
fn limits_hold_after_a_restart() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("node");
    let node = RunningNode::start(&data, &["--limit-up", "2MB"]);
    assert_eq!(node.run(["limit", "--json"]).expect(0).json()["up"], 2_000_000);
    assert_eq!(
        node.run(["limit", "--up", "none", "--down", "8mbit", "--json"]).expect(0).json()["down"],
        1_000_000
    );
    node.end().expect(0);
    let node = RunningNode::start(&data, &["--limit-up", "2MB"]);
    let limits = node.run(["limit", "--json"]).expect(0).json();
    assert_eq!((&limits["up"], &limits["down"]), (&Value::Null, &1_000_000.into()), "{limits}");
}

#[test]
fn two_nodes_never_use_one_folder_and_a_configuration_is_checked() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("node");
    let node = RunningNode::start(&data, &[]);
    let second = Process::spawn(RunningNode::prepared(&data, &[])).end().expect(1);
    assert!(second.stderr.contains("another shoal node uses"), "{}", second.stderr);
    node.process.signal(Signal::TERM);
    node.process.end().expect(0);
    let file = scratch.path().join("c.toml");
    write(&file, "[limits]\nlimit-up = 'fast'\n");
    let wrong =
        Process::spawn(command("shoal", ["node", "--config", file.to_str().unwrap()])).end().expect(2);
    assert!(wrong.stderr.contains("line 2") && wrong.stderr.contains("limit-up"), "{}", wrong.stderr);
}

#[test]
fn a_node_shares_each_file_of_a_folder_also_those_that_come_later() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = scratch.path().join("shared");
    for name in ["one", "two"] {
        write(&shared.join(name), name);
    }
    let node = RunningNode::start(&scratch.path().join("node"), &["--share-dir", shared.to_str().unwrap()]);
    let names = || -> Vec<String> {
        let status = node.status();
        let all = status["contents"].as_array().unwrap().iter();
        let mut names: Vec<_> = all.filter_map(|it| it["name"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    };
    eventually("both are shared", || (names() == ["one", "two"]).then_some(()));
    write(&shared.join("three"), "three");
    eventually("the third is too", || (names() == ["one", "three", "two"]).then_some(()));
    assert!(node.status()["contents"].as_array().unwrap().iter().all(|it| it["public"] == true));
}
