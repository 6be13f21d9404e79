//! A node that stays: what it goes on with after `kill -9`, what that costs, and how it answers while it is busy.

use std::path::{Path, PathBuf};
use std::time::Duration;

use shoal_tests::files::{random, tree, write};
use shoal_tests::proc::bytes_read;
use shoal_tests::process::{Process, Signal, shoal};
use shoal_tests::resident::{Resident, node_command};

/// Bytes of each content.
const SIZE: usize = 12 << 20;
/// What may be under way to a node when it is killed, in bytes: a window of chunks of each content.
const WINDOW: u64 = 8 << 20;

/// Folders with a large file each.
fn folders(base: &Path, count: u64) -> Vec<PathBuf> {
    let names = (0..count).map(|n| base.join(format!("content {n}")));
    let made = names.zip(0..).inspect(|(folder, seed)| write(&folder.join("file.bin"), random(SIZE, *seed)));
    made.map(|(folder, _)| folder).collect()
}

#[tokio::test]
async fn three_downloads_go_on_after_a_kill_and_nothing_verified_comes_twice() {
    let place = tempfile::tempdir().unwrap();
    let sources = folders(place.path(), 3);
    let seed = Resident::start(&place.path().join("seed"), &["--limit-up", "6MB"]).await;
    let mut tickets = Vec::new();
    for source in &sources {
        tickets.push(seed.share(source).await);
    }
    let (home, target) = (place.path().join("getter"), place.path().join("got"));
    let getter = Resident::start(&home, &[]).await;
    let mut contents = Vec::new();
    for ticket in &tickets {
        contents.push(getter.fetch(ticket, &target).await.content);
    }
    let mut done = Vec::new();
    for content in &contents {
        let now = getter.until(content, "a part of it is here", |c| c.done > 1 << 20).await;
        assert!(!now.complete, "it was too quick for this test");
        done.push(now.done);
    }
    getter.process.kill();

    let getter = Resident::start(&home, &[]).await;
    for (content, before) in contents.iter().zip(done) {
        let now = getter.until(content, "it is complete", |c| c.complete).await;
        assert!(now.received <= now.total - before, "{} came again", now.received + before - now.total);
    }
    for (source, content) in sources.iter().zip(&contents) {
        assert_eq!(tree(&target.join(source.file_name().unwrap())), tree(source));
        let sent = seed.client.content(content).await.unwrap();
        assert!(sent.sent <= SIZE as u64 + WINDOW, "{} bytes were sent", sent.sent);
    }
}

#[tokio::test]
async fn what_did_not_change_is_served_again_without_being_read() {
    let place = tempfile::tempdir().unwrap();
    let source = folders(place.path(), 1).remove(0);
    let seed = Resident::start(&place.path().join("seed"), &[]).await;
    let ticket = seed.share(&source).await;
    let (home, target) = (place.path().join("getter"), place.path().join("got"));
    let getter = Resident::start(&home, &[]).await;
    let content = getter.fetch(&ticket, &target).await.content;
    getter.until(&content, "it is complete", |c| c.complete).await;
    seed.process.kill();
    getter.process.kill();

    for home in [place.path().join("seed"), home] {
        let node = Resident::start(&home, &[]).await;
        node.until(&content, "it is served again", |c| c.complete && c.peers == 0).await;
        let read = bytes_read(node.process.id());
        assert!(read < SIZE as u64 / 2, "{read} bytes were read at the start");
        let ticket = node.client.ticket(&content).await.unwrap().ticket;
        let copy = tempfile::tempdir().unwrap();
        let args = ["get", &ticket, "-o", copy.path().to_str().unwrap(), "--listen", "/ip4/127.0.0.1/tcp/0"];
        shoal(args).expect(0);
        assert_eq!(tree(&copy.path().join(source.file_name().unwrap())), tree(&source));
    }
}

#[tokio::test]
async fn one_data_folder_belongs_to_one_node() {
    let place = tempfile::tempdir().unwrap();
    let first = Resident::start(place.path(), &[]).await;
    let ended = Process::spawn(node_command(place.path(), &[])).end().expect(1);
    assert!(ended.stderr.contains("another shoal node uses"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
    assert!(first.client.node().await.is_ok(), "the first one goes on");
}

#[tokio::test]
async fn sigterm_ends_a_node_in_good_order() {
    let place = tempfile::tempdir().unwrap();
    let node = Resident::start(place.path(), &[]).await;
    node.process.signal(Signal::TERM);
    node.process.end().expect(0);
    assert!(!place.path().join("node.sock").exists(), "the socket is gone");
}

#[tokio::test]
async fn the_api_answers_while_eight_peers_download() {
    let place = tempfile::tempdir().unwrap();
    let source = folders(place.path(), 1).remove(0);
    let seed = Resident::start(&place.path().join("seed"), &["--limit-up", "8MB"]).await;
    let ticket = seed.share(&source).await;
    let content = only_content(&seed).await;
    let behind = seed.client.contents(Some(&content), None, None).await.unwrap();
    assert!(behind.items.is_empty() && behind.next.is_none(), "{behind:?}");
    let mut getters = Vec::new();
    for n in 0..8 {
        let dir = place.path().join(format!("got {n}"));
        let args = ["get", &ticket, "-o", dir.to_str().unwrap(), "--listen", "/ip4/127.0.0.1/tcp/0"];
        getters.push(Process::start("shoal", args));
    }
    seed.until(&content, "eight peers are connected", |c| c.peers == 8 || c.sent > 0).await;
    let mut answers = 0;
    while getters.iter_mut().any(|getter| getter.is_running()) {
        // No figure for how fast: a test that hangs here has found one that does not answer.
        let all = async {
            seed.client.node().await.expect("it answers");
            seed.client.content(&content).await.expect("it answers");
            seed.client.counters().await.expect("it answers");
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.expect("within ten seconds");
        answers += 1;
    }
    assert!(answers > 3, "it was asked only {answers} times");
    for (n, getter) in getters.into_iter().enumerate() {
        getter.end().expect(0);
        let got = place.path().join(format!("got {n}")).join(source.file_name().unwrap());
        assert_eq!(tree(&got), tree(&source));
    }
}

/// The only content of a node.
async fn only_content(node: &Resident) -> String {
    node.client.contents(None, None, None).await.unwrap().items.remove(0).content
}
