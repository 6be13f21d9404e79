//! What all contents of a node share.

use std::sync::Arc;

use libp2p::PeerId;
use tokio_util::sync::CancellationToken;

use crate::activity::ActivityHub;
use crate::clock::Clock;
use crate::control::Control;
use crate::discovery::SharedDiscovery;
use crate::events::EventHub;
use crate::fetch::ChunkStreams;
use crate::library::Library;
use crate::metrics::SwarmMetrics;
use crate::neighbours::ConnectionTable;
use crate::observer::Observer;
use crate::store_exchange::StoreDoor;
use crate::tracker_client::TrackerConnector;
use crate::upload::Uploads;

/// The parts of a node that a content works with; cheap to clone.
#[derive(Clone)]
pub(crate) struct NodeParts {
    pub(crate) local: PeerId,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    pub(crate) trackers: TrackerConnector,
    pub(crate) discovery: SharedDiscovery,
    pub(crate) library: Arc<Library>,
    pub(crate) uploads: Uploads,
    pub(crate) streams: ChunkStreams,
    pub(crate) connections: ConnectionTable,
    pub(crate) events: EventHub,
    pub(crate) activity: ActivityHub,
    pub(crate) store: StoreDoor,
    pub(crate) observer: Option<Observer>,
    pub(crate) metrics: Option<SwarmMetrics>,
    /// Cancelled when the task of the Swarm has ended.
    pub(crate) driver_ended: CancellationToken,
}
