//! A large library.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use shoal_content::ContentId;
use shoal_net::{NodeConfig, Phase};
use shoal_store::{ChunkStore, ImportOptions, Source, import};

use crate::library::{Change, Library, Record, Want};
use crate::{Daemon, DaemonConfig, ItemState, ShareRequest};

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
