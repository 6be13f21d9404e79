//! A tracker that ends, crashes, loses its state or its key, and comes back at the same place.

use std::fs;
use std::path::Path;

use libp2p::Multiaddr;
use serde_json::Value;
use shoal_content::Chunker;
use shoal_net::{Node, NodeConfig};
use shoal_tests::files::{random, tree, write};
use shoal_tests::gate::{Gate, provide_gated_at};
use shoal_tests::process::{LOOPBACK, Process, Signal, get, place, tracker_on};
use shoal_tests::tracking::{ask, ask_until, peers, seeds, share_at, stats};
use shoal_tests::visitor::Visitor;

/// Registrations last six seconds, so nodes renew after three.
const SHORT: [&str; 6] = ["--min-ttl", "6s", "--default-ttl", "6s", "--max-ttl", "6s"];

/// A published file with its seed at a tracker.
struct Shared {
    file: std::path::PathBuf,
    content: String,
    _seed: Process,
}

impl Shared {
    /// Waits until the tracker knows it.
    fn at(point: &str, known_as: &str, scratch: &Path) -> Self {
        let file = scratch.join("Holiday");
        write(&file, random(100_000, 1));
        let (seed, shared) = share_at(&file, point, &["--publish"]);
        let content = shared["content"].as_str().unwrap().to_owned();
        let shared = Self { file, content, _seed: seed };
        shared.is_known(known_as);
        shared
    }

    /// Waits until it is found by name, in the list of peers, as a seed, and can be fetched by its bare id.
    fn is_known(&self, point: &str) {
        ask_until("it is found", &["find", "holiday", "--json"], point, |ended| ended.code == Some(0));
        ask_until("one seed", &["swarm", &self.content, "--json"], point, seeds(1));
        self.is_right(point);
    }

    /// The same, at once.
    fn is_right(&self, point: &str) {
        let found = ask(&["find", "holiday", "--json"], &[point]).expect(0).json();
        assert_eq!((&found["content"], &found["publishers"]), (&self.content.as_str().into(), &1.into()));
        assert_eq!(found["peers"].as_array().unwrap().len(), 1, "{found}");
        let size = ask(&["swarm", &self.content, "--json"], &[point]).expect(0).json();
        // What a renewal does not say is not written down.
        let all: u64 = ["seeds", "unknown"].iter().filter_map(|kind| size[kind].as_u64()).sum();
        assert_eq!((all, &size["downloaders"]), (1, &0.into()), "{size}");
        assert_eq!(peers(point).len(), 1);
        let to = tempfile::tempdir().unwrap();
        get(&self.content, to.path(), &["--rendezvous", point]).end().expect(0);
        assert_eq!(tree(&self.file), tree(&to.path().join("Holiday")));
    }
}

#[test]
fn after_a_crash_all_is_there_at_once_at_the_same_address() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let (tracker, point) = tracker_on(LOOPBACK, &data, &[]);
    let shared = Shared::at(&point, &point, scratch.path());
    // A payload is on the disk when it is acknowledged, and so is what came before it.
    let id = ask(&["put", "--text", "kept"], &[&point]).expect(0).stdout;
    tracker.kill();
    let (_tracker, again) = tracker_on(place(&point), &data, &[]);
    assert_eq!(again, point);
    assert_eq!(ask(&["get", &id], &[&point]).expect(0).stdout, "kept");
    shared.is_right(&point);
    let counted = &stats(&point)["registry"];
    assert_eq!(counted["renewed"], 0, "nobody has said it again: {counted}");
}

#[test]
fn with_its_state_gone_it_is_whole_again_within_a_heartbeat() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let (tracker, point) = tracker_on(LOOPBACK, &data, &SHORT);
    let shared = Shared::at(&point, &point, scratch.path());
    tracker.kill();
    fs::remove_file(data.join("tracker.redb")).unwrap();
    let (_tracker, again) = tracker_on(place(&point), &data, &SHORT);
    assert_eq!(again, point, "the key is its address");
    shared.is_known(&point);
}

#[test]
fn a_damaged_file_is_put_aside_and_all_is_whole_again() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let (tracker, point) = tracker_on(LOOPBACK, &data, &SHORT);
    let shared = Shared::at(&point, &point, scratch.path());
    let id = ask(&["put", "--text", "lost"], &[&point]).expect(0).stdout;
    tracker.kill();
    let file = data.join("tracker.redb");
    let mut bytes = fs::read(&file).unwrap();
    bytes.iter_mut().step_by(7).for_each(|byte| *byte ^= 0x55);
    fs::write(&file, &bytes).unwrap();
    let (mut tracker, again) = tracker_on(place(&point), &data, &SHORT);
    assert_eq!(again, point);
    tracker.word("what happened", |line| line.contains("damaged") && line.contains("corrupt-1"));
    assert_eq!(fs::read(data.join("tracker.redb.corrupt-1")).unwrap(), bytes, "nothing is thrown away");
    let lost = ask(&["get", &id], &[&point]).expect(1);
    assert!(lost.stderr.contains("no payload with this id"), "{}", lost.stderr);
    shared.is_known(&point);
}

