//! The node's handle: start it, share, fetch, stop it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_content::{ContentId, Manifest};
use shoal_engine::UploadConfig;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::control::{Control, EVENTS, ORDERS};
use super::driver::Driver;
use super::fetch::ChunkStreams;
use super::job::{self, ContentHandle, Failure, GetOptions, Goal, Shared};
use super::library::Library;
use super::memory::Memory;
use super::pace::Pace;
use super::points::Points;
use super::tracker::Tracker;
use super::traffic::{PeerTraffic, Traffic};
use super::transport;
use super::upload::Uploads;
use shoal_store::ChunkStore;

/// How long to wait for the first listening address.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// How a node is started.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Who the node is.
    pub identity: Keypair,
    /// Where it listens; every address must work. Empty: on all interfaces, TCP and QUIC, IPv4 and
    /// IPv6, as far as the machine has them.
    pub listen: Vec<Multiaddr>,
    /// The port for an empty `listen`; 0 lets the system choose.
    pub port: u16,
    /// How others are served.
    pub upload: UploadConfig,
    /// Most bytes of chunks sent per second.
    pub limit_up: Option<u64>,
    /// Most bytes of chunks fetched per second.
    pub limit_down: Option<u64>,
}

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            identity: Keypair::generate_ed25519(),
            listen: Vec::new(),
            port: 0,
            upload: UploadConfig::default(),
            limit_up: None,
            limit_down: None,
        }
    }
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Keys or transports.
    #[error("cannot set up the network: {0}")]
    Setup(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {why}")]
    Listen {
        /// Where.
        address: Multiaddr,
        /// What the system said.
        why: String,
    },
    /// Nothing to listen on.
    #[error("cannot listen on any interface: {0}")]
    NoListener(String),
}

/// A running node; cheap to clone. It ends when it is shut down or every handle is dropped.
#[derive(Clone)]
pub struct Node {
    shared: Shared,
}

impl Node {
    /// Starts a node and waits until it listens.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let local = config.identity.public().to_peer_id();
        let points = Points::new(config.identity.clone());
        let mut swarm = transport::swarm(config.identity)?;
        transport::listen(&mut swarm, &config.listen, config.port, LISTEN_TIMEOUT).await?;
        let (orders, order_receiver) = mpsc::channel(ORDERS);
        let (events, _) = broadcast::channel(EVENTS);
        let library = Arc::new(Library::default());
        let traffic = Arc::new(Traffic::default());
        let clock = Clock::start();
        let uploads = Uploads::new(config.upload, config.limit_up, library.clone(), traffic.clone(), clock);
        let control = Control::new(orders, events.clone());
        let streams = chunk_streams(control.clone(), Pace::new(config.limit_down, clock), clock);
        let driver = Driver::new(swarm, points, order_receiver, events, library.clone(), uploads.clone());
        let alive = CancellationToken::new();
        let ended = alive.clone().drop_guard();
        tokio::spawn(async move {
            driver.run().await;
            // Also when it panics: jobs must not wait for a task that is gone.
            drop(ended);
        });
        Ok(Self {
            shared: Shared { local, clock, control, library, traffic, uploads, streams, driver_ended: alive },
        })
    }

    /// Who the node is.
    pub fn peer_id(&self) -> PeerId {
        self.shared.local
    }

    /// Where others can reach the node, each ending in `/p2p/PEER`.
    pub async fn addresses(&self) -> Vec<Multiaddr> {
        let addresses = self.shared.control.addresses().await;
        addresses.into_iter().filter_map(|a| a.with_p2p(self.shared.local).ok()).collect()
    }

    /// Serves a content from a store.
    pub fn serve(
        &self,
        store: Arc<dyn ChunkStore>,
        rendezvous: Vec<Multiaddr>,
    ) -> Result<ContentHandle, Failure> {
        let content = store.manifest().id();
        job::start(self.shared.clone(), content, Goal::Serve { store, rendezvous, publish: false })
    }

    /// Serves a content from a store as [`serve`](Self::serve) does, and tells the rendezvous points its name,
    /// size and number of files for as long: they tell whoever asks.
    pub fn serve_and_publish(
        &self,
        store: Arc<dyn ChunkStore>,
        rendezvous: Vec<Multiaddr>,
    ) -> Result<ContentHandle, Failure> {
        let content = store.manifest().id();
        job::start(self.shared.clone(), content, Goal::Serve { store, rendezvous, publish: true })
    }

    /// The tracker at an address, to ask it something. Nothing is sent before that.
    pub fn tracker(&self, address: Multiaddr) -> Tracker {
        Tracker::at(self.shared.control.clone(), address)
    }

    /// Fetches a content, and serves what it has of it.
    pub fn get(&self, options: GetOptions) -> Result<ContentHandle, Failure> {
        job::start(self.shared.clone(), options.content, Goal::Get(Box::new(options)))
    }

    /// Fetches a manifest and nothing else; `wait` as in [`GetOptions::wait`].
    pub async fn manifest(
        &self,
        content: ContentId,
        peers: Vec<Multiaddr>,
        rendezvous: Vec<Multiaddr>,
        wait: Option<Duration>,
    ) -> Result<Arc<Manifest>, Failure> {
        let goal = Goal::Manifest { peers, rendezvous, wait };
        let mut handle = job::start(self.shared.clone(), content, goal)?;
        let result = handle.finished().await.map(|finished| finished.manifest);
        handle.stop().await;
        result
    }

    /// Chunk bytes exchanged for a content, by peer.
    pub fn traffic(&self, content: ContentId) -> BTreeMap<PeerId, PeerTraffic> {
        self.shared.traffic.of(content)
    }

    /// Closes every connection and ends the node. Stop its contents first.
    pub async fn shutdown(self) {
        self.shared.control.shutdown().await;
    }
}

/// The streams on which this node fetches chunks.
fn chunk_streams(control: Control, pace: Pace, clock: Clock) -> ChunkStreams {
    let open = move |peer| {
        let control = control.clone();
        async move { control.open_stream(peer).await }
    };
    ChunkStreams::new(open, Arc::new(pace), Arc::new(Memory::default()), clock)
}
