//! Networks without a tracker: a content's id, and an address of some running node, are enough.

use std::path::Path;

use libp2p::identity::Keypair;
use shoal_content::Ticket;
use shoal_testing::{bytes, kad};
use shoal_tests::eventually;
use shoal_tests::files::{random, tree, write};
use shoal_tests::hash_table::FalseProviders;
use shoal_tests::node::RunningNode;
use shoal_tests::process::{LOOPBACK, Process, command, get, share};
use shoal_tests::stranger::Stranger;

/// A content of its own in a file.
fn content(at: &Path, seed: u64) {
    write(at, random(300_000, seed));
}

/// Shares a file that a network is told of by the node at an address; returns its id.
fn share_by(file: &Path, bootstrap: &str) -> (Process, String) {
    let (process, ticket) = share(file, &["--bootstrap", bootstrap]);
    let ticket: Ticket = ticket.parse().unwrap();
    (process, ticket.content.to_string())
}

/// Nodes, of which each knows the one before the middle of those before it, so that no two leaves know the same ones.
fn network(scratch: &Path, size: usize) -> Vec<RunningNode> {
    let mut nodes: Vec<RunningNode> = vec![];
    for n in 0..size {
        let data = scratch.join(format!("node{n}"));
        std::fs::create_dir(&data).unwrap();
        let known = n.checked_sub(1).map(|before| nodes[before / 2].address());
        let options = known.iter().flat_map(|address| ["--bootstrap", address]).collect::<Vec<_>>();
        nodes.push(RunningNode::start(&data, &options));
    }
    nodes
}

/// Waits until a node knows so many of the network.
fn knows(node: &RunningNode, peers: u64) {
    eventually("the node knows others", || {
        let status = node.status();
        status["node"]["without_tracker"]["dht_peers"].as_u64().filter(|known| *known >= peers)
    });
}

#[test]
fn in_a_network_of_twenty_getter_and_provider_know_different_nodes() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 1);
    let nodes = network(scratch.path(), 18);
    knows(&nodes[17], 3);
    let (_seed, id) = share_by(&file, &nodes[17].address());
    let to = scratch.path().join("to");
    let got = get(&id, &to, &["--bootstrap", &nodes[16].address(), "--wait", "50s"]).end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")), "{}", got.stderr);
    let status = nodes[17].status();
    assert_eq!(status["node"]["without_tracker"]["dht"], "near server", "{status}");
}

#[test]
fn a_network_goes_on_without_its_first_node() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 2);
    let mut nodes = network(scratch.path(), 5);
    nodes.iter().for_each(|node| knows(node, 3));
    nodes.remove(0).process.kill();
    let (_seed, id) = share_by(&file, &nodes[0].address());
    let to = scratch.path().join("to");
    get(&id, &to, &["--bootstrap", &nodes[3].address(), "--wait", "50s"]).end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")));
}

#[test]
fn a_node_that_is_started_again_knows_whom_it_met() {
    let scratch = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| scratch.path().join(name));
    content(&first, 3);
    content(&second, 4);
    let nodes = network(scratch.path(), 3);
    // One that keeps its data in a library, and one that keeps peers in the user's state folder.
    let data = scratch.path().join("node2");
    let (_seed, id) = share_by(&first, &nodes[0].address());
    let state = scratch.path().join("state");
    let by_memory = |id: &str, to: &Path, more: &[&str]| {
        let to = to.to_str().unwrap();
        let args = ["get", id, "-o", to, "--listen", LOOPBACK, "--wait", "50s"];
        let mut command = command("shoal", [&args, more].concat());
        command.env("SHOAL_STATE", &state);
        Process::spawn(command).end().expect(0)
    };
    let to = scratch.path().join("to");
    by_memory(&id, &to, &["--bootstrap", &nodes[0].address()]);
    assert!(state.join("peers.json").is_file());
    knows(&nodes[2], 2);
    let mut nodes = nodes;
    nodes.pop().unwrap().end().expect(0);
    // Where it began is gone for good.
    nodes.remove(0).process.kill();
    let again = RunningNode::start(&data, &[]);
    knows(&again, 1);
    let (_seed, id) = share_by(&second, &again.address());
    by_memory(&id, &to, &[]);
    assert_eq!(tree(&second), tree(&to.join("second")));
}

/// The content's key is surrounded by peers that say that they have it, and have nothing.
#[tokio::test(flavor = "multi_thread")]
async fn false_providers_hold_nobody_up_for_good() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 5);
    let nodes = network(scratch.path(), 4);
    knows(&nodes[3], 2);
    let (_seed, id) = share_by(&file, &nodes[1].address());
    let _liars = FalseProviders::start(12, &nodes[0].address(), id.parse().unwrap()).await;
    tokio::task::block_in_place(|| {
        let to = scratch.path().join("to");
        get(&id, &to, &["--bootstrap", &nodes[2].address(), "--wait", "50s"]).end().expect(0);
        assert_eq!(tree(&file), tree(&to.join("file")));
    });
}

#[test]
fn an_id_and_one_known_peer_are_enough() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 6);
    let (_seed, ticket) = share(&file, &["--dht", "off"]);
    let ticket: Ticket = ticket.parse().unwrap();
    let to = scratch.path().join("to");
    let peer = ticket.peers[0].to_string();
    get(&ticket.content.to_string(), &to, &["--peer", &peer, "--dht", "off"]).end().expect(0);
    assert_eq!(tree(&file), tree(&to.join("file")));
}

#[test]
fn nodes_that_speak_the_dht_under_another_name_are_not_seen() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 7);
    let nodes = network(scratch.path(), 2);
    let (_seed, id) = share_by(&file, &nodes[0].address());
    let to = scratch.path().join("to");
    let options = ["--bootstrap", &nodes[1].address(), "--dht-protocol", "/other/kad/1", "--wait", "5s"];
    let failed = get(&id, &to, &options).end().expect(5);
    assert!(failed.stderr.contains("peers of the DHT known: 0"), "{}", failed.stderr);
}

#[test]
fn in_a_star_nobody_is_asked_but_trackers() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    content(&file, 8);
    let nodes = network(scratch.path(), 2);
    let (_seed, id) = share_by(&file, &nodes[0].address());
    let to = scratch.path().join("to");
    let options = ["--bootstrap", &nodes[1].address(), "--topology", "star", "--wait", "5s"];
    let failed = get(&id, &to, &options).end().expect(5);
    assert!(failed.stderr.contains("neither a tracker"), "{}", failed.stderr);
}

/// What PROTOCOL.md shows is what a node understands and says.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_speaks_the_table_as_the_document_shows_it() {
    let scratch = tempfile::tempdir().unwrap();
    let node = RunningNode::start(scratch.path(), &[]);
    let mut secret = [7; 32];
    let provider = Keypair::ed25519_from_bytes(&mut secret).unwrap();
    let address = node.address();
    let mut provider = Stranger::connect_as(provider, &address, "/shoal/kad/1").await.unwrap();
    let none = provider.ask(bytes(kad::ADD_PROVIDER)).await;
    assert!(none.is_empty(), "it has no answer: {none:02x?}");
    let mut asker = Stranger::connect(&address, "/shoal/kad/1").await;
    let answer = asker.ask(bytes(kad::GET_PROVIDERS)).await;
    assert_eq!(answer, bytes(kad::PROVIDERS));
}
