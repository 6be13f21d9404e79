//! Peers that take places and use them for nothing, beside peers that want to fetch.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use futures::AsyncWriteExt;
use libp2p::Stream;
use libp2p::multiaddr::{Multiaddr, Protocol};
use shoal_content::ContentId;
use shoal_net::write_frame;
use shoal_tests::files::{mixed, random, tree, write};
use shoal_tests::node::RunningNode;
use shoal_tests::proc::open_files;
use shoal_tests::process::{self, LOOPBACK, Process, get, share, shoal};
use shoal_tests::stranger::Stranger;
use shoal_wire::chunks::{ChunkRequest, MAX_WAITING};

const CHUNK: usize = 64 << 10;
const CHUNKS: usize = 64;

/// Starts `shoal` with its arguments under other limits of open files, set by a shell's `ulimit`.
#[cfg(unix)]
fn with_open_files(ulimit: &str, args: &[&str]) -> Process {
    Process::spawn(process::with_open_files(ulimit, &process::command("shoal", args)))
}

/// Where an address of TCP leads.
fn socket(address: &Multiaddr) -> SocketAddr {
    let mut parts = address.iter();
    match (parts.next(), parts.next()) {
        (Some(Protocol::Ip4(ip)), Some(Protocol::Tcp(port))) => (ip, port).into(),
        other => panic!("{other:?}"),
    }
}

/// A running share of a file of [`CHUNKS`] chunks.
struct Shared {
    process: Process,
    ticket: String,
    address: Multiaddr,
    content: ContentId,
}

fn shared(scratch: &Path) -> Shared {
    shared_by(scratch, |args| Process::start("shoal", args))
}

fn shared_by(scratch: &Path, start: impl Fn(&[&str]) -> Process) -> Shared {
    let file = scratch.join("file");
    write(&file, random(CHUNKS * CHUNK, 1));
    let chunker = format!("fixed:{CHUNK}");
    let mut process = start(&["share", file.to_str().unwrap(), "--listen", LOOPBACK, "--chunker", &chunker]);
    let ticket = process.line("a ticket", |line| line.starts_with("shoal1"));
    let shown = shoal(["inspect", "--json", &ticket]).expect(0).json();
    let address = shown["peers"][0].as_str().unwrap().parse().unwrap();
    let content = shown["content"].as_str().unwrap().parse().unwrap();
    Shared { process, ticket, address, content }
}

impl Shared {
    /// Fetches all of it, without help.
    fn is_fetched(&self, scratch: &Path) {
        let ended = get(&self.ticket, &scratch.join("to"), &[]).end().expect(0).json();
        assert_eq!(ended["fetched"], CHUNKS * CHUNK);
    }

    fn socket(&self) -> SocketAddr {
        socket(&self.address)
    }

    async fn stream(&self) -> Stream {
        Stranger::connect(&self.address.to_string(), "/none").await.open_stream().await
    }
}

#[test]
fn connections_that_never_shake_hands_keep_nobody_out() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let held: Vec<_> = (0..150).map(|_| TcpStream::connect(shared.socket()).unwrap()).collect();
    // Less than the time after which a handshake has failed anyway.
    let ended = get(&shared.ticket, &scratch.path().join("to"), &["--wait", "8s"]).end().expect(0).json();
    assert_eq!(ended["fetched"], CHUNKS * CHUNK);
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_streams_keep_nobody_out() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let mut idle = Vec::new();
    for _ in 0..240 {
        idle.push(shared.stream().await);
    }
    tokio::task::block_in_place(|| shared.is_fetched(scratch.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_whose_answers_are_never_read_keep_nobody_out() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared(scratch.path());
    let start = Instant::now();
    let mut unread = Vec::new();
    for n in 0..36 {
        let mut stream = shared.stream().await;
        for id in 0..MAX_WAITING as u64 {
            let chunk = (n + id as u32) % CHUNKS as u32;
            write_frame(&mut stream, &ChunkRequest::Get { id, chunk, content: shared.content })
                .await
                .unwrap();
        }
        stream.flush().await.unwrap();
        unread.push(stream);
    }
    tokio::task::block_in_place(|| shared.is_fetched(scratch.path()));
    // Whoever takes nothing for 30 s loses its stream anyway; nobody may have to wait for that.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(25), "it waited for those that never read: {took:?}");
}

#[test]
fn a_line_on_which_a_chunk_takes_longer_than_a_stall_still_finishes() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    write(&file, random(128 << 10, 1));
    // A chunk of 16 seconds: longer than a peer may be silent.
    let (_share, ticket) = share(&file, &["--chunker", "fixed:131072", "--limit-up", "8KiB"]);
    let ended = get(&ticket, &scratch.path().join("to"), &[]).end().expect(0).json();
    assert_eq!(ended["fetched"], 128 << 10);
    assert_eq!(ended["peers"][0]["bytes"], 128 << 10);
}

