//! Whole nodes in one process, looked at from inside.

mod activity;
mod asking;
mod figures;
mod hostile;
mod pair;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use shoal_content::{ChunkIndex, ChunkSet, Chunker, ContentId, Manifest};
use shoal_store::{ChunkStore, ImportOptions, ReadError, Source, import};

use crate::{FetchOptions, Node, NodeConfig, ServeOptions};

const DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of each content.
const SIZE: usize = 300_000;
/// Chunks of each content.
const CHUNKS: usize = SIZE.div_ceil(16 << 10);

/// A store that nothing is read from before the gate opens.
struct Gated {
    source: Source,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }
}

/// A runtime waits for its blocking reads, also after a panic.
struct OpensWhenDropped(Arc<Gate>);

impl Drop for OpensWhenDropped {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl ChunkStore for Gated {
    fn manifest(&self) -> &Arc<Manifest> {
        self.source.manifest()
    }

    fn have(&self) -> ChunkSet {
        self.source.have()
    }

    fn has(&self, chunk: ChunkIndex) -> bool {
        self.source.has(chunk)
    }

    fn read(&self, chunk: ChunkIndex, buf: &mut Vec<u8>) -> Result<(), ReadError> {
        let open = self.gate.open.lock().unwrap();
        drop(self.gate.changed.wait_while(open, |open| !*open).unwrap());
        self.source.read(chunk, buf)
    }
}

async fn node() -> Node {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap()
}

/// Shares a file that no other one is like, and no two chunks of it are.
fn share(node: &Node, dir: &Path, number: u64, gate: &Arc<Gate>) -> ContentId {
    share_as(node, dir, number, gate, ServeOptions::default())
}

fn share_as(node: &Node, dir: &Path, number: u64, gate: &Arc<Gate>, options: ServeOptions) -> ContentId {
    let path = dir.join(number.to_string());
    let words = (0..SIZE as u64 / 8).flat_map(|at| (at << 8 | number).to_le_bytes());
    std::fs::write(&path, words.collect::<Vec<u8>>()).unwrap();
    let chunker = Some(Chunker::Fixed { size: 16 << 10 });
    let imported = ImportOptions { paths: vec![path], chunker, ..ImportOptions::default() };
    let source = import(&imported, &|_| {}, &AtomicBool::new(false)).unwrap().source;
    let content = source.manifest().id();
    node.serve(Arc::new(Gated { source, gate: gate.clone() }), options).unwrap();
    content
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("it never came to that {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn five_contents_each_way_need_one_stream_each_way() {
    let scratch = tempfile::tempdir().unwrap();
    let gate = Arc::new(Gate::default());
    let _opens = OpensWhenDropped(gate.clone());
    let (one, two) = (node().await, node().await);
    let both = [(&one, &two), (&two, &one)];
    let mut fetched = Vec::new();
    for (n, (from, to)) in (0..).zip(both) {
        let at = from.addresses().await;
        for k in 0..5 {
            let content = share(from, scratch.path(), 10 * n + k, &gate);
            let dir = scratch.path().join(format!("to-{n}"));
            let options = FetchOptions { peers: at.clone(), ..FetchOptions::new(content, dir) };
            fetched.push(to.fetch(options).unwrap());
        }
    }
    let streams = |node: &Node| node.parts().streams.users();
    until("all contents use the streams", || both.iter().all(|(node, _)| streams(node) == [5])).await;
    gate.open();
    for content in &fetched {
        tokio::time::timeout(DEADLINE, content.finished()).await.expect("in time").expect("it completes");
        let traffic = content.progress().borrow().traffic.clone();
        assert_eq!((traffic.total.received, traffic.total.duplicate), (SIZE as u64, 0));
        assert_eq!((traffic.peers.len(), traffic.others.received), (1, 0));
    }
    until("nobody uses a stream", || both.iter().all(|(node, _)| streams(node).is_empty())).await;
    for (node, _) in both {
        assert_eq!(node.parts().uploads.sessions_so_far(), 1);
    }
}

#[tokio::test]
async fn what_happens_in_the_network_is_counted_where_that_is_wanted() {
    let metrics = crate::SwarmMetrics::default();
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    let config =
        NodeConfig { listen: listen.clone(), metrics: Some(metrics.clone()), ..NodeConfig::default() };
    let counted = Node::start(config).await;
    let other = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap();
    let address = other.addresses().await.remove(0);
    counted.as_ref().unwrap().control().reach(Some(other.peer_id()), address).await.unwrap();
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, metrics.registry()).unwrap();
    let is_counted =
        |line: &str| line.starts_with("libp2p_swarm_connections_established_total{") && line.ends_with(" 1");
    assert!(text.lines().any(is_counted), "{text}");
}
