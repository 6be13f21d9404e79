//! A provider in this process that hands out chunks one by one, and counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex};

use libp2p::Multiaddr;
use shoal_content::{ChunkIndex, ChunkSet, Chunker, Manifest, Ticket};
use shoal_net::{ContentHandle, Node, NodeConfig, ServeOptions};
use shoal_store::{ChunkStore, ImportOptions, ReadError, Source, import};

use crate::DEADLINE;
use crate::process::LOOPBACK;

/// How reads may go on.
#[derive(Debug, Default)]
struct State {
    /// Reads that may still pass.
    open: usize,
    /// How often each chunk was read.
    reads: BTreeMap<ChunkIndex, usize>,
}

/// A store whose reads wait for permission.
pub struct Gate {
    source: Source,
    state: Mutex<State>,
    changed: Condvar,
}

impl Gate {
    /// Shares `path`, with every read shut.
    pub fn new(path: &Path, chunker: Chunker) -> Arc<Self> {
        Arc::new(Self { source: source(path, chunker), state: Mutex::default(), changed: Condvar::new() })
    }

    /// Lets `reads` more through.
    pub fn open(&self, reads: usize) {
        let mut state = self.state.lock().unwrap();
        state.open = state.open.saturating_add(reads);
        self.changed.notify_all();
    }

    /// Lets everything through from now on.
    pub fn open_all(&self) {
        self.open(usize::MAX);
    }

    /// Whether no read can pass now.
    pub fn is_shut(&self) -> bool {
        self.state.lock().unwrap().open == 0
    }

    /// How often each chunk was read so far.
    pub fn reads(&self) -> BTreeMap<ChunkIndex, usize> {
        self.state.lock().unwrap().reads.clone()
    }

    /// How many reads there were so far.
    pub fn count(&self) -> usize {
        self.reads().values().sum()
    }
}

impl ChunkStore for Gate {
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
        let state = self.state.lock().unwrap();
        let (mut state, late) = self.changed.wait_timeout_while(state, DEADLINE, |s| s.open == 0).unwrap();
        if late.timed_out() {
            return Err(ReadError::NotHere(chunk));
        }
        state.open -= 1;
        *state.reads.entry(chunk).or_default() += 1;
        drop(state);
        self.source.read(chunk, buf)
    }
}

/// Imports a path without a cache.
pub fn source(path: &Path, chunker: Chunker) -> Source {
    let options = ImportOptions {
        paths: vec![path.to_owned()],
        name: None,
        chunker: Some(chunker),
        cache: None,
        skip_unsafe: false,
    };
    import(&options, &|_| {}, &AtomicBool::new(false)).expect("can be imported").source
}

/// A node in this process that serves one store.
pub struct Provider {
    /// The node.
    pub node: Node,
    /// Where it can be reached, and what it has.
    pub ticket: Ticket,
    gate: Option<Arc<Gate>>,
    _handle: ContentHandle,
}

/// A runtime waits for its blocking reads, also after a panic: let them through.
impl Drop for Provider {
    fn drop(&mut self) {
        self.gate.iter().for_each(|gate| gate.open_all());
    }
}

/// Serves behind a gate, which opens when the provider is dropped.
pub async fn provide_gated(gate: Arc<Gate>) -> Provider {
    provide_gated_at(gate, vec![]).await
}

/// As [`provide_gated`], registered at rendezvous points.
pub async fn provide_gated_at(gate: Arc<Gate>, rendezvous: Vec<Multiaddr>) -> Provider {
    let mut provider = provide_at(gate.clone(), rendezvous).await;
    provider.gate = Some(gate);
    provider
}

/// Serves a store on loopback.
pub async fn provide(store: Arc<dyn ChunkStore>) -> Provider {
    provide_at(store, vec![]).await
}

async fn provide_at(store: Arc<dyn ChunkStore>, rendezvous: Vec<Multiaddr>) -> Provider {
    let listen = vec![LOOPBACK.parse().unwrap()];
    let node = Node::start(NodeConfig { listen, ..NodeConfig::default() }).await.unwrap();
    let content = store.manifest().id();
    let options = ServeOptions { trackers: rendezvous, ..ServeOptions::default() };
    let handle = node.serve(store, options).unwrap();
    let ticket = Ticket { content, peers: node.addresses().await, rendezvous: vec![] };
    Provider { node, ticket, gate: None, _handle: handle }
}
