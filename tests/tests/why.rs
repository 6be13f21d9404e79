//! Why nothing comes: situations that are made with real processes, and what `get` says of each by itself.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use shoal_content::{Chunker, ContentId, Ticket};
use shoal_engine::Cause;
use shoal_net::{ContentHandle, FetchOptions, Node, NodeConfig};
use shoal_tests::false_tracker::FalseTracker;
use shoal_tests::files::{random, write};
use shoal_tests::gate::{Gate, Provider, provide_gated, source};
use shoal_tests::liar::{Script, lie};
use shoal_tests::point::point;
use shoal_tests::process::{LOOPBACK, Process, command, get, share};
use shoal_wire::rendezvous::{Refused, RendezvousResponse, Status};

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 24;
const CHUNKER: Chunker = Chunker::Fixed { size: CHUNK as u32 };

/// Words of causes that stand first.
const UNREACHABLE: &str = "Peers are known, but none can be reached.";
const NO_SOURCE: &str = "There is neither a tracker nor an address";
const TRACKER_DOWN: &str = "A tracker cannot be reached.";
const TRACKER_REFUSES: &str = "A tracker answers, but refuses.";
const NOBODY_HAS: &str = "No connected peer has some of the chunks";
const READ_ONLY: &str = "The folder cannot be written to";
const FULL: &str = "The disk is full";
const WRONG: &str = "Peers sent bytes that do not match";
const BUSY: &str = "Every peer that has something is busy";
const TOO_OLD: &str = "The connected peers do not know what they are asked";
const SILENT: &str = "Peers were asked, but send nothing.";

/// Waits until a getter says why nothing comes; the first cause that it names has to be this one.
#[track_caller]
fn says(getter: &mut Process, cause: &str) -> String {
    let line = getter.word("a cause", |line| line.starts_with("nothing comes: "));
    assert!(line.contains(cause), "expected '{cause}' first:\n{}", getter.errors());
    line
}

/// Gives the id of a content that nobody has.
fn id() -> String {
    shoal_content::ContentId::from_root_hash(shoal_content::Hash::of(b"nobody has it")).to_string()
}

/// An address at which nothing listens any more.
fn dead_address() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("/ip4/127.0.0.1/tcp/{port}")
}

