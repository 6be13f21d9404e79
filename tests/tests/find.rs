//! Finding by name without a tracker: neighbours ask their neighbours.

use std::fs;
use std::path::Path;

use serde_json::Value;
use shoal_tests::chain::{ALONE, chain, until_connected};
use shoal_tests::eventually;
use shoal_tests::false_finder::FalseFinder;
use shoal_tests::files::{random, write};
use shoal_tests::node::RunningNode;
use shoal_tests::process::{Ended, Process, command, get, shoal};
use shoal_tests::shell::PipedShell;
use shoal_tests::third_party::ThirdParty;

/// The results, one on each line.
fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Waits until a node finds a name at a distance.
fn until_found(node: &RunningNode, name: &str, hops: &str) -> Vec<Value> {
    eventually("it is found", || {
        let found = node.run(["find", name, "--hops", hops, "--json"]);
        (found.code == Some(0)).then(|| lines(&found))
    })
}

fn shared(scratch: &Path) -> std::path::PathBuf {
    let shared = scratch.join("shared");
    write(&shared.join("holiday films"), random(300_000, 1));
    shared
}

#[test]
fn a_name_is_found_as_far_away_as_is_asked_and_no_farther() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let nodes = chain(scratch.path(), 4, &shared);
    let found = until_found(&nodes[0], "HOLIDAY", "3");
    assert_eq!(
        (found.len(), &found[0]["name"], &found[0]["size"]),
        (1, &"holiday films".into(), &300_000.into())
    );
    assert_eq!((&found[0]["peers"][0], &found[0]["told_by"][0]), (&nodes[3].id().into(), &"peers".into()));
    assert!(found[0]["addresses"][0].as_str().unwrap().ends_with(&nodes[3].id()));
    for hops in ["1", "2"] {
        let none = nodes[0].run(["find", "holiday", "--hops", hops]).expect(1);
        assert!(none.stderr.contains("no published name contains 'holiday'"), "{hops}: {}", none.stderr);
    }
    // Without a node of one's own, beginning at a peer: it is one connection farther then.
    let from = |peer: &str, hops: &str| shoal(["find", "films", "--peer", peer, "--hops", hops, "--json"]);
    let first = nodes[0].address();
    assert_eq!(lines(&from(&first, "4").expect(0))[0]["content"], found[0]["content"]);
    from(&first, "3").expect(1);
    // What was found is fetched by its id and a place that was told.
    let to = scratch.path().join("to");
    let (id, place) = (found[0]["content"].as_str().unwrap(), found[0]["addresses"][0].as_str().unwrap());
    get(id, &to, &["--peer", place]).end().expect(0);
    assert_eq!(fs::read(to.join("holiday films")).unwrap(), fs::read(shared.join("holiday films")).unwrap());
}

#[test]
fn the_shell_downloads_by_a_name_that_only_peers_know() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let nodes = chain(scratch.path(), 3, &shared);
    until_found(&nodes[0], "holiday", "2");
    let (to, dir) = (scratch.path().join("to"), scratch.path().join("0"));
    // The shell uses the first node.
    let mut shell = command("shoal", ["shell", "--json"]);
    shell.env("SHOAL_SOCKET", dir.join("node.sock"));
    let mut shell = PipedShell::of(shell);
    assert_eq!(shell.ask("find holiday 2")[0]["name"], "holiday films");
    assert!(shell.fails("find holiday 1").contains("no published name"));
    assert!(shell.fails("find holiday many").contains("hops are from 0 to 8"));
    let got = shell.ask(&format!("download 'holiday films' {}", to.display()));
    assert_eq!(got["complete"], true, "{got}");
    assert_eq!(fs::read(to.join("holiday films")).unwrap(), fs::read(shared.join("holiday films")).unwrap());
    let map = shell.ask("topo 'holiday films'");
    let has = |id: String| {
        map["nodes"].as_array().unwrap().iter().find(|it| it["peer"] == id.as_str()).unwrap()["have"].clone()
    };
    assert!(has(nodes[2].id()).as_u64() > Some(0) && has(nodes[1].id()).is_null(), "{map}");
    shell.quit();
}

/// How often `find` was answered, by the activity log of a node.
fn answered(log: &Path) -> usize {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().filter(|line| line.contains("\"answered\"") && line.contains("\"find\"")).count()
}

