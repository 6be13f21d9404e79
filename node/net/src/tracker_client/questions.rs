//! The side of the task that owns the Swarm: questions that are under way, and their answers.

use std::collections::HashMap;
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::request_response::{Event, Message, OutboundRequestId};
use libp2p::{Multiaddr, PeerId};
use shoal_wire::frame::Received;
use shoal_wire::query::MAX_PEERS;
use shoal_wire::rendezvous::{self, RendezvousRequest, RendezvousResponse};
use shoal_wire::tracker;
use tokio::sync::mpsc;

use super::behaviour::{Behaviour, BehaviourEvent, Rendezvous};
use super::discovered;
use super::error::TrackerError;
use super::line::{Asked, Line};
use super::order::{Order, Question, Reply};
use super::record::OwnRecords;
use crate::standing::Behaviour as Standing;

/// Questions that are under way. There is an entry only for as long, and the behaviours end each within its time.
pub(crate) struct Questions {
    orders: mpsc::Receiver<Order>,
    records: OwnRecords,
    lines: HashMap<PeerId, Line>,
    rendezvous: HashMap<OutboundRequestId, Asked>,
    services: HashMap<OutboundRequestId, Reply<tracker::TrackerResponse>>,
}

impl Questions {
    /// The node's key signs what it registers.
    pub(super) fn new(orders: mpsc::Receiver<Order>, identity: Keypair) -> Self {
        Self {
            orders,
            records: OwnRecords::new(identity),
            lines: HashMap::new(),
            rendezvous: HashMap::new(),
            services: HashMap::new(),
        }
    }

    /// The next question that a client has. Cancel-safe. Waits without end once there are no clients.
    pub(crate) async fn next(&mut self) -> Order {
        match self.orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        }
    }

    /// Asks a tracker, which must be connected. `own` are the addresses that this node announces.
    pub(crate) fn ask(&mut self, behaviour: &mut Behaviour, order: Order, own: &[Multiaddr]) {
        let Order { tracker, question } = order;
        let (request, asked) = match question {
            Question::Service(request, reply) => {
                let id = behaviour.services.send_request(&tracker, Ok(request));
                self.services.insert(id, reply);
                return;
            }
            Question::Register { namespace, ttl, format, reply } => match self.records.sign(own, format) {
                Ok(record) => {
                    let ttl = ttl.map(|ttl| ttl.as_secs());
                    (RendezvousRequest::Register { namespace, record, ttl }, Asked::Register(reply))
                }
                Err(error) => return drop(reply.send(Err(error))),
            },
            Question::Unregister { namespace, reply } => {
                (RendezvousRequest::Unregister { namespace }, Asked::Unregister(reply))
            }
            Question::Discover { namespace, reply } => {
                let request = RendezvousRequest::Discover {
                    namespace: Some(namespace.clone()),
                    limit: Some(MAX_PEERS as u64),
                    // What is new since would not be another sample of a large swarm.
                    cookie: None,
                };
                (request, Asked::Discover { namespace, reply })
            }
        };
        self.lines.entry(tracker).or_default().push(request, asked);
        self.go_on(&mut behaviour.rendezvous, tracker);
    }

    /// Sends what waits for a tracker, as far as it may go out.
    fn go_on(&mut self, behaviour: &mut Rendezvous, tracker: PeerId) {
        let Some(line) = self.lines.get_mut(&tracker) else { return };
        while let Some((request, asked)) = line.next() {
            self.rendezvous.insert(behaviour.send_request(&tracker, request), asked);
        }
        if line.is_idle() {
            self.lines.remove(&tracker);
        }
    }

    /// A question is over; takes it out, and sends the next.
    fn take(&mut self, behaviour: &mut Rendezvous, tracker: PeerId, id: OutboundRequestId) -> Option<Asked> {
        let asked = self.rendezvous.remove(&id)?;
        if let Some(line) = self.lines.get_mut(&tracker) {
            line.over();
        }
        self.go_on(behaviour, tracker);
        Some(asked)
    }

    /// Brings answers to those that wait for them. `standing` tells where a tracker stands, and so which addresses
    /// it may speak of.
    pub(crate) fn on_event(&mut self, behaviour: &mut Behaviour, standing: &Standing, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Rendezvous(event) => {
                self.on_rendezvous(&mut behaviour.rendezvous, standing, event);
            }
            BehaviourEvent::Services(event) => self.on_service(event),
        }
    }

    fn on_rendezvous(
        &mut self,
        behaviour: &mut Rendezvous,
        standing: &Standing,
        event: Event<RendezvousRequest, Option<RendezvousResponse>>,
    ) {
        match event {
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(asked) = self.take(behaviour, peer, request_id) {
                    answered(asked, response, standing, &peer);
                }
            }
            Event::OutboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(tracker = %peer, %error, "no answer of a tracker");
                if let Some(asked) = self.take(behaviour, peer, request_id) {
                    asked.fail(TrackerError::of(rendezvous::PROTOCOL, error));
                }
            }
            // Nodes are no trackers: they take no requests.
            Event::Message { message: Message::Request { .. }, .. }
            | Event::InboundFailure { .. }
            | Event::ResponseSent { .. } => {}
        }
    }

    fn on_service(&mut self, event: Event<Received<tracker::TrackerRequest>, tracker::TrackerResponse>) {
        let (id, result) = match event {
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                (request_id, Ok(response))
            }
            Event::OutboundFailure { request_id, error, .. } => {
                (request_id, Err(TrackerError::of(tracker::PROTOCOL, error)))
            }
            Event::Message { .. } | Event::InboundFailure { .. } | Event::ResponseSent { .. } => return,
        };
        if let Some(reply) = self.services.remove(&id) {
            // Err only says that nobody waits any more.
            let _ = reply.send(result);
        }
    }
}

fn answered(asked: Asked, response: Option<RendezvousResponse>, standing: &Standing, tracker: &PeerId) {
    // Where sending fails, nobody waits any more.
    match (asked, response) {
        (Asked::Register(reply), Some(RendezvousResponse::Register(granted))) => {
            drop(reply.send(granted.map(Duration::from_secs).map_err(TrackerError::Refused)));
        }
        (Asked::Unregister(reply), _) => drop(reply.send(Ok(()))),
        (Asked::Discover { namespace, reply }, Some(RendezvousResponse::Discover(answer))) => {
            let peers = answer.map(|it| discovered::read(it, &namespace, standing.of(tracker)));
            drop(reply.send(peers.map_err(TrackerError::Refused)));
        }
        (asked, _) => asked.fail(TrackerError::WrongKind),
    }
}
