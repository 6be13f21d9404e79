//! `shoal why` at a running node, and the node's figures.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use shoal_tests::eventually;
use shoal_tests::files::{random, write};
use shoal_tests::process::{Ended, LOOPBACK, Process, command};

/// A node with a socket in `dir`, and options.
fn node(dir: &Path, more: &[&str]) -> Process {
    let (data, socket) = (dir.join("data"), dir.join("sock"));
    let mut args = vec!["node", "--listen", LOOPBACK, "--data", data.to_str().unwrap()];
    args.extend(["--socket", socket.to_str().unwrap()]);
    args.extend(more);
    let mut node = Process::start("shoal", args);
    node.word("that it is ready", |line| line.contains("the other commands find it"));
    node
}

/// A command that uses that node.
fn ask(dir: &Path, args: &[&str]) -> Ended {
    let mut command = command("shoal", args);
    command.env("SHOAL_SOCKET", dir.join("sock"));
    Process::spawn(command).end()
}

/// Waits until the node says that this is why a content does not come.
fn says(dir: &Path, content: &str, cause: &str) -> serde_json::Value {
    eventually(cause, || {
        let told = ask(dir, &["why", content, "--json"]).expect(0).json();
        let first = told["contents"][0]["findings"][0].clone();
        (first["cause"] == cause).then_some(first)
    })
}

#[test]
fn a_node_says_why_a_content_does_not_come() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    let log = dir.join("node.log");
    let _node = node(dir, &["--activity-log", log.to_str().unwrap()]);
    let id = shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"nobody has it")).to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (to, peer) = (dir.join("to"), format!("/ip4/127.0.0.1/tcp/{port}"));
    ask(dir, &["get", &id, "--background", "-o", to.to_str().unwrap(), "--peer", &peer]).expect(0);
    let finding = says(dir, &id, "peers_unreachable");
    assert!(finding["evidence"]["dials_refused"].as_u64() >= Some(1), "{finding}");
    let words = ask(dir, &["why"]).expect(0).stdout;
    assert!(words.contains(&id) && words.contains("Peers are known, but none can be reached."), "{words}");
    ask(dir, &["pause", &id]).expect(0);
    says(dir, &id, "paused");
    assert!(std::fs::read_to_string(&log).unwrap().contains("\"event\":\"started\""));
    let unknown = ask(dir, &["why", "no-such-name"]).expect(1);
    assert!(unknown.stderr.contains("no-such-name"), "{}", unknown.stderr);
}

#[test]
fn a_node_shows_its_figures() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _node = node(dir, &["--metrics", &port.to_string()]);
    let file = dir.join("file");
    write(&file, random(300_000, 1));
    ask(dir, &["share", file.to_str().unwrap()]).expect(0);
    let text = eventually("the content is counted", || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.contains("shoal_contents{state=\"serving\"} 1.0").then_some(text)
    });
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(
        text.contains("libp2p_swarm_new_listen_addr_total") && text.trim_end().ends_with("# EOF"),
        "{text}"
    );
}
