//! A large library, and what grows.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use shoal_content::{Chunker, ContentId, Hash};
use shoal_net::{NodeConfig, Phase};
use shoal_store::{ChunkStore, ImportOptions, Source, import};

use crate::library::{Change, Library, Record, Want};
use crate::{Daemon, DaemonConfig, ImportState, ItemState, ShareRequest};

const MANY: usize = 10_000;

/// Files and a library that shares each of them.
fn fill(dir: &std::path::Path) {
    let files = dir.join("files");
    std::fs::create_dir(&files).unwrap();
    let mut changes = vec![];
    for n in 0..MANY {
        let path = files.join(n.to_string());
        std::fs::write(&path, format!("the file {n}")).unwrap();
        let options = ImportOptions { paths: vec![path.clone()], ..ImportOptions::default() };
        let source: Source = import(&options, &|_| {}, &AtomicBool::new(false)).unwrap().source;
        let content: ContentId = source.manifest().id();
        let mut record =
            Record::new(Want::Share(ShareRequest { paths: vec![path], ..ShareRequest::default() }));
        (record.complete, record.name) = (true, Some(n.to_string()));
        changes.push(Change::Record(content, Box::new(record)));
        changes.push(Change::Source(content, source.save()));
    }
    let (library, _) = Library::open(Some(dir)).unwrap();
    library.commit_blocking(changes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_contents_are_listed_at_once_and_served_soon() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    let node = NodeConfig { listen, ..NodeConfig::default() };
    let config = DaemonConfig { data: Some(dir.path().to_owned()), node, ..DaemonConfig::default() };
    let began = Instant::now();
    let daemon = Arc::new(Daemon::start(config).await.unwrap());
    let started = began.elapsed();
    assert!(started < Duration::from_secs(5), "the handle came after {started:?}");
    let (mut after, mut seen, mut longest) = (None, 0, Duration::ZERO);
    loop {
        let began = Instant::now();
        let page = daemon.items(after, 1000);
        longest = longest.max(began.elapsed());
        let Some(last) = page.last() else { break };
        (after, seen) = (Some(last.content), seen + page.len());
        assert!(page.iter().all(|item| item.complete && item.state == ItemState::Running));
    }
    assert_eq!((seen, daemon.count()), (MANY, MANY));
    // Not built for speed, and beside everything being begun.
    assert!(longest < Duration::from_secs(1), "a page took {longest:?}");
    let deadline = Instant::now() + Duration::from_secs(60);
    let all_serve = || daemon.items(None, MANY).iter().all(|item| item.progress.phase == Phase::Serving);
    while daemon.node().contents().len() < MANY || !all_serve() {
        assert!(Instant::now() < deadline, "{} are served", daemon.node().contents().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("handle {started:?}, page {longest:?}, all served {:?}", began.elapsed());
}

/// Shares paths, and waits until they are.
async fn shared(daemon: &Daemon, path: &std::path::Path) -> ContentId {
    let import = daemon.share(ShareRequest { paths: vec![path.into()], ..ShareRequest::default() }).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match daemon.import(import).unwrap().state {
            ImportState::Done { content, .. } => return content,
            ImportState::Failed(why) => panic!("{why}"),
            _ => assert!(Instant::now() < deadline, "it is not shared"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The chunks of what a daemon shares.
fn chunks(daemon: &Daemon, content: ContentId) -> std::collections::BTreeSet<Hash> {
    let store = daemon.node().store_of(&content).unwrap();
    store.manifest().chunks().iter().map(|chunk| chunk.hash).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_grows_over_a_boundary_of_sizes_keeps_its_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let mut numbers = vec![0; 2 << 20];
    numbers.iter_mut().enumerate().for_each(|(at, byte)| *byte = ((at * at) >> 7) as u8);
    std::fs::write(folder.join("numbers"), &numbers).unwrap();
    // A hole takes no time.
    let hole = std::fs::File::create(folder.join("hole")).unwrap();
    hole.set_len(250 << 20).unwrap();
    let daemon = Daemon::start(DaemonConfig::default()).await.unwrap();
    let before = shared(&daemon, &folder).await;
    let old = chunks(&daemon, before);
    hole.set_len(255 << 20).unwrap();
    let after = shared(&daemon, &folder).await;
    assert_ne!(before, after);
    let size = daemon.node().store_of(&after).unwrap().manifest().root().size;
    assert_ne!(Chunker::for_size(size), Chunker::for_size(252 << 20), "it grew over the boundary");
    let new = chunks(&daemon, after).difference(&old).count();
    assert!(new <= 1, "{new} chunks are new");
}
