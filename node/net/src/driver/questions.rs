//! The driver's part of `/shoal/query/1`: matches answers with questions, in both directions.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use libp2p::PeerId;
use libp2p::request_response::{self, ResponseChannel};
use libp2p::swarm::ConnectionId;
use shoal_registry::RequestLimiter;
use shoal_wire::frame::{Received, UnknownKind};
use shoal_wire::query::{QueryErrorCode, QueryRequest, QueryResponse};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::{Answered, Driver};
use crate::activity::ActivityKind;
use crate::answerer::Answerer;
use crate::control::QueryError;

/// Questions from peers under way at once; further ones are answered "busy" right away.
const MAX_QUESTIONS: usize = 256;

/// Costly questions that a peer may ask at once.
const BURST: u32 = 20;
/// And one more each time that this has passed.
const INTERVAL: Duration = Duration::from_millis(500);
/// The peers of one public network may together ask as often as so many peers.
const PEERS_PER_NETWORK: u32 = 4;
/// Peers, and networks, that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// How often costly questions may be asked.
pub(super) fn limiter() -> RequestLimiter {
    RequestLimiter::new(BURST, INTERVAL, PEERS_PER_NETWORK, MAX_REMEMBERED)
}

impl Driver {
    pub(super) fn query(
        &mut self,
        peer: PeerId,
        request: QueryRequest,
        reply: oneshot::Sender<Result<QueryResponse, QueryError>>,
    ) {
        // Without this check libp2p would dial on its own; which peers are dialled is the book's decision.
        if self.swarm.is_connected(&peer) {
            let id = self.swarm.behaviour_mut().query.send_request(&peer, Ok(request));
            self.queries.insert(id, reply);
        } else {
            let _ = reply.send(Err(QueryError::NotConnected));
        }
    }

    /// An answer to a peer's question is there.
    pub(super) fn answer(&mut self, answered: Answered) {
        let Answered { peer, kind, content, channel, answer } = answered;
        let refused = match &answer {
            QueryResponse::Error { code } => Some(*code),
            _ => None,
        };
        self.parts.uploads.tally().question(refused.is_none());
        let activity = self.parts.uploads.activity();
        activity.tell(Some(peer), content, || ActivityKind::Answered { kind, refused });
        let answer = self.swarm.behaviour().standing.sift(&peer, answer);
        // Fails when the connection is gone; then nobody waits for the answer.
        drop(self.swarm.behaviour_mut().query.send_response(channel, answer));
    }

    pub(super) fn on_query_event(
        &mut self,
        event: request_response::Event<Received<QueryRequest>, QueryResponse>,
    ) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, connection_id, message: Message::Request { request, channel, .. } } => {
                self.peers.used_by(&peer);
                self.on_question(peer, connection_id, request, channel);
            }
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(reply) = self.queries.remove(&request_id) {
                    let _ = reply.send(Ok(self.swarm.behaviour().standing.sift(&peer, response)));
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(reply) = self.queries.remove(&request_id) {
                    let _ = reply.send(Err(QueryError::Failed(error.into())));
                }
            }
            Event::InboundFailure { peer, error, .. } => tracing::debug!(%peer, %error, "query not answered"),
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_question(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        request: Received<QueryRequest>,
        channel: ResponseChannel<QueryResponse>,
    ) {
        let (kind, content) = match &request {
            Ok(request) => (request.kind(), request.content()),
            Err(UnknownKind { .. }) => ("unknown", None),
        };
        let asked = match request {
            Err(UnknownKind { .. }) => Err(QueryErrorCode::Unsupported),
            Ok(_) if self.answers.len() >= MAX_QUESTIONS => Err(QueryErrorCode::Busy),
            Ok(request) => self.ask(peer, connection, request),
        };
        match asked {
            Ok(answer) => self
                .answers
                .push(answer.map(move |answer| Answered { peer, kind, content, channel, answer }).boxed()),
            Err(code) => {
                let answer = QueryResponse::Error { code };
                self.answer(Answered { peer, kind, content, channel, answer });
            }
        }
    }

    /// Brings a question to where it is answered, or says at once why not.
    fn ask(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        request: QueryRequest,
    ) -> Result<BoxFuture<'static, QueryResponse>, QueryErrorCode> {
        let busy = QueryResponse::Error { code: QueryErrorCode::Busy };
        if matches!(request, QueryRequest::Ping {}) {
            let load = self.parts.uploads.load();
            return Ok(std::future::ready(QueryResponse::Ok { load }).boxed());
        }
        if !Answerer::takes(&request) {
            let answer = self.parts.library.ask(peer, request)?;
            return Ok(answer.map(|answer| answer.unwrap_or(busy)).boxed());
        }
        let now = self.parts.clock.now();
        if !self.limiter.allow(now, peer, self.peers.ip(connection)) {
            return Err(QueryErrorCode::Busy);
        }
        let answer = tokio::spawn(self.parts.clone().answer(peer, request).in_current_span());
        Ok(answer.map(|answer| answer.unwrap_or(busy)).boxed())
    }
}
