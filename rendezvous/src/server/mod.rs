//! The task that owns the Swarm: brings requests to the [`Point`] and to what is beside it.

mod probing;
mod services;

use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use libp2p::request_response::InboundRequestId;
use libp2p::swarm::SwarmEvent;
use libp2p::{PeerId, Swarm, identify, ping, relay, request_response};
use shoal_registry::Registry;
use shoal_tracker::Services;
use shoal_wire::rendezvous::{RendezvousRefusal, RendezvousResponse, Status};
use shoal_wire::tracker::Verdict;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use self::services::Held;
use crate::answers::AnswerBudget;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::codec::{Codec, memory_of};
use crate::connections::Connections;
use crate::counters::{self, Counters};
use crate::metrics::{self, Reporter};
use crate::persistence::Persistence;
use crate::point::{Kept, Point};
use crate::probes::{Probes, Step};

/// What the tracker's handle asks for.
pub(crate) enum Order {
    Counters(oneshot::Sender<Counters>),
    Report { reporter: PeerId, peer: PeerId, reply: oneshot::Sender<Verdict> },
}

/// The events of a request-response behaviour with a codec.
type EventOf<C> = request_response::Event<
    <C as request_response::Codec>::Request,
    <C as request_response::Codec>::Response,
>;

/// A request that is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    Rendezvous(InboundRequestId),
    Tracker(InboundRequestId),
}

/// The tracker's state, and its store.
pub(crate) struct State {
    pub(crate) point: Point,
    pub(crate) services: Services,
    pub(crate) persistence: Persistence,
    /// Its time zero.
    pub(crate) start: Instant,
}

pub(crate) struct Server {
    swarm: Swarm<Behaviour>,
    point: Point,
    services: Services,
    persistence: Persistence,
    /// Answers that wait for the disk.
    held: FuturesUnordered<Held>,
    answers: AnswerBudget<Asked>,
    connections: Connections,
    probes: Probes,
    probed: counters::Probes,
    start: Instant,
    orders: mpsc::Receiver<Order>,
    reporter: Reporter,
}

impl Server {
    pub(crate) fn new(
        swarm: Swarm<Behaviour>,
        state: State,
        orders: mpsc::Receiver<Order>,
        reporter: Reporter,
    ) -> Self {
        let State { point, services, persistence, start } = state;
        Self {
            swarm,
            point,
            services,
            persistence,
            held: FuturesUnordered::new(),
            answers: AnswerBudget::default(),
            connections: Connections::default(),
            probes: Probes::default(),
            probed: counters::Probes::default(),
            start,
            orders,
            reporter,
        }
    }