#[test]
fn with_another_key_it_is_found_by_nodes_that_named_none() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let (tracker, point) = tracker_on(LOOPBACK, &data, &SHORT);
    let shared = Shared::at(place(&point), &point, scratch.path());
    tracker.kill();
    fs::remove_dir_all(&data).unwrap();
    let (_tracker, again) = tracker_on(place(&point), &data, &SHORT);
    assert_ne!(again, point);
    shared.is_known(&again);
    let refused = ask(&["stats"], &[&point]).expect(5);
    assert!(refused.stderr.contains("hint:"), "the old id is not there: {}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_end_it_writes_all_and_a_second_signal_does_not_wait() {
    let scratch = tempfile::tempdir().unwrap();
    let data = scratch.path().join("tracker");
    let home: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().unwrap();
    let (tracker, point) = tracker_on(LOOPBACK, &data, &[]);
    let mut visitor = Visitor::connect(&point).await;
    visitor.register("a", &home).await.unwrap();
    // Sooner than it would write it otherwise.
    tracker.signal(Signal::TERM);
    let ended = tracker.end().expect(0);
    assert_eq!((ended.stdout, ended.stderr), (point.clone(), String::new()));
    let (tracker, again) = tracker_on(place(&point), &data, &[]);
    assert_eq!(again, point);
    let mut other = Visitor::connect(&point).await;
    assert_eq!(other.discover("a", 0).await, [visitor.peer()]);

    // Both signals wait when it goes on, so the second one comes while it ends.
    tracker.signal(Signal::STOP);
    tracker.signal(Signal::TERM);
    tracker.signal(Signal::INT);
    tracker.signal(Signal::CONT);
    tracker.end().expect(130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_has_begun_completes_without_it() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("file");
    write(&from, random(8 << 18, 1));
    let (tracker, point) = tracker_on(LOOPBACK, &scratch.path().join("tracker"), &SHORT);
    let gate = Gate::new(&from, Chunker::Fixed { size: 1 << 18 });
    let provider = provide_gated_at(gate.clone(), vec![point.parse().unwrap()]).await;
    let content = provider.ticket.content.to_string();
    gate.open(2);
    let to = scratch.path().join("to");
    let mut getter = get(&content, &to, &["--rendezvous", &point]);
    getter.stored(2);
    tracker.kill();
    getter.word("that it is gone", |line| line.contains("no rendezvous point"));
    gate.open_all();
    getter.end().expect(0);
    assert_eq!(tree(&from), tree(&to.join("file")));
}

/// What `GET /metrics` says.
fn figures(place: &str) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(place).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_file_runs_it_and_its_figures_are_right() {
    let scratch = tempfile::tempdir().unwrap();
    let (file, data) = (scratch.path().join("tracker.toml"), scratch.path().join("data"));
    let text = format!(
        "listen = ['/ip4/127.0.0.1/tcp/0']\ndata = '{}'\nmetrics = '127.0.0.1:0'\nlog = 'shoal_rendezvous=info'\n\
         connections = 50\n[limits]\nper-peer = 2\ndefault-ttl = '33s'\n",
        data.display()
    );
    write(&file, text);
    let mut tracker = Process::start("shoal-rendezvous", ["--config", file.to_str().unwrap()]);
    let point = tracker.line("an address", |line| line.contains("/p2p/"));
    let told = tracker.word("where its figures are", |line| line.contains("serving figures"));
    let place = told.rsplit_once("address=").unwrap().1.to_owned();
    assert!(data.join("identity.key").exists() && data.join("tracker.redb").exists());

    let home: Multiaddr = "/ip4/127.0.0.1/tcp/9".parse().unwrap();
    let mut visitor = Visitor::connect(&point).await;
    assert_eq!(visitor.register("a", &home).await, Ok(33));
    assert_eq!(visitor.register("b", &home).await, Ok(33));
    assert!(visitor.register("c", &home).await.is_err(), "two of each peer");
    let node = Node::start(NodeConfig::default()).await.unwrap();
    node.tracker(point.parse().unwrap()).put(b"counted".to_vec()).await.unwrap();
    let expected = ["registrations 2", "peers 1", "namespaces 2", "payloads 1", "payload_bytes 7"];
    shoal_tests::eventually("the figures are told", || {
        let figures = figures(&place);
        assert!(figures.starts_with("HTTP/1.1 200"), "{figures}");
        let tells = |it: &&str| figures.contains(&format!("\nshoal_tracker_{it}.0\n"));
        expected.iter().all(tells).then_some(())
    });
    let counted: Value = stats(&point);
    assert_eq!(counted["current"]["registrations"], 2);
}
