//! The protocols with trackers, put together. Composition only.

use std::time::Duration;

use libp2p::StreamProtocol;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use shoal_framing::FrameCodec;
use shoal_wire::{rendezvous, tracker};

use super::codec::RendezvousCodec;
use super::line::MAX_UNDERWAY;

/// A tracker answers over `/rendezvous/1.0.0` within this time, once it is connected, or has failed.
const RENDEZVOUS_TIMEOUT: Duration = Duration::from_secs(10);
/// The same for `/shoal/tracker/1`.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) type Rendezvous = request_response::Behaviour<RendezvousCodec>;
pub(super) type Services =
    request_response::Behaviour<FrameCodec<tracker::TrackerRequest, tracker::TrackerResponse>>;

/// A node only asks.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    pub(super) rendezvous: Rendezvous,
    pub(super) services: Services,
}

impl Default for Behaviour {
    fn default() -> Self {
        let within = |time| request_response::Config::default().with_request_timeout(time);
        let protocol = |id| [(StreamProtocol::new(id), ProtocolSupport::Outbound)];
        let many = within(RENDEZVOUS_TIMEOUT).with_max_concurrent_streams(2 * MAX_UNDERWAY);
        let services = within(SERVICE_TIMEOUT);
        Self {
            rendezvous: Rendezvous::with_codec(RendezvousCodec, protocol(rendezvous::PROTOCOL), many),
            services: Services::with_codec(FrameCodec::default(), protocol(tracker::PROTOCOL), services),
        }
    }
}