    /// Runs until the tracker's handle is dropped; gives back what has to be written to the end.
    pub(crate) async fn run(mut self) -> Persistence {
        let mut reports = tokio::time::interval(metrics::REPORT_EVERY);
        reports.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            // What is later than the system can tell is never due.
            let due = self.next_timeout().and_then(|at| self.start.checked_add(at));
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                order = self.orders.recv() => match order {
                    Some(order) => self.on_order(order),
                    None => return self.persistence,
                },
                Some((channel, response)) = self.held.next(), if !self.held.is_empty() => {
                    self.answer(channel, response);
                }
                () = sleep_until(due) => self.on_time(),
                _ = reports.tick() => self.reporter.report(self.figures()),
            }
        }
    }

    /// The table.
    pub(crate) fn registry(&self) -> &Registry {
        self.point.registry()
    }

    fn counters(&self) -> Counters {
        let registry = self.registry();
        Counters {
            requests: self.point.requests(),
            registry: registry.counters(),
            probes: self.probed,
            registrations: registry.len(),
            peers: registry.peers(),
            namespaces: registry.namespaces(),
            connections: self.swarm.network_info().connection_counters().num_established(),
        }
    }

    /// What operators see.
    fn figures(&self) -> metrics::Snapshot {
        let (registry, requests) = (self.registry(), self.point.requests());
        let stats = self.services.stats(registry, self.now());
        let refusals = Status::ALL.into_iter().map(|status| (status, requests.refused(status)));
        metrics::Snapshot {
            connections: self.swarm.network_info().connection_counters().num_established(),
            pending_connections: self.swarm.network_info().connection_counters().num_pending(),
            registry: Some(metrics::RegistryFigures {
                registrations: registry.len(),
                peers: registry.peers(),
                namespaces: registry.namespaces(),
                counters: registry.counters(),
            }),
            refusals: refusals.filter(|(_, count)| *count > 0).collect(),
            payloads: Some(metrics::Amount {
                count: stats.current.payloads as usize,
                bytes: stats.current.payload_bytes as usize,
            }),
            index_entries: Some(stats.current.entries as usize),
            store: self.persistence.stats(),
            ..metrics::Snapshot::default()
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn next_timeout(&self) -> Option<Duration> {
        let all = [self.registry().next_expiry(), self.services.next_expiry(), self.probes.next_timeout()];
        all.into_iter().flatten().min()
    }

    fn on_time(&mut self) {
        let now = self.now();
        self.point.registry_mut().expire(now);
        // The store drops what has run out by itself.
        drop(self.services.expire(now));
        for peer in self.probes.expire(now) {
            self.take(peer, Step::Over { alive: false });
        }
    }

    fn on_order(&mut self, order: Order) {
        // Where sending fails, nobody waits for the answer any more.
        match order {
            Order::Counters(reply) => drop(reply.send(self.counters())),
            Order::Report { reporter, peer, reply } => {
                let verdict = self.report(reporter, peer);
                let _ = reply.send(verdict);
            }
        }
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connections.opened(peer_id, connection_id, endpoint.get_remote_address());
                self.on_life(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, cause, .. } => {
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                self.connections.closed(&peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), error, .. } => {
                self.on_failed_dial(peer, &error);
            }
            SwarmEvent::NewListenAddr { address, .. } => tracing::info!(%address, "listening"),
            other => tracing::trace!(event = ?other, "swarm"),
        }
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Rendezvous(event) => self.on_request(event),
            BehaviourEvent::Tracker(event) => self.on_tracker_event(event),
            BehaviourEvent::SignOfLife(event) => self.on_sign_of_life(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.connections.identified(&peer_id, &info.agent_version);
            }
            BehaviourEvent::Ping(event) => {
                let answered = !matches!(&event.result, Err(error) if !is_unsupported(error));
                if self.connections.pinged(&event.peer, event.connection, answered) {
                    tracing::debug!(peer = %event.peer, "does not answer pings");
                    self.swarm.close_connection(event.connection);
                }
            }
            BehaviourEvent::Relay(event) => relayed(&event),
            BehaviourEvent::Identify(_) | BehaviourEvent::Probed(_) => {}
        }
    }

    fn on_request(&mut self, event: EventOf<Codec>) {
        use request_response::{Event, Message};
        match event {
            Event::Message {
                peer,
                connection_id,
                message: Message::Request { request_id, request, channel },
            } => {
                self.on_life(peer);
                let asker = self.connections.asker(peer, connection_id);
                let now = self.now();
                let (answer, kept) = self.point.handle(now, &asker, request);
                match kept {
                    Some(Kept::Registered(registration)) => self.persistence.registered(now, &registration),
                    Some(Kept::Unregistered { namespace }) => {
                        self.persistence.unregistered(&peer, &namespace)
                    }
                    None => {}
                }
                tracing::debug!(%peer, refused = ?answer.as_ref().and_then(|it| it.refused()), "request");
                // Without an answer the channel is dropped, and the stream ends. An answer that cannot be
                // sent is one to a connection that is gone.
                if let Some(mut answer) = answer {
                    let asked = Asked::Rendezvous(request_id);
                    if !self.answers.begin(asked, peer, asker.observed, memory_of(&answer)) {
                        answer = RendezvousResponse::Discover(Err(RendezvousRefusal::TooOften.into()));
                    }
                    if self.swarm.behaviour_mut().rendezvous.send_response(channel, answer).is_err() {
                        self.answers.ended(&asked);
                    }
                }
            }
            Event::InboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(%peer, %error, "request failed");
                self.answers.ended(&Asked::Rendezvous(request_id));
            }
            Event::ResponseSent { request_id, .. } => self.answers.ended(&Asked::Rendezvous(request_id)),
            Event::Message { .. } | Event::OutboundFailure { .. } => {}
        }
    }
}

/// What becomes of reservations and circuits, for the log.
fn relayed(event: &relay::Event) {
    match event {
        relay::Event::ReservationReqAccepted { src_peer_id: peer, renewed: false } => {
            tracing::info!(%peer, "relays for it");
        }
        relay::Event::CircuitReqAccepted { src_peer_id: from, dst_peer_id: to } => {
            tracing::info!(%from, %to, "relays a connection");
        }
        relay::Event::ReservationReqDenied { src_peer_id: peer, status } => {
            tracing::info!(%peer, ?status, "does not relay for it");
        }
        relay::Event::CircuitReqDenied { src_peer_id: from, dst_peer_id: to, status } => {
            tracing::info!(%from, %to, ?status, "does not relay a connection");
        }
        relay::Event::CircuitClosed { src_peer_id: from, dst_peer_id: to, error } => {
            tracing::info!(%from, %to, ?error, "a relayed connection has ended");
        }
        other => tracing::debug!(event = ?other, "relay"),
    }
}

fn is_unsupported(error: &ping::Failure) -> bool {
    matches!(error, ping::Failure::Unsupported)
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