#[test]
fn four_getters_between_whom_a_line_is_divided_into_trickles_all_finish() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("file");
    let bytes = random(256 << 10, 1);
    write(&file, &bytes);
    // 7 KiB a second for each, so the one chunk takes 37 seconds: longer than three stalls, after which a peer is dropped.
    let (_share, ticket) = share(&file, &["--chunker", "fixed:262144", "--limit-up", "28KiB"]);
    let to = |n: usize| scratch.path().join(n.to_string());
    // Nothing is passed on: all of it comes from the one line.
    let getters: Vec<_> = (0..4).map(|n| get(&ticket, &to(n), &["--topology", "star"])).collect();
    for (n, getter) in getters.into_iter().enumerate() {
        let ended = getter.end().expect(0).json();
        assert_eq!(ended["fetched"], 256 << 10);
        assert_eq!(std::fs::read(to(n).join("file")).unwrap(), bytes);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared_by(scratch.path(), |args| with_open_files("-S -n 100", args));
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", shared.process.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [soft, hard] = [3, 4].map(|n| line.split_whitespace().nth(n).unwrap().parse().unwrap_or(u64::MAX));
    assert_eq!(soft, hard.min(8192), "{line}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn where_few_files_may_be_open_connections_leave_room_for_newcomers() {
    let scratch = tempfile::tempdir().unwrap();
    let shared = shared_by(scratch.path(), |args| with_open_files("-n 100", args));
    let mut idle = Vec::new();
    let mut most = 0;
    for _ in 0..120 {
        // Some are refused.
        idle.push(Stranger::try_connect(&shared.address.to_string(), "/none").await);
        most = most.max(open_files(shared.process.id()));
    }
    // Half are kept for files, of which a share of one file needs few; handshakes under way come on top.
    assert!(most <= 75, "{most} of 100 files were open");
    tokio::task::block_in_place(|| shared.is_fetched(scratch.path()));
}

#[cfg(unix)]
#[test]
fn where_too_few_files_may_be_open_it_says_how_many_it_needs_and_with_those_it_completes() {
    let scratch = tempfile::tempdir().unwrap();
    let (from, to) = (scratch.path().join("from/set"), scratch.path().join("to"));
    mixed(&from);
    // More files than may be open, each too large to be closed at once.
    (0..100).for_each(|n| write(&from.join(format!("many/{}/{n}", n % 9)), random(70 << 10, n)));
    let (_seed, ticket) = share(&from, &[]);
    let get = |limit: &str| {
        Process::spawn(process::with_open_files(limit, &process::get_command(&ticket, &to, &[]))).end()
    };
    for limit in ["-n 12", "-n 31"] {
        let ended = get(limit).expect(1);
        assert!(ended.stderr.contains("at least 32 are needed"), "{}", ended.stderr);
        assert!(ended.stderr.contains("hint: raise the limit"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("goes on") && !to.exists(), "{}", ended.stderr);
    }
    get("-n 32").expect(0);
    assert_eq!(tree(&from), tree(&to.join("set")));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_its_user_while_others_hold_all_descriptors_that_they_get() {
    let scratch = tempfile::tempdir().unwrap();
    let command = RunningNode::prepared(&scratch.path().join("node"), &["--no-mdns"]);
    let node = tokio::task::block_in_place(|| {
        RunningNode::of(&scratch.path().join("node"), process::with_open_files("-n 100", &command))
    });
    let address: Multiaddr = node.address().parse().unwrap();
    let mut idle = Vec::new();
    for _ in 0..80 {
        idle.push(Stranger::try_connect(&node.address(), "/none").await);
    }
    // And connections that never shake hands; the system takes them as long as there are places.
    let silent: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(socket(&address)).ok()).collect();
    assert!(silent.len() > 50, "{} connect", silent.len());
    tokio::task::block_in_place(|| {
        let file = scratch.path().join("file");
        write(&file, b"some words");
        // A file of its own has to be opened too.
        node.run(["share", file.to_str().unwrap(), "--json"]).expect(0);
        for _ in 0..20 {
            assert_eq!(node.status()["contents"].as_array().unwrap().len(), 1);
            node.run(["peers", "--json"]).expect(0);
        }
    });
    drop((idle, silent));
}