#[test]
fn in_a_circle_a_question_comes_to_an_end() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let log = |n: usize| scratch.path().join(format!("{n}.log"));
    let mut nodes: Vec<RunningNode> = Vec::new();
    for n in 0..5 {
        let (before, first) =
            (nodes.last().map(RunningNode::address), nodes.first().map(RunningNode::address));
        let log = log(n);
        let mut options = ALONE.to_vec();
        options.extend(["--activity-log", log.to_str().unwrap()]);
        options.extend(before.iter().flat_map(|address| ["--peer", address]));
        if n == 4 {
            options.extend(first.iter().flat_map(|address| ["--peer", address]));
        }
        if n == 2 {
            options.extend(["--share-dir", shared.to_str().unwrap()]);
        }
        nodes.push(RunningNode::start(&scratch.path().join(n.to_string()), &options));
    }
    (0..5).for_each(|n| until_connected(&nodes[n], &nodes[(n + 1) % 5].id()));
    until_found(&nodes[0], "holiday", "8");
    // Nothing is under way any more: the answer is here.
    let before: usize = (0..5).map(|n| answered(&log(n))).sum();
    let found = lines(&nodes[0].run(["find", "holiday", "--hops", "8", "--json"]).expect(0));
    assert_eq!(found.len(), 1, "both ways round it is the same: {found:?}");
    let asked = eventually("it is written down", || {
        let now: usize = (0..5).map(|n| answered(&log(n))).sum();
        (now > before).then_some(now - before)
    });
    // Five connections, each passed in both directions at most.
    assert!(asked <= 10, "{asked}");
    // The log of the running node needs no name.
    let told = nodes[0].run(["log", "--event", "connected"]).expect(0);
    assert!(told.stdout.contains(&nodes[1].id()), "{}", told.stdout);
}

#[test]
fn what_is_not_public_is_told_nobody_and_names_move_no_cursor() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let nodes = chain(scratch.path(), 2, &shared);
    until_found(&nodes[0], "", "1");
    let secret = scratch.path().join("secret");
    write(&secret, "x");
    nodes[1].run(["share", secret.to_str().unwrap()]).expect(0);
    let found = lines(&nodes[0].run(["find", "", "--json"]).expect(0));
    assert!(found.iter().all(|it| it["name"] != "secret"), "{found:?}");
    let evil = "no\u{1b}[2J\u{202e}such";
    let none = nodes[0].run(["find", evil]).expect(1);
    assert!(!none.stderr.contains('\u{1b}') && !none.stderr.contains('\u{202e}'), "{}", none.stderr);
    let long = "n".repeat(256);
    assert!(nodes[0].run(["find", &long]).expect(1).stderr.contains("no name is longer than 255 bytes"));
}

#[test]
fn without_anybody_to_ask_find_says_what_to_do() {
    let ended = Process::start("shoal", ["find", "x"]).end().expect(5);
    assert!(ended.stderr.contains("--peer") && ended.stderr.contains("--rendezvous"), "{}", ended.stderr);
    let nobody = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooW9pP4Seg3kZYhySpuVjn1RPdQBsUFZKiFxGMGQN5MeL6A";
    shoal(["find", "x", "--peer", nobody]).expect(5);
    shoal(["topo", "--peer", nobody]).expect(5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_finds_what_does_not_exist_hides_nothing_and_leads_nobody_away() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let third = ThirdParty::listen().await;
    let false_one = FalseFinder::start("holiday films", &third.tcp).await;
    // An answer that nobody may give: the name would be words to a terminal.
    let broken = FalseFinder::start("holiday\u{1b}[2J", &third.tcp).await;
    let (told, worthless) = (false_one.address.to_string(), broken.address.to_string());
    let nodes = tokio::task::block_in_place(|| {
        let seed = RunningNode::start(
            &scratch.path().join("seed"),
            &[&ALONE[..], &["--share-dir", shared.to_str().unwrap()]].concat(),
        );
        let address = seed.address();
        let more = ["--peer", &address, "--peer", &told, "--peer", &worthless];
        let asking = RunningNode::start(&scratch.path().join("asking"), &[&ALONE[..], &more].concat());
        [seed, asking]
    });
    let [seed, asking] = &nodes;
    tokio::task::block_in_place(|| {
        let honest = seed.id();
        eventually("all three have said what they speak", || {
            let peers = lines(&asking.run(["peers", "--json"]).expect(0));
            let known = peers.iter().filter(|peer| peer["agent"].is_string()).count();
            (known == 3).then_some(())
        });
        // Claims come in turns, so that one neighbour's do not push out another's.
        let found = lines(&asking.run(["find", "holiday", "--json"]).expect(0));
        let (right, count) = (found.iter().find(|it| it["size"] == 300_000).unwrap(), found.len());
        assert!((2..=50).contains(&count), "{count}");
        assert_eq!(right["peers"], serde_json::json!([honest]));
        let plain = asking.run(["find", "holiday"]).expect(0);
        assert!(!plain.stdout.contains('\u{1b}') && !plain.stderr.contains('\u{1b}'));
        let to = scratch.path().join("to");
        let (id, place) = (right["content"].as_str().unwrap(), right["addresses"][0].as_str().unwrap());
        asking.run(["get", id, "-o", to.to_str().unwrap(), "--peer", place]).expect(0);
        assert_eq!(
            fs::read(to.join("holiday films")).unwrap(),
            fs::read(shared.join("holiday films")).unwrap()
        );
    });
    assert_eq!(third.bothered().attempts(), 0, "what is only told is not dialled");
}
