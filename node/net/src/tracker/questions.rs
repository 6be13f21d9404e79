//! Questions to trackers that are under way: between the client and the Swarm.

use std::collections::HashMap;

use libp2p::PeerId;
use libp2p::request_response::{self, OutboundFailure, OutboundRequestId, ProtocolSupport};
use libp2p::{StreamProtocol, Swarm};
use shoal_wire::frame::Received;
use shoal_wire::tracker::{PROTOCOL, TrackerRequest, TrackerResponse};
use tokio::sync::oneshot;

use super::super::behaviour::Behaviour;
use super::super::codec::TrackerCodec;
use super::{TIMEOUT, TrackerError};

/// Where an answer goes.
pub(crate) type Reply = oneshot::Sender<Result<TrackerResponse, TrackerError>>;

/// The behaviour that a node's Swarm composes. A node only asks.
pub(crate) fn behaviour() -> request_response::Behaviour<TrackerCodec> {
    let config = request_response::Config::default().with_request_timeout(TIMEOUT);
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Outbound);
    request_response::Behaviour::with_codec(TrackerCodec::default(), [protocol], config)
}

/// Who waits for which answer. There is an entry only while a question is under way, and the behaviour ends
/// each within its time.
#[derive(Default)]
pub(crate) struct Questions(HashMap<OutboundRequestId, Reply>);

impl Questions {
    /// Asks a tracker that this node is connected to.
    pub(crate) fn ask(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        peer: PeerId,
        request: TrackerRequest,
        reply: Reply,
    ) {
        // Without this check libp2p would dial on its own.
        if swarm.is_connected(&peer) {
            let id = swarm.behaviour_mut().tracker.send_request(&peer, Ok(request));
            self.0.insert(id, reply);
        } else {
            let _ = reply.send(Err(TrackerError::Failed("the connection ended".into())));
        }
    }

    /// Passes an answer on to who waits for it.
    pub(crate) fn on_event(
        &mut self,
        event: request_response::Event<Received<TrackerRequest>, TrackerResponse>,
    ) {
        use request_response::{Event, Message};
        let (id, result) = match event {
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                (request_id, Ok(response))
            }
            Event::OutboundFailure { request_id, error, .. } => (request_id, Err(failed(&error))),
            Event::Message { .. } | Event::InboundFailure { .. } | Event::ResponseSent { .. } => return,
        };
        if let Some(reply) = self.0.remove(&id) {
            // Err only says that nobody waits any more.
            let _ = reply.send(result);
        }
    }
}

fn failed(error: &OutboundFailure) -> TrackerError {
    match error {
        OutboundFailure::UnsupportedProtocols => TrackerError::Unsupported,
        OutboundFailure::Timeout => TrackerError::Timeout,
        OutboundFailure::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            TrackerError::Malformed(error.to_string())
        }
        other => TrackerError::Failed(other.to_string()),
    }
}
