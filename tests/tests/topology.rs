//! The map of the swarm, the ring, and a third of a network that vanishes at once.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use shoal_tests::chain::{chain, links};
use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::node::RunningNode;
use shoal_tests::process::shoal;

fn ids(nodes: &[RunningNode]) -> Vec<String> {
    nodes.iter().map(RunningNode::id).collect()
}

fn map(node: &RunningNode, more: &[&str]) -> Value {
    node.run([&["topo", "--json"], more].concat()).expect(0).json()
}

#[test]
fn the_map_of_a_line_is_that_line() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = scratch.path().join("shared");
    write(&shared.join("films"), random(300_000, 1));
    let nodes = chain(scratch.path(), 4, &shared);
    let ids = ids(&nodes);
    let content = eventually("it is shared", || {
        let found = nodes[0].run(["find", "films", "--json"]);
        (found.code == Some(0)).then(|| found.json()["content"].as_str().unwrap().to_owned())
    });
    let whole = map(&nodes[0], &[&content]);
    assert_eq!(links(&whole, &ids), [(0, 1), (1, 2), (2, 3)], "{whole}");
    let node = |map: &Value, n: usize| -> Value {
        let all = map["nodes"].as_array().unwrap();
        all.iter().find(|it| it["peer"] == ids[n].as_str()).cloned().unwrap_or_default()
    };
    for n in 0..4 {
        let it = node(&whole, n);
        assert_eq!(
            (&it["hops"], &it["own"], &it["load"]["uploads"]),
            (&n.into(), &(n == 0).into(), &0.into()),
            "{it}"
        );
        assert_eq!(it["answer_ms"].is_f64(), n > 0);
        assert_eq!(it["have"].is_u64(), n == 3, "{it}");
    }
    let seen = whole["links"].as_array().unwrap().iter().filter(|link| link["seen"] == true).count();
    assert_eq!(seen, 1, "what is not seen is said: {whole}");
    // Asking has changed nothing, and less is seen from less far.
    eventually("the map is the same again", || {
        (links(&map(&nodes[0], &[]), &ids) == [(0, 1), (1, 2), (2, 3)]).then_some(())
    });
    let near = map(&nodes[0], &["--hops", "1"]);
    assert_eq!(links(&near, &ids), [(0, 1), (1, 2)], "{near}");
    assert!(node(&near, 2)["load"].is_null() && node(&near, 3).is_null(), "{near}");
    assert_eq!(links(&map(&nodes[0], &["--hops", "0"]), &ids), [(0, 1)]);
    // From outside, beginning at the other end; who asks is not on the map.
    let outside = shoal(["topo", "--json", "--peer", &nodes[3].address()]).expect(0).json();
    assert_eq!(links(&outside, &ids), [(0, 1), (1, 2), (2, 3)], "{outside}");
    assert_eq!(outside["nodes"].as_array().unwrap().len(), 4, "{outside}");
    for (form, words) in [(&["topo"][..], "this node"), (&["topo", "--dot"], "graph shoal {")] {
        let text = nodes[1].run(form).expect(0).stdout;
        assert!(text.contains(words) && ids.iter().all(|id| text.contains(id)), "{text}");
    }
    graph_is_one(&nodes[1].run(["topo", "--dot"]).expect(0).stdout);
}

/// Gives the graph to Graphviz if that is here, and else reads it.
fn graph_is_one(text: &str) {
    let started = Command::new("dot").arg("-Tdot").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    match started {
        Ok(mut dot) => {
            dot.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
            assert!(dot.wait_with_output().unwrap().status.success(), "{text}");
        }
        Err(error) => {
            eprintln!("dot is not here ({error}): the graph is read by the test alone");
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some("graph shoal {"));
            let inner: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
            for line in &inner {
                let statement = line.strip_prefix("  ").and_then(|line| line.strip_suffix("];"));
                let quotes = statement.unwrap_or_else(|| panic!("{line}")).matches('"').count();
                assert!(quotes % 2 == 0, "{line}");
            }
            assert!(
                inner.iter().filter(|line| line.contains(" -- ")).count() >= 3 && lines.next().is_none(),
                "{text}"
            );
        }
    }
}

/// The ids of a node's neighbours on the ring that are connected, on one side, the nearest first.
fn side(node: &RunningNode, side: &str) -> Vec<String> {
    let map = map(node, &["--hops", "0"]);
    let ring = map["ring"].as_array().unwrap().iter();
    let of_side =
        ring.filter(|it| it["side"] == side && it["connected"] == true && it["round_trip_ms"].is_f64());
    of_side.map(|it| it["peer"].as_str().unwrap().to_owned()).collect()
}

