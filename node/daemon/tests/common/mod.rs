//! What the tests of daemons share.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use shoal_content::ContentId;
use shoal_daemon::{
    Daemon, DaemonConfig, FetchRequest, ImportId, ImportState, Item, ItemState, ShareRequest,
};
use shoal_net::{FetchOptions, NodeConfig};

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(40);

/// A daemon on loopback, with its data in a folder.
pub(crate) fn config(data: &Path) -> DaemonConfig {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    DaemonConfig {
        data: Some(data.to_owned()),
        node: NodeConfig { listen, ..NodeConfig::default() },
        ..DaemonConfig::default()
    }
}

pub(crate) async fn start(data: &Path) -> Daemon {
    start_with(config(data)).await
}

/// Starts; waits for a daemon that was dropped and is still letting go of its folder.
pub(crate) async fn start_with(config: DaemonConfig) -> Daemon {
    let began = std::time::Instant::now();
    loop {
        match Daemon::start(config.clone()).await {
            Err(shoal_daemon::DaemonError::InUse { .. }) if began.elapsed() < DEADLINE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            started => return started.unwrap(),
        }
    }
}

/// Waits until there is something.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until an import has ended.
pub(crate) async fn imported(daemon: &Daemon, import: ImportId) -> ContentId {
    until("imported", || match daemon.import(import).unwrap().state {
        ImportState::Done { content, .. } => Some(content),
        ImportState::Failed(why) => panic!("{why}"),
        _ => None,
    })
    .await
}

pub(crate) fn share_request(path: &Path) -> ShareRequest {
    ShareRequest { paths: vec![path.to_owned()], ..ShareRequest::default() }
}

/// Shares a path, and waits until that is so.
pub(crate) async fn share(daemon: &Daemon, path: &Path) -> ContentId {
    imported(daemon, daemon.share(share_request(path)).unwrap()).await
}

/// What to fetch from a daemon that has it.
pub(crate) async fn wanted(from: &Daemon, content: ContentId, dir: &Path) -> FetchRequest {
    let ticket = from.ticket(content).await.unwrap();
    let options =
        FetchOptions { peers: ticket.peers, trackers: ticket.rendezvous, ..FetchOptions::new(content, dir) };
    FetchRequest { options, public: false }
}

pub(crate) async fn item(
    daemon: &Daemon,
    content: ContentId,
    what: &str,
    is: impl Fn(&Item) -> bool,
) -> Item {
    let began = std::time::Instant::now();
    loop {
        let item = daemon.item(content);
        match item {
            Some(item) if is(&item) => return item,
            item => assert!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}: {item:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until a content is complete and served.
pub(crate) async fn complete(daemon: &Daemon, content: ContentId) -> Item {
    item(daemon, content, "complete", |item| item.complete && is_serving(item)).await
}

pub(crate) fn is_serving(item: &Item) -> bool {
    item.state == ItemState::Running && item.progress.phase == shoal_net::Phase::Serving
}

/// Bytes that are the same for the same seed, and that no two chunks have in common.
pub(crate) fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..len.div_ceil(8)).flat_map(|_| next().to_le_bytes()).take(len).collect()
}

/// Writes a file and the folders above it.
pub(crate) fn put(base: &Path, path: &str, bytes: &[u8]) -> PathBuf {
    let path = base.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}
