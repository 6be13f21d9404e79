//! Starts everything that a node works with, and its task.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::answerer::Answerer;
use crate::clock::Clock;
use crate::config::NodeConfig;
use crate::control::Control;
use crate::discovery::{DiscoveryBehaviour, DiscoveryLayer, SharedDiscovery};
use crate::driver::Driver;
use crate::events::EventHub;
use crate::external::ExternalAddresses;
use crate::fetch::ChunkStreams;
use crate::library::Library;
use crate::listen;
use crate::memory::Memory;
use crate::neighbours::ConnectionTable;
use crate::node_error::NodeError;
use crate::pace::Pace;
use crate::parts::NodeParts;
use crate::peers::SharedPeers;
use crate::peers::layer::PeerLayer;
use crate::reachability::RelayKeeper;
use crate::store_exchange::{StoreDoor, StoreExchange};
use crate::topology::Finder;
use crate::tracker_client::TrackerConnector;
use crate::transport;
use crate::upload::Uploads;

/// How long to wait for the first listening address.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait until the relays that the user named lead here: a ticket that is made right away has their addresses.
const RELAY_TIMEOUT: Duration = Duration::from_secs(10);

/// Starts everything that contents work with.
pub(crate) async fn start(config: NodeConfig) -> Result<(NodeParts, Answerer), NodeError> {
    let local = config.identity.public().to_peer_id();
    let identity = config.identity.clone();
    let clock = Clock::start();
    let finding = config.discovery.for_listener(&config.listen);
    let behaviour = DiscoveryBehaviour::new(local, clock, &finding);
    let upnp = config.upnp && !listen::is_loopback(&config.listen);
    let mut swarm = transport::swarm(config.identity, &config.peers, upnp, behaviour)?;
    let early = listen::listen(&mut swarm, &config.listen, config.port, LISTEN_TIMEOUT).await?;
    let library = Arc::new(Library::default());
    let memory = Arc::new(Memory::default());
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
        finder: Finder::new(clock, local, library.clone(), connections.clone(), control.downgrade()),
    };
    let discovery = SharedDiscovery::new(clock, &finding);
    let layer = DiscoveryLayer::new(clock, discovery.clone(), peers.attach_node(), &finding);
    let driver = Driver::new(swarm, orders, questions, PeerLayer::new(clock, peers), answerer.clone(), layer)
        .announcing(ExternalAddresses::of(&config.listen))
        .relayed_by(RelayKeeper::new(clock, &config.relays))
        .answering(StoreExchange::new(store.clone()))
        .counting(config.metrics.clone());
    let driver_ended = CancellationToken::new();
    let ended = driver_ended.clone().drop_guard();
    tokio::spawn(async move {
        driver.run(early).await;
        // Also when it panics: contents must not wait for a task that is gone.
        drop(ended);
    });
    if !config.relays.is_empty() && tokio::time::timeout(RELAY_TIMEOUT, control.relayed()).await.is_err() {
        tracing::warn!("no relay has answered yet; others are not told of it");
    }
    let events = EventHub::new();
    let activity = uploads.activity().clone();
    let observer = config.observer;
    let parts = NodeParts {
        local,
        clock,
        control,
        trackers,
        discovery,
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
    };
    Ok((parts, answerer))
}

/// The streams on which this node fetches chunks.
fn chunk_streams(control: Control, pace: Pace, memory: Arc<Memory>, clock: Clock) -> ChunkStreams {
    let open = move |peer| {
        let control = control.clone();
        async move { control.open_stream(peer).await }
    };
    ChunkStreams::new(open, Arc::new(pace), memory, clock)
}