/// The ids by their places: SHA-256 of the peer id, as a number.
fn in_order(nodes: &[RunningNode]) -> Vec<String> {
    let mut ids = ids(nodes);
    ids.sort_by_key(|id| {
        let peer: libp2p::PeerId = id.parse().unwrap();
        shoal_content::Hash::of(&peer.to_bytes())
    });
    ids
}

/// Waits until everybody holds the two before and the two behind it.
fn until_ring(nodes: &[RunningNode]) {
    let order = in_order(nodes);
    let count = order.len();
    for node in nodes {
        let at = order.iter().position(|id| *id == node.id()).unwrap();
        let wanted = |step: usize| [step, 2 * step].map(|by| order[(at + by) % count].clone());
        eventually("the ring is in order", || {
            let found = [side(node, "successor"), side(node, "predecessor")];
            (found == [wanted(1), wanted(count - 1)]).then_some(())
        });
    }
}

#[test]
fn nodes_that_know_one_member_find_their_places_and_close_the_ring_again() {
    let scratch = tempfile::tempdir().unwrap();
    let mut nodes: Vec<RunningNode> = Vec::new();
    for n in 0..7 {
        let first = nodes.first().map(RunningNode::address);
        let options: Vec<&str> = first.iter().flat_map(|address| ["--peer", address]).collect();
        nodes.push(RunningNode::start(&scratch.path().join(n.to_string()), &options));
    }
    until_ring(&nodes);
    // A neighbour that is killed gives its place to the next, also the one that all knew.
    let first = nodes.remove(0);
    first.process.kill();
    until_ring(&nodes);
}

/// The peers that a map reaches from its own node over connections, whoever tells of them.
fn component(map: &Value) -> BTreeSet<String> {
    let own = map["nodes"].as_array().unwrap().iter().find(|it| it["own"] == true).unwrap();
    let mut found = BTreeSet::from([own["peer"].as_str().unwrap().to_owned()]);
    loop {
        let before = found.len();
        for link in map["links"].as_array().unwrap() {
            let ends = [&link["a"], &link["b"]].map(|end| end.as_str().unwrap().to_owned());
            if ends.iter().any(|end| found.contains(end)) {
                found.extend(ends);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

#[test]
fn a_third_that_is_killed_at_once_leaves_the_others_connected_and_they_complete() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(6_000_000, 3));
    // The first one shares; everybody else knows only that one. No tracker.
    let seed = RunningNode::start(&scratch.path().join("seed"), &["--limit-up", "2MB"]);
    let ticket = seed.run(["share", file.to_str().unwrap()]).expect(0).stdout.trim().to_owned();
    let mut nodes = vec![seed];
    for n in 1..10 {
        let address = nodes[0].address();
        let node = RunningNode::start(&scratch.path().join(n.to_string()), &["--peer", &address]);
        let to = scratch.path().join(format!("to-{n}"));
        node.run(["get", &ticket, "--background", "-o", to.to_str().unwrap()]).expect(0);
        nodes.push(node);
    }
    let done = |node: &RunningNode| node.status()["contents"][0]["done"].as_u64().unwrap_or(0);
    eventually("all have some of it", || nodes[1..].iter().all(|node| done(node) > 0).then_some(()));
    // The three that have the most connections, but for the only one that has everything.
    let connections = |node: &RunningNode| node.status()["node"]["connections"].as_u64().unwrap();
    let mut order: Vec<usize> = (1..10).collect();
    order.sort_by_key(|n| std::cmp::Reverse(connections(&nodes[*n])));
    let mut gone: Vec<usize> = order[..3].to_vec();
    gone.sort_unstable();
    let (mut left, mut numbers, mut killed) = (Vec::new(), Vec::new(), Vec::new());
    for (n, node) in nodes.into_iter().enumerate() {
        if gone.contains(&n) {
            killed.push(node)
        } else {
            numbers.push(n);
            left.push(node)
        }
    }
    killed.into_iter().for_each(|node| node.process.kill());
    for (node, n) in left.iter().zip(&numbers).skip(1) {
        eventually("it is complete", || (node.status()["contents"][0]["complete"] == true).then_some(()));
        let got = fs::read(scratch.path().join(format!("to-{n}")).join("file")).unwrap();
        assert!(got == fs::read(&file).unwrap(), "{n}");
    }
    let wanted: BTreeSet<String> = ids(&left).into_iter().collect();
    for node in &left {
        eventually("the map is one piece", || {
            let map = map(node, &[]);
            (component(&map) == wanted).then_some(())
        });
    }
}
