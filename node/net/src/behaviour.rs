//! The behaviours of a node, put together. Composition only.

use std::sync::Arc;
use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, StreamProtocol, identify, ping, relay};
use shoal_engine::PeerBookConfig;
use shoal_wire::{query, store};

use super::codec::{QueryCodec, StoreCodec};
use super::discovery::DiscoveryBehaviour;
use super::standing::Resolved;
use super::{handshakes, reachability, standing, streams, tracker_client};

/// What identify tells others of the protocol family.
const PROTOCOL_VERSION: &str = "/shoal/1";
/// What identify tells others of the program.
const AGENT: &str = concat!("shoal/", env!("CARGO_PKG_VERSION"));

/// Connections above those of [`PeerBookConfig`], both ways together: the book can only choose which of them ends if
/// the Swarm does not refuse them first. Half of them are for those that others begin.
const SLACK: usize = 32;
/// Both ends may dial at the same moment, and over two transports; each may come by way of a relay first.
const MAX_PER_PEER: u32 = 8;
/// Handshakes at once that this node begins.
const MAX_PENDING_OUTGOING: u32 = 64;
/// Handshakes at once that others begin: more than are let through, so that the Swarm refuses none. One that gave way
/// is still there until its task has seen that.
const MAX_PENDING_INCOMING: u32 = 4 * handshakes::MAX as u32;
/// A query is answered within this time or has failed. Long, so that the largest answer comes over a line of a few
/// kilobytes per second; silence is noticed much sooner (`codec`).
const QUERY_TIMEOUT: Duration = Duration::from_secs(300);
/// Queries under way per connection, both ways together.
const MAX_QUERIES: usize = 100;

/// Behaviours that refuse connections come first, so that no other one acts on a refused connection.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    blocked: allow_block_list::Behaviour<BlockedPeers>,
    limits: connection_limits::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) query: request_response::Behaviour<QueryCodec>,
    pub(super) store: request_response::Behaviour<StoreCodec>,
    pub(super) trackers: tracker_client::Behaviour,
    pub(super) standing: standing::Behaviour,
    pub(super) streams: streams::Behaviour,
    pub(super) discovery: DiscoveryBehaviour,
    pub(super) reachability: reachability::Behaviour,
}

/// What a behaviour is made with beside the identity.
pub(super) struct BehaviourParts<'a> {
    pub(super) peers: &'a PeerBookConfig,
    pub(super) resolved: Arc<Resolved>,
    /// The part of the transport of relayed connections.
    pub(super) relay: relay::client::Behaviour,
    /// Whether routers are asked to forward ports.
    pub(super) upnp: bool,
    pub(super) discovery: DiscoveryBehaviour,
}

impl Behaviour {
    pub(super) fn new(identity: &Keypair, parts: BehaviourParts<'_>) -> Self {
        let BehaviourParts { peers, resolved, relay, upnp, discovery } = parts;
        let identify = identify::Config::new(PROTOCOL_VERSION.into(), identity.public())
            .with_agent_version(AGENT.into())
            .with_push_listen_addr_updates(true)
            // What peers say of their addresses is for the peer book alone, which judges it. From this cache a dial of a
            // relay would take any.
            .with_cache_size(0);
        let query = request_response::Config::default()
            .with_request_timeout(QUERY_TIMEOUT)
            .with_max_concurrent_streams(MAX_QUERIES);
        let protocol = (StreamProtocol::new(query::PROTOCOL), ProtocolSupport::Full);
        let of_store = (StreamProtocol::new(store::PROTOCOL), ProtocolSupport::Full);
        Self {
            blocked: allow_block_list::Behaviour::default(),
            limits: connection_limits::Behaviour::new(limits(peers)),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new()),
            query: request_response::Behaviour::with_codec(QueryCodec::default(), [protocol], query.clone()),
            store: request_response::Behaviour::with_codec(StoreCodec::default(), [of_store], query),
            trackers: tracker_client::Behaviour::default(),
            standing: standing::Behaviour::new(resolved),
            streams: streams::Behaviour::default(),
            discovery,
            reachability: reachability::Behaviour::new(identity, relay, upnp),
        }
    }

    /// Closes connections to a peer and refuses it from now on.
    pub(super) fn block(&mut self, peer: PeerId) {
        self.blocked.block_peer(peer);
    }

    /// Refuses a peer no longer.
    pub(super) fn unblock(&mut self, peer: PeerId) {
        self.blocked.unblock_peer(peer);
    }
}

/// What the Swarm refuses, whatever the peer book thinks of it. These limits hold when peers come faster than the book
/// can close others.
fn limits(peers: &PeerBookConfig) -> ConnectionLimits {
    let count = |connections: usize| Some(u32::try_from(connections).unwrap_or(u32::MAX));
    let incoming = peers.max_connections.saturating_sub(peers.kept_for_dials);
    let slack = SLACK.min(peers.max_connections / 4);
    ConnectionLimits::default()
        .with_max_established(count(peers.max_connections.saturating_add(slack)))
        .with_max_established_incoming(count(incoming.saturating_add(slack / 2)))
        .with_max_established_per_peer(Some(MAX_PER_PEER))
        .with_max_pending_incoming(Some(MAX_PENDING_INCOMING))
        .with_max_pending_outgoing(Some(MAX_PENDING_OUTGOING))
}