/// A content of equal chunks behind a gate.
async fn gated(scratch: &Path) -> (Arc<Gate>, Provider) {
    let from = scratch.join("from/set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 7));
    let gate = Gate::new(&from, CHUNKER);
    (gate.clone(), provide_gated(gate).await)
}

#[test]
fn nobody_is_reachable_at_the_tickets_address() {
    let scratch = tempfile::tempdir().unwrap();
    let mut getter = get(&id(), scratch.path(), &["--peer", &dead_address()]);
    let line = says(&mut getter, UNREACHABLE);
    assert!(line.contains("addresses given: 1, connections refused: "), "{line}");
}

#[test]
fn a_bare_id_without_a_tracker_leads_nowhere() {
    let scratch = tempfile::tempdir().unwrap();
    let ended = get(&id(), scratch.path(), &["--dht", "off"]).end().expect(5);
    assert!(ended.stderr.contains(NO_SOURCE), "{}", ended.stderr);
    // With a table in which nobody is, that is what is said.
    let ended = get(&id(), scratch.path(), &["--wait", "4s"]).end().expect(5);
    assert!(ended.stderr.contains("Nobody was found"), "{}", ended.stderr);
    assert!(ended.stderr.contains("peers of the DHT known: 0"), "{}", ended.stderr);
}

#[test]
fn a_tracker_that_is_down_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let tracker = dead_address();
    let mut getter = get(&id(), scratch.path(), &["--rendezvous", &tracker]);
    assert!(says(&mut getter, TRACKER_DOWN).contains(&tracker));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tracker_that_refuses_is_named_with_its_words() {
    let scratch = tempfile::tempdir().unwrap();
    let refused = Refused { status: Status::Unavailable, text: "closed on Mondays".into() };
    let tracker = point(RendezvousResponse::Register(Err(refused)).encode()).await.to_string();
    let mut getter = get(&id(), scratch.path(), &["--rendezvous", &tracker]);
    assert!(says(&mut getter, TRACKER_REFUSES).contains(&tracker));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_nobody_has_any_more_is_told_apart_from_having_no_peers() {
    let scratch = tempfile::tempdir().unwrap();
    let (gate, provider) = gated(scratch.path()).await;
    let ticket = provider.ticket.to_string();
    gate.open(CHUNKS / 2);
    let mut one = get(&ticket, &scratch.path().join("one"), &["--seed"]);
    one.stored(CHUNKS / 2);
    let mut two = get(&ticket, &scratch.path().join("two"), &[]);
    two.stored(CHUNKS / 2);
    // The seed goes with what only it has. The two stay together.
    let Provider { node, .. } = &provider;
    node.clone().shutdown().await;
    for getter in [&mut one, &mut two] {
        let line = says(getter, NOBODY_HAS);
        assert!(line.contains(&format!("chunks missing: {}", CHUNKS / 2)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 1));
    let to = scratch.path().join("to");
    std::fs::create_dir(&to).unwrap();
    std::fs::set_permissions(&to, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let (_seed, ticket) = share(&from, &[]);
    let Some(mut getter) = as_somebody_else(&ticket, &to) else {
        return eprintln!("skipped: a folder that root cannot write to needs a user that is not root");
    };
    says(&mut getter, READ_ONLY);
}

/// `shoal get` as a user whom permissions concern; `None` if this cannot be had.
fn as_somebody_else(ticket: &str, to: &Path) -> Option<Process> {
    let args = ["get", ticket, "--json", "-o", to.to_str().unwrap(), "--listen", LOOPBACK];
    if !rustix::process::geteuid().is_root() {
        return Some(Process::start("shoal", args));
    }
    // Root may write anywhere; without its capabilities it is a user like any other.
    let program = shoal_tests::process::program("shoal");
    let mut without = Command::new("setpriv");
    without.args(["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]).arg(program).args(args);
    without.env("NO_COLOR", "1").env("SHOAL_CACHE", "").env("SHOAL_STATE", "").env("SHOAL_SOCKET", "");
    Command::new("setpriv").arg("--version").output().ok().map(|_| Process::spawn(without))
}

/// A limit of the size of files shows like a full disk, and needs no disk of its own.
#[test]
fn a_disk_that_takes_no_more_is_full() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("set");
    write(&from.join("file"), random(4 << 20, 1));
    let (_seed, ticket) = share(&from, &["--chunker", "fixed:64KiB"]);
    let inner = command("shoal", ["get", &ticket, "--json", "--listen", LOOPBACK, "-o"]);
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--fsize={}", 1 << 20)).arg(inner.get_program()).args(inner.get_args());
    limited.arg(scratch.path().join("to"));
    inner.get_envs().for_each(|(name, value)| {
        limited.env(name, value.unwrap_or_default());
    });
    if Command::new("prlimit").arg("--version").output().is_err() {
        return eprintln!("skipped: prlimit is not installed");
    }
    let line = says(&mut Process::spawn(limited), FULL);
    assert!(line.contains("File too large"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_sends_wrong_bytes_is_the_cause_once_it_is_dropped() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("from/set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 3));
    let liar = lie(Arc::new(source(&from, CHUNKER)), Script::WrongBytes).await;
    let mut getter = get(&liar.ticket.to_string(), &scratch.path().join("to"), &[]);
    assert!(says(&mut getter, WRONG).contains("wrong chunks: 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_whose_only_slot_is_taken_is_busy() {
    let scratch = tempfile::tempdir().unwrap();
    let from = scratch.path().join("from/set");
    write(&from.join("file"), random(CHUNK * CHUNKS, 7));
    // So slow that the first chunk is still on its way when the second getter has waited long enough.
    let size = format!("fixed:{CHUNK}");
    let (_seed, ticket) = share(&from, &["--chunker", &size, "--upload-slots", "1", "--limit-up", "2KiB"]);
    let mut one = get(&ticket, &scratch.path().join("one"), &[]);
    one.word("a request", |line| line.contains("fetching 'set'"));
    let content = ticket.parse::<Ticket>().unwrap();
    let mut two = get(&content.to_string(), &scratch.path().join("two"), &[]);
    says(&mut two, BUSY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_asked_and_sends_nothing_is_silent() {
    let scratch = tempfile::tempdir().unwrap();
    let (_gate, provider) = gated(scratch.path()).await;
    let mut getter = get(&provider.ticket.to_string(), &scratch.path().join("to"), &[]);
    says(&mut getter, SILENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_knows_nothing_of_the_protocol_is_too_old() {
    let scratch = tempfile::tempdir().unwrap();
    // It takes connections, and speaks another protocol.
    let other = FalseTracker::start(vec![]).await;
    let mut getter = get(&id(), scratch.path(), &["--peer", &other.address.to_string()]);
    assert!(says(&mut getter, TOO_OLD).contains("peers that do not know the question: 1"));
}

/// Waits until a node of this process says that this is the cause.
async fn finds(node: &Node, content: ContentId, cause: Cause) {
    let mut found = vec![];
    let looking = async {
        loop {
            found = node.explain(content).await.unwrap_or_default();
            if found.first().is_some_and(|finding| finding.cause == cause) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let looked = tokio::time::timeout(shoal_tests::DEADLINE, looking).await;
    assert!(looked.is_ok(), "expected {cause:?}: {found:?}");
}

/// A node of this process that fetches from a seed of its own process, each with a limit.
async fn limited(scratch: &Path, sender: &[&str], own: Option<u64>) -> (Process, Node, ContentHandle) {
    let from = scratch.join("from/set");
    write(&from.join("file"), random(8 << 20, 5));
    let (seed, ticket) = share(&from, sender);
    let ticket: Ticket = ticket.parse().unwrap();
    let listen = vec![LOOPBACK.parse().unwrap()];
    let node = Node::start(NodeConfig { listen, limit_down: own, ..NodeConfig::default() }).await.unwrap();
    let options =
        FetchOptions { peers: ticket.peers, ..FetchOptions::new(ticket.content, scratch.join("to")) };
    let handle = node.fetch(options).unwrap();
    (seed, node, handle)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_own_limit_is_told_from_that_of_the_sender() {
    let scratch = tempfile::tempdir().unwrap();
    let (_seed, node, handle) = limited(scratch.path(), &[], Some(100_000)).await;
    finds(&node, handle.content(), Cause::OwnLimit).await;
    handle.pause().await;
    finds(&node, handle.content(), Cause::Paused).await;
    let scratch = tempfile::tempdir().unwrap();
    let (_seed, node, handle) = limited(scratch.path(), &["--limit-up", "100KB"], None).await;
    finds(&node, handle.content(), Cause::PeersLimit).await;
}
