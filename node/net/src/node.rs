//! The node's handle: start it, share, fetch, stop it.

use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ContentId, Manifest};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::config::NodeConfig;
use super::control::Control;
use super::driver::Driver;
use super::external::ExternalAddresses;
use super::fetch::ChunkStreams;
use super::library::Library;
use super::listen;
use super::memory::Memory;
use super::neighbours::{ConnectionTable, Neighbour};
use super::node_error::NodeError;
use super::pace::Pace;
use super::peers::SharedPeers;
use super::peers::layer::PeerLayer;
use super::tracker_client::{TrackerClient, TrackerConnector};
use super::transport;
use super::upload::Uploads;
use crate::activity::ActivityStream;
use crate::answerer::Answerer;
use crate::catalogue::{Catalogue, ContentStatus};
use crate::detail::ContentDetail;
use crate::events::{EventHub, Subscription};
use crate::figures::{BandwidthLimits, NodeCounters, NodeLoad};
use crate::handle::ContentHandle;
use crate::job::{Failure, FetchOptions, Intent, ServeOptions};
use crate::library::Inquiry;
use crate::parts::NodeParts;
use crate::remote::RemotePeer;
use crate::store_exchange::{StoreDoor, StoreExchange, StoreQuestion};
use crate::target::PeerTarget;
use shoal_store::{ChunkStore, Holdings};

/// How long to wait for the first listening address.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A running node; cheap to clone. It owns its contents. It ends when it is shut down, or when every handle is dropped.
#[derive(Clone)]
pub struct Node {
    parts: NodeParts,
    catalogue: Arc<Catalogue>,
}

impl Node {
    /// Starts a node and waits until it listens.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let parts = start(config).await?;
        let catalogue = Arc::new(Catalogue::new(parts.clone()));
        Ok(Self { parts, catalogue })
    }

    #[cfg(test)]
    pub(super) fn control(&self) -> &Control {
        &self.parts.control
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The id of the node as a peer.
    pub fn peer_id(&self) -> PeerId {
        self.parts.local
    }

    /// Where others can reach the node, each ending in `/p2p/PEER`, in a fixed order. Loopback addresses are among
    /// them only if there are no others, or if the node was told to listen on one.
    pub async fn addresses(&self) -> Vec<Multiaddr> {
        let mut addresses = self.parts.control.addresses().await;
        addresses.sort_unstable();
        addresses.into_iter().filter_map(|a| a.with_p2p(self.parts.local).ok()).collect()
    }

    /// Serves a content from a store.
    pub fn serve(&self, store: Arc<dyn ChunkStore>, options: ServeOptions) -> Result<ContentHandle, Failure> {
        let content = store.manifest().id();
        self.add(content, Intent::Serve { store, options })
    }

    /// Finds chunks by their hash in all contents that this node serves or fetches.
    pub fn holdings(&self) -> Holdings {
        self.parts.library.holdings().clone()
    }

    /// Fetches a content, and serves what it has of it. Chunks that another content of this node has are copied from
    /// there.
    pub fn fetch(&self, options: FetchOptions) -> Result<ContentHandle, Failure> {
        self.add(options.content, Intent::Fetch(Box::new(options)))
    }

    pub(crate) fn parts(&self) -> &NodeParts {
        &self.parts
    }

    fn add(&self, content: ContentId, intent: Intent) -> Result<ContentHandle, Failure> {
        // Before the content begins, so that no event is missed.
        let events = self.parts.events.subscribe();
        let followed = self.catalogue.add(content, intent)?;
        Ok(ContentHandle::new(content, self.catalogue.clone(), events, followed))
    }

    /// A handle of a content that the node has.
    pub fn content(&self, content: ContentId) -> Option<ContentHandle> {
        let events = self.parts.events.subscribe();
        let followed = self.catalogue.follow(content)?;
        Some(ContentHandle::new(content, self.catalogue.clone(), events, followed))
    }

    /// All contents, by id.
    pub fn contents(&self) -> Vec<ContentStatus> {
        self.catalogue.list()
    }

    /// All contents as they are, and every event from then on: an event that is not heard is in what is listed.
    pub fn subscribe(&self) -> (Vec<ContentStatus>, Subscription) {
        // In this order: what happens in between is in both.
        let events = self.parts.events.subscribe();
        (self.contents(), events)
    }

    /// All that the node does from now on, one thing after another: each connection, question and chunk.
    pub fn activity(&self) -> ActivityStream {
        self.parts.activity.subscribe()
    }

    /// Fetches a manifest and nothing else; `wait` as in [`FetchOptions::wait`]. Cancel-safe.
    pub async fn manifest(
        &self,
        content: ContentId,
        peers: Vec<Multiaddr>,
        trackers: Vec<Multiaddr>,
        wait: Option<Duration>,
    ) -> Result<Arc<Manifest>, Arc<Failure>> {
        let handle = self.add(content, Intent::Manifest { peers, trackers, wait })?;
        // Also when this future is dropped.
        let remove = Removal { content, catalogue: self.catalogue.clone() };
        let finished = handle.finished().await;
        handle.remove().await;
        drop(remove);
        Ok(finished?.manifest)
    }

    /// The bandwidth limits that hold now.
    pub fn limits(&self) -> BandwidthLimits {
        BandwidthLimits::of(&self.parts.uploads, self.parts.streams.intake())
    }

    /// Sets the bandwidth limits, in bytes of chunks per second; `None`: no limit. What is being sent and fetched follows
    /// at once.
    pub fn set_limits(&self, up: Option<u64>, down: Option<u64>) {
        self.parts.uploads.set_limit(up);
        self.parts.streams.intake().set_limit(down);
    }

    /// How busy the node is now.
    pub fn load(&self) -> NodeLoad {
        NodeLoad::of(&self.parts.uploads, self.parts.streams.intake())
    }

    /// What the node has done since it was started. For each content, see [`Progress::traffic`](crate::Progress::traffic).
    pub fn counters(&self) -> NodeCounters {
        NodeCounters::of(self.parts.clock.now(), self.parts.uploads.tally(), &self.parts.connections)
    }

    /// The connected peers, by id.
    pub fn neighbours(&self) -> Vec<Neighbour> {
        let traffic = self.parts.uploads.tally().snapshot();
        let mut all = self.parts.connections.list(self.parts.clock.now());
        for neighbour in &mut all {
            neighbour.contents = self.parts.control.contents_with(&neighbour.peer);
            neighbour.exchanged = traffic.with(&neighbour.peer);
        }
        all
    }

    /// What is known of a content and its peers now; `None` if it is not here, or nothing is done for it.
    pub async fn content_detail(&self, content: ContentId) -> Option<ContentDetail> {
        let (reply, detail) = oneshot::channel();
        self.parts.library.inquire(&content, Inquiry::Detail(reply)).await;
        // Without an answer, the content has ended or was never here.
        detail.await.ok()
    }

    /// A peer, to ask it something. Nothing is sent before that.
    pub fn peer(&self, target: impl Into<PeerTarget>) -> RemotePeer {
        RemotePeer::new(self.parts.control.clone(), target.into())
    }

    /// What peers ask of the store from now on. Who took it before hears nothing any more; while nobody has it, peers are told
    /// that this node knows no store.
    pub fn store_questions(&self) -> mpsc::Receiver<StoreQuestion> {
        self.parts.store.open()
    }

    /// Where peers can be found, as far as that is known and others may be told. Peers of which there is nothing to tell
    /// are left out.
    pub fn addresses_of(&self, peers: Vec<PeerId>) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.parts.control.addresses_of(peers)
    }

    /// What a content is read from, if the node has any of it.
    pub fn store_of(&self, content: &ContentId) -> Option<Arc<dyn ChunkStore>> {
        self.parts.library.store(content)
    }

    /// The tracker at an address, to ask it something. Nothing is sent before that.
    pub fn tracker(&self, address: Multiaddr) -> TrackerClient {
        self.parts.trackers.at(address)
    }

    /// Stops every content in good order, closes every connection and ends the node.
    pub async fn shutdown(self) {
        self.catalogue.clear().await;
        self.parts.control.shutdown().await;
    }
}

