//! The driver's part of the store: what is under way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::PeerId;
use libp2p::request_response::{Event, Message, OutboundRequestId, ResponseChannel};
use libp2p::swarm::ConnectionId;
use shoal_registry::RequestLimiter;
use shoal_wire::frame::Received;
use shoal_wire::query::QueryErrorCode;
use shoal_wire::store::{StoreRequest, StoreResponse};
use tokio::sync::oneshot;

use super::door::StoreDoor;
use super::sift::{sift_request, sift_response};
use crate::behaviour::Behaviour;
use crate::control::QueryError;

/// Questions from peers under way at once; further ones are answered "busy" right away.
const MAX_QUESTIONS: usize = 128;
/// Questions that a peer may ask at once: it may have many contents to speak about.
const BURST: u32 = 200;
/// And one more each time that this has passed.
const INTERVAL: Duration = Duration::from_millis(50);
/// The peers of one public network may together ask as often as so many peers.
const PEERS_PER_NETWORK: u32 = 8;
/// Peers, and networks, that are remembered.
const MAX_REMEMBERED: usize = 4096;

/// A question of a peer that has its answer.
pub(crate) struct StoreAnswered {
    peer: PeerId,
    channel: ResponseChannel<StoreResponse>,
    answer: StoreResponse,
}

type Reply = oneshot::Sender<Result<StoreResponse, QueryError>>;

/// What is under way.
pub(crate) struct StoreExchange {
    door: StoreDoor,
    limiter: RequestLimiter,
    /// Whether the question that comes next may be answered.
    allowed: bool,
    asked: HashMap<OutboundRequestId, Reply>,
    answers: FuturesUnordered<BoxFuture<'static, StoreAnswered>>,
}

impl Default for StoreExchange {
    fn default() -> Self {
        Self::new(StoreDoor::default())
    }
}

impl StoreExchange {
    /// Questions go through a door.
    pub(crate) fn new(door: StoreDoor) -> Self {
        Self {
            door,
            limiter: RequestLimiter::new(BURST, INTERVAL, PEERS_PER_NETWORK, MAX_REMEMBERED),
            allowed: true,
            asked: HashMap::new(),
            answers: FuturesUnordered::new(),
        }
    }

    /// Asks a peer, if it is connected. Without a connection libp2p would dial on its own.
    pub(crate) fn ask(
        &mut self,
        behaviour: &mut Behaviour,
        peer: Option<PeerId>,
        request: StoreRequest,
        reply: Reply,
    ) {
        let Some(peer) = peer else {
            let _ = reply.send(Err(QueryError::NotConnected));
            return;
        };
        let request = sift_request(request, behaviour.standing.of(&peer));
        self.asked.insert(behaviour.store.send_request(&peer, Ok(request)), reply);
    }

    /// The next answer to a peer's question. Cancel-safe.
    pub(crate) async fn next(&mut self) -> StoreAnswered {
        match self.answers.next().await {
            Some(answered) => answered,
            None => std::future::pending().await,
        }
    }

    /// Sends an answer.
    pub(crate) fn answer(&mut self, behaviour: &mut Behaviour, answered: StoreAnswered) {
        let StoreAnswered { peer, channel, answer } = answered;
        let answer = sift_response(answer, behaviour.standing.of(&peer));
        // Fails when the connection is gone; then nobody waits for the answer.
        drop(behaviour.store.send_response(channel, answer));
    }

    /// Who asks by an event, if somebody does.
    pub(crate) fn asker(
        event: &Event<Received<StoreRequest>, StoreResponse>,
    ) -> Option<(PeerId, ConnectionId)> {
        match event {
            Event::Message { peer, connection_id, message: Message::Request { .. } } => {
                Some((*peer, *connection_id))
            }
            _ => None,
        }
    }

    /// Who asks next, and from where.
    pub(crate) fn note_asker(&mut self, now: Duration, peer: PeerId, ip: Option<IpAddr>) {
        self.allowed = self.limiter.allow(now, peer, ip);
    }

    /// Something happened to a question.
    pub(crate) fn on_event(
        &mut self,
        behaviour: &mut Behaviour,
        event: Event<Received<StoreRequest>, StoreResponse>,
    ) {
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.on_question(behaviour, peer, request, channel);
            }
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(reply) = self.asked.remove(&request_id) {
                    let _ = reply.send(Ok(sift_response(response, behaviour.standing.of(&peer))));
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(reply) = self.asked.remove(&request_id) {
                    let _ = reply.send(Err(QueryError::Failed(error.into())));
                }
            }
            Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "question of the store not answered");
            }
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_question(
        &mut self,
        behaviour: &mut Behaviour,
        peer: PeerId,
        request: Received<StoreRequest>,
        channel: ResponseChannel<StoreResponse>,
    ) {
        let brought = match request {
            Err(_) => Err(QueryErrorCode::Unsupported),
            Ok(_) if !self.allowed || self.answers.len() >= MAX_QUESTIONS => Err(QueryErrorCode::Busy),
            Ok(request) => self.door.bring(peer, sift_request(request, behaviour.standing.of(&peer))),
        };
        match brought {
            Ok(answer) => {
                let busy = StoreResponse::Error { code: QueryErrorCode::Busy };
                let of = move |answer: Result<_, _>| StoreAnswered {
                    peer,
                    channel,
                    answer: answer.unwrap_or(busy),
                };
                self.answers.push(answer.map(of).boxed());
            }
            Err(code) => {
                let answer = StoreResponse::Error { code };
                self.answer(behaviour, StoreAnswered { peer, channel, answer });
            }
        }
    }
}
