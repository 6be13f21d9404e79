//! `shoal why` at a running node, and the node's figures.

use std::io::{Read, Write};
use std::net::TcpStream;

use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::node::RunningNode;

/// Waits until the node says that this is why a content does not come.
fn says(node: &RunningNode, content: &str, cause: &str) -> serde_json::Value {
    eventually(cause, || {
        let told = node.run(["why", content, "--json"]).expect(0).json();
        let first = told["contents"][0]["findings"][0].clone();
        (first["cause"] == cause).then_some(first)
    })
}

#[test]
fn a_node_says_why_a_content_does_not_come() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    let log = dir.join("node.log");
    let node = RunningNode::start(&dir.join("data"), &["--activity-log", log.to_str().unwrap()]);
    let id = shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"nobody has it")).to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (to, peer) = (dir.join("to"), format!("/ip4/127.0.0.1/tcp/{port}"));
    node.run(["get", &id, "--background", "-o", to.to_str().unwrap(), "--peer", &peer]).expect(0);
    let finding = says(&node, &id, "peers_unreachable");
    assert!(finding["evidence"]["dials_refused"].as_u64() >= Some(1), "{finding}");
    let words = node.run(["why"]).expect(0).stdout;
    assert!(words.contains(&id) && words.contains("Peers are known, but none can be reached."), "{words}");
    node.run(["pause", &id]).expect(0);
    says(&node, &id, "paused");
    assert!(std::fs::read_to_string(&log).unwrap().contains("\"event\":\"started\""));
    let unknown = node.run(["why", "no-such-name"]).expect(1);
    assert!(unknown.stderr.contains("no-such-name"), "{}", unknown.stderr);
}

#[test]
fn a_node_shows_its_figures() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let node = RunningNode::start(&dir.join("data"), &["--metrics", &port.to_string()]);
    let file = dir.join("file");
    write(&file, random(300_000, 1));
    node.run(["share", file.to_str().unwrap()]).expect(0);
    let text = eventually("the content is counted", || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.contains("shoal_contents{state=\"serving\"} 1.0").then_some(text)
    });
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(text.trim_end().ends_with("# EOF"), "{text}");
}
