//! The behaviours of a tracker, put together. Composition only.

use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, autonat, identify, ping, relay};
use shoal_guard::{DialBack, Guarded};
use shoal_wire::rendezvous::PROTOCOL;

use crate::codec::Codec;
use crate::prefix_limits;
use crate::probes::{MAX_PROBES, PATIENCE};
use crate::relaying;
use crate::service;
use crate::settings::Settings;
use crate::sign_of_life::PingCodec;

/// Both ends may dial at the same moment, and over two transports.
const MAX_PER_PEER: u32 = 4;
const MAX_PENDING: u32 = 512;
/// Of those, from one network: peers that only begin connections must not keep others out.
const MAX_PENDING_PER_PREFIX: usize = MAX_PENDING as usize / 4;
/// A request is read and answered within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests under way per connection.
const MAX_REQUESTS: usize = 64;

/// Behaviours that refuse connections come first.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    prefix_limits: prefix_limits::Behaviour,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(crate) rendezvous: request_response::Behaviour<Codec>,
    pub(crate) sign_of_life: request_response::Behaviour<PingCodec>,
    pub(crate) tracker: service::Behaviour,
    pub(crate) relay: Toggle<relay::Behaviour>,
    probed: Guarded<autonat::v2::server::Behaviour, DialBack>,
}

impl Behaviour {
    pub(crate) fn new(identity: &Keypair, settings: &Settings) -> Self {
        let local = identity.public().to_peer_id();
        let limits = ConnectionLimits::default()
            .with_max_established(Some(settings.connections))
            .with_max_established_per_peer(Some(MAX_PER_PEER))
            .with_max_pending_incoming(Some(MAX_PENDING))
            .with_max_pending_outgoing(Some(MAX_PROBES as u32));
        let identify = identify::Config::new("/shoal/1".into(), identity.public())
            .with_agent_version(concat!("shoal-rendezvous/", env!("CARGO_PKG_VERSION")).into());
        let requests = request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(MAX_REQUESTS);
        let pings = request_response::Config::default().with_request_timeout(PATIENCE);
        let rendezvous = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Inbound);
        let ping = (ping::PROTOCOL_NAME, ProtocolSupport::Outbound);
        Self {
            limits: connection_limits::Behaviour::new(limits),
            prefix_limits: prefix_limits::Behaviour::new(
                settings.connections_per_prefix,
                MAX_PENDING_PER_PREFIX,
            ),
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new()),
            rendezvous: request_response::Behaviour::with_codec(Codec, [rendezvous], requests),
            sign_of_life: request_response::Behaviour::with_codec(PingCodec, [ping], pings),
            tracker: service::behaviour(),
            relay: settings.relay.map(|relay| relaying::behaviour(local, &relay)).into(),
            probed: Guarded::new(autonat::v2::server::Behaviour::default(), DialBack::default()),
        }
    }
}
