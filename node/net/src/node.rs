//! The node's handle: start it, share, fetch, stop it.

use std::sync::Arc;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ContentId, Manifest};
use tokio::sync::{mpsc, oneshot};

use super::config::NodeConfig;
#[cfg(test)]
use super::control::Control;
use super::neighbours::Neighbour;
use super::node_error::NodeError;
use super::tracker_client::TrackerClient;
use crate::activity::ActivityStream;
use crate::answerer::Answerer;
use crate::catalogue::{Catalogue, ContentStatus};
use crate::detail::ContentDetail;
use crate::discovery::DhtStatus;
use crate::events::Subscription;
use crate::figures::{BandwidthLimits, NodeCounters, NodeLoad};
use crate::handle::ContentHandle;
use crate::job::{Failure, FetchOptions, Intent, ServeOptions};
use crate::library::Inquiry;
use crate::parts::NodeParts;
use crate::remote::{AskError, RemotePeer};
use crate::starting::start;
use crate::store_exchange::StoreQuestion;
use crate::target::PeerTarget;
use crate::topology::{FindQuestion, FoundByPeers, MapOptions, Neighbourhood, SwarmMap, finding, map};
use crate::traffic::Exchanged;
use shoal_engine::{RememberedPeer, RingMember};
use shoal_store::{ChunkStore, Holdings};

/// A running node; cheap to clone. It owns its contents. It ends when it is shut down, or when every handle is dropped.
#[derive(Clone)]
pub struct Node {
    parts: NodeParts,
    catalogue: Arc<Catalogue>,
    answerer: Answerer,
    neighbourhood: Arc<Neighbourhood>,
}

impl Node {
    /// Starts a node and waits until it listens.
    pub async fn start(config: NodeConfig) -> Result<Self, NodeError> {
        let neighbourhood = config.neighbourhood.clone();
        let (parts, answerer) = start(config).await?;
        let catalogue = Arc::new(Catalogue::new(parts.clone()));
        let neighbourhood = Arc::new(Neighbourhood::start(&parts, &neighbourhood));
        Ok(Self { parts, catalogue, answerer, neighbourhood })
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

    /// How finding peers without a tracker goes.
    pub async fn dht(&self) -> DhtStatus {
        self.parts.discovery.status().await
    }

    /// The peers of the DHT that are nearest to a key by Kademlia's distance, as far as a lookup finds them within 30
    /// seconds, and the addresses at which each may be; at most 40. Empty where nobody of the DHT is known. What others say
    /// of where they are is not proven.
    pub async fn closest_peers(&self, key: Vec<u8>) -> Vec<(PeerId, Vec<Multiaddr>)> {
        self.parts.discovery.nearest(key).await
    }

    /// Peers that worked, the best first, for [`DiscoveryConfig::remembered`](crate::DiscoveryConfig::remembered) at the
    /// next start; at most 64.
    pub fn remembered(&self) -> Vec<RememberedPeer> {
        let traffic = self.parts.uploads.tally().snapshot();
        self.parts.discovery.remembered(|peer| traffic.with(peer) != Exchanged::default())
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

    /// Asks peers for contents by name; they ask on. What they say is their claim.
    ///
    /// # Errors
    /// None of the peers that were named can be reached.
    pub async fn find(&self, question: FindQuestion) -> Result<FoundByPeers, AskError> {
        finding::find(&self.parts, &self.answerer.finder, question).await
    }

    /// Draws the map of the swarm, as far as this node sees and as others say; at most 20 seconds.
    ///
    /// # Errors
    /// None of the peers that were named can be reached.
    pub async fn map(&self, options: &MapOptions) -> Result<SwarmMap, AskError> {
        map::draw(&self.parts, self.answerer.own_answer(options.content), options).await
    }

    /// The neighbours on either side of the node's place on the ring of all peers, as far as it holds any.
    pub fn ring(&self) -> Vec<RingMember> {
        self.neighbourhood.members()
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
