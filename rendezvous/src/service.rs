//! `/shoal/tracker/1`: brings requests to [`Services`] and answers back.
//!
//! It decides nothing and owns no table: the owner of the [`Registry`] lends it for each request, and does what
//! the answer's [`Effect`]s ask for.

use std::net::IpAddr;
use std::time::Duration;

use libp2p::request_response::{self, InboundRequestId, ProtocolSupport, ResponseChannel};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use shoal_framing::FrameCodec;
use shoal_registry::Registry;
use shoal_tracker::{Asker, Effect, ServiceLimits, ServiceOutcome, Services};
use shoal_wire::frame::{self, Received};
use shoal_wire::rendezvous::PeerRecord;
use shoal_wire::tracker::{PROTOCOL, TrackerRequest, TrackerResponse};

/// A request is read and answered within this time.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests under way per connection.
const MAX_REQUESTS: usize = 64;

pub(crate) type Behaviour = request_response::Behaviour<FrameCodec<TrackerRequest, TrackerResponse>>;
pub(crate) type Event = request_response::Event<Received<TrackerRequest>, TrackerResponse>;

/// The behaviour that a tracker's Swarm composes.
pub(crate) fn behaviour() -> Behaviour {
    let config = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(MAX_REQUESTS);
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Inbound);
    Behaviour::with_codec(FrameCodec::default(), [protocol], config)
}

/// Starts without any payload or published entry.
pub(crate) fn services(now: Duration) -> Services {
    Services::new(now, ServiceLimits::default(), env!("CARGO_PKG_VERSION"), addresses_in)
}

/// What to answer to a request, and what else is to be done.
pub(crate) struct Answer {
    pub(crate) peer: PeerId,
    pub(crate) id: InboundRequestId,
    pub(crate) channel: ResponseChannel<TrackerResponse>,
    pub(crate) response: TrackerResponse,
    pub(crate) effects: Vec<Effect>,
}

/// How much memory an answer takes while it is written, in bytes: itself and its frame.
pub(crate) fn memory_of(response: &TrackerResponse) -> usize {
    2 * frame::encode(response).map_or(0, |frame| frame.len())
}

/// Finds the answer to a request, if the event is one. `ip` is where the peer's connection comes from.
pub(crate) fn handle(
    services: &mut Services,
    registry: &mut Registry,
    now: Duration,
    ip: Option<IpAddr>,
    event: Event,
) -> Option<Answer> {
    use request_response::{Event, Message};
    match event {
        Event::Message { peer, message: Message::Request { request_id, request, channel }, .. } => {
            let from = Asker { peer, ip };
            let ServiceOutcome { response, effects } = services.handle(registry, now, from, request);
            if let TrackerResponse::Error { code } = &response {
                tracing::debug!(%peer, ?code, "request refused");
            }
            Some(Answer { peer, id: request_id, channel, response, effects })
        }
        Event::InboundFailure { peer, error, .. } => {
            tracing::debug!(%peer, %error, "request not answered");
            None
        }
        Event::Message { .. } | Event::OutboundFailure { .. } | Event::ResponseSent { .. } => None,
    }
}

/// The addresses in a record of the registry, of either form; none if it cannot be read.
fn addresses_in(record: &[u8]) -> Vec<Multiaddr> {
    PeerRecord::reopen(record).map(|record| record.addresses).unwrap_or_default()
}

#[cfg(test)]
mod tests;