/// Takes a content out of the node when it is dropped.
struct Removal {
    content: ContentId,
    catalogue: Arc<Catalogue>,
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.catalogue.remove_soon(self.content);
    }
}

/// Starts everything that contents work with.
async fn start(config: NodeConfig) -> Result<NodeParts, NodeError> {
    let local = config.identity.public().to_peer_id();
    let identity = config.identity.clone();
    let mut swarm = transport::swarm(config.identity, &config.peers)?;
    listen::listen(&mut swarm, &config.listen, config.port, LISTEN_TIMEOUT).await?;
    let library = Arc::new(Library::default());
    let memory = Arc::new(Memory::default());
    let clock = Clock::start();
    let uploads = Uploads::new(config.upload, config.limit_up, library.clone(), memory.clone(), clock);
    let peers = SharedPeers::new(clock, local, config.peers);
    let (control, orders) = Control::new(peers.clone(), uploads.activity().clone());
    let (trackers, questions) = TrackerConnector::new(control.clone(), identity);
    let streams = chunk_streams(control.clone(), Pace::new(config.limit_down, clock), memory, clock);
    let connections = ConnectionTable::default();
    let store = StoreDoor::default();
    let answerer = Answerer {
        clock,
        library: library.clone(),
        uploads: uploads.clone(),
        intake: streams.intake().clone(),
        connections: connections.clone(),
        peers: peers.clone(),
    };
    let driver = Driver::new(swarm, orders, questions, PeerLayer::new(clock, peers), answerer)
        .announcing(ExternalAddresses::of(&config.listen))
        .answering(StoreExchange::new(store.clone()))
        .counting(config.metrics.clone());
    let driver_ended = CancellationToken::new();
    let ended = driver_ended.clone().drop_guard();
    tokio::spawn(async move {
        driver.run().await;
        // Also when it panics: contents must not wait for a task that is gone.
        drop(ended);
    });
    let events = EventHub::new();
    let activity = uploads.activity().clone();
    let observer = config.observer;
    Ok(NodeParts {
        local,
        clock,
        control,
        trackers,
        library,
        uploads,
        streams,
        connections,
        events,
        activity,
        store,
        observer,
        metrics: config.metrics,
        driver_ended,
    })
}

/// The streams on which this node fetches chunks.
fn chunk_streams(control: Control, pace: Pace, memory: Arc<Memory>, clock: Clock) -> ChunkStreams {
    let open = move |peer| {
        let control = control.clone();
        async move { control.open_stream(peer).await }
    };
    ChunkStreams::new(open, Arc::new(pace), memory, clock)
}
