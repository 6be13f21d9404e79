//! The task that owns the Swarm: takes orders and network events, and keeps the promises between them.
//!
//! It decides nothing. What always holds: each map below has an entry only while something is under way
//! on a connection or a dial, and those are bounded by the behaviours' limits.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::core::ConnectedPoint;
use libp2p::request_response::{self, OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, ping};
use shoal_addresses::told;
use shoal_engine::Dial;
use shoal_printable::Printable;
use shoal_wire::query::{ErrorCode, Request, Response};
use tokio::sync::{broadcast, mpsc, oneshot};

use super::behaviour::{Behaviour, BehaviourEvent};
use super::control::{DialError, NetEvent, Order, QueryError};
use super::external::ExternalAddresses;
use super::library::Library;
use super::points::{self, PointError, Points, Registration};
use super::streams;
use super::tracker;
use super::upload::Uploads;

/// Questions from peers under way at once; further ones are answered "busy" right away.
const MAX_QUESTIONS: usize = 256;
/// Failed pings in a row before a connection is given up.
const MAX_PINGS_LOST: u32 = 2;

type Answered = (PeerId, ResponseChannel<Response>, Response);

pub(super) struct Driver {
    swarm: Swarm<Behaviour>,
    orders: mpsc::Receiver<Order>,
    events: broadcast::Sender<NetEvent>,
    library: Arc<Library>,
    uploads: Uploads,
    dials: HashMap<ConnectionId, oneshot::Sender<Result<PeerId, DialError>>>,
    queries: HashMap<OutboundRequestId, oneshot::Sender<Result<Response, QueryError>>>,
    tracker_questions: tracker::Questions,
    points: Points,
    external: ExternalAddresses,
    answers: FuturesUnordered<BoxFuture<'static, Answered>>,
    pings_lost: HashMap<ConnectionId, u32>,
    /// Where connected peers say that they listen.
    listens: HashMap<PeerId, Vec<Multiaddr>>,
}

impl Driver {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        points: Points,
        orders: mpsc::Receiver<Order>,
        events: broadcast::Sender<NetEvent>,
        library: Arc<Library>,
        uploads: Uploads,
    ) -> Self {
        Self {
            swarm,
            orders,
            events,
            library,
            uploads,
            dials: HashMap::new(),
            queries: HashMap::new(),
            tracker_questions: tracker::Questions::default(),
            points,
            external: ExternalAddresses::default(),
            answers: FuturesUnordered::new(),
            pings_lost: HashMap::new(),
            listens: HashMap::new(),
        }
    }

    /// Runs until told to shut down, or until nobody is left to give orders.
    pub(super) async fn run(mut self) {
        // The events of addresses that stood before this task began have been read already.
        self.external.apply(&mut self.swarm);
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some((peer, channel, answer)) = self.answers.next() => {
                    let answer = self.swarm.behaviour().standing.sift(&peer, answer);
                    // Fails when the connection is gone; then nobody waits for the answer.
                    drop(self.swarm.behaviour_mut().query.send_response(channel, answer));
                }
                order = self.orders.recv() => match order {
                    Some(Order::Shutdown(done)) => {
                        // Closes every connection; only then is it done.
                        drop(self.swarm);
                        let _ = done.send(());
                        return;
                    }
                    Some(order) => self.on_order(order),
                    None => return,
                },
            }
        }
    }

    fn on_order(&mut self, order: Order) {
        match order {
            Order::Dial(dial, reply) => self.dial(dial, reply),
            Order::Query(peer, request, reply) => self.query(peer, request, reply),
            Order::AskTracker(peer, request, reply) => {
                self.tracker_questions.ask(&mut self.swarm, peer, request, reply);
            }
            Order::OpenStream(peer, reply) => self.swarm.behaviour_mut().streams.open(peer, reply),
            Order::Disconnect(peer, for_good) => self.disconnect(peer, for_good),
            Order::Register { point, namespace, ttl, format, reply } => {
                self.if_connected(point, reply, |points, swarm, reply| {
                    let addresses: Vec<Multiaddr> = swarm.external_addresses().cloned().collect();
                    match points.record(&addresses, format) {
                        Ok(record) => {
                            let request = Registration { namespace, record, ttl };
                            points.register(&mut swarm.behaviour_mut().points, point, request, reply);
                        }
                        Err(error) => drop(reply.send(Err(error))),
                    }
                });
            }
            Order::Unregister { point, namespace, reply } => {
                self.if_connected(point, reply, |points, swarm, reply| {
                    points.unregister(&mut swarm.behaviour_mut().points, point, namespace, reply);
                });
            }
            Order::Discover { point, namespace, reply } => {
                self.if_connected(point, reply, |points, swarm, reply| {
                    points.discover(&mut swarm.behaviour_mut().points, point, namespace, reply);
                });
            }
            Order::Connected(reply) => {
                let _ = reply.send(self.swarm.connected_peers().copied().collect());
            }
            Order::Addresses(reply) => {
                let _ = reply.send(self.swarm.external_addresses().cloned().collect());
            }
            Order::AddressesOf(peers, reply) => {
                let of = |peer: PeerId| Some((peer, self.listens.get(&peer)?.clone()));
                let _ = reply.send(peers.into_iter().filter_map(of).collect());
            }
            Order::Shutdown(_) => unreachable!("handled in the loop"),
        }
    }

    fn dial(&mut self, dial: Dial, reply: oneshot::Sender<Result<PeerId, DialError>>) {
        let options: DialOpts = match dial.peer {
            Some(peer) if self.swarm.is_connected(&peer) => {
                let _ = reply.send(Ok(peer));
                return;
            }
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::Disconnected)
                .addresses(dial.addresses)
                .build(),
            None => match dial.addresses.into_iter().next() {
                Some(address) => DialOpts::unknown_peer_id().address(address).build(),
                None => {
                    let _ = reply.send(Err(DialError::Failed("no address".into())));
                    return;
                }
            },
        };
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => drop(self.dials.insert(id, reply)),
            Err(error) => {
                let _ = reply.send(Err(DialError::Failed(error.to_string())));
            }
        }
    }

    fn query(
        &mut self,
        peer: PeerId,
        request: Request,
        reply: oneshot::Sender<Result<Response, QueryError>>,
    ) {
        // Without this check libp2p would dial on its own; whom to dial is a job's decision.
        if self.swarm.is_connected(&peer) {
            let id = self.swarm.behaviour_mut().query.send_request(&peer, request);
            self.queries.insert(id, reply);
        } else {
            let _ = reply.send(Err(QueryError::NotConnected));
        }
    }

    fn disconnect(&mut self, peer: PeerId, for_good: bool) {
        if for_good {
            self.swarm.behaviour_mut().block(peer);
        }
        // Err only says that there was no connection.
        let _ = self.swarm.disconnect_peer_id(peer);
    }

    /// Asks a rendezvous point, if there is a connection; libp2p would dial on its own.
    fn if_connected<T>(
        &mut self,
        point: PeerId,
        reply: points::Reply<T>,
        ask: impl FnOnce(&mut Points, &mut Swarm<Behaviour>, points::Reply<T>),
    ) {
        if self.swarm.is_connected(&point) {
            ask(&mut self.points, &mut self.swarm, reply);
        } else {
            let _ = reply.send(Err(PointError::ended()));
        }
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        if self.external.note(&event) {
            self.external.apply(&mut self.swarm);
        }
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id, connection_id, endpoint, num_established, ..
            } => {
                self.connected(peer_id, connection_id, &endpoint, num_established.get());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, num_established, cause, .. } => {
                self.pings_lost.remove(&connection_id);
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
                if num_established == 0 {
                    self.listens.remove(&peer_id);
                    self.tell(NetEvent::Disconnected { peer: peer_id });
                }
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                if let Some(reply) = self.dials.remove(&connection_id) {
                    let _ = reply.send(Err(DialError::Failed(error.to_string())));
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::debug!(%address, "listening");
            }
            _ => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, count: u32) {
        if let Some(reply) = self.dials.remove(&id) {
            let _ = reply.send(Ok(peer));
        }
        tracing::debug!(%peer, address = %endpoint.get_remote_address(), count, "connected");
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Query(event) => self.on_query_event(event),
            BehaviourEvent::Streams(streams::Inbound { peer, stream }) => self.uploads.start(peer, stream),
            BehaviourEvent::Tracker(event) => self.tracker_questions.on_event(event),
            BehaviourEvent::Points(event) => {
                let Behaviour { points, standing, .. } = self.swarm.behaviour_mut();
                self.points.on_event(points, standing, event);
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                tracing::debug!(peer = %peer_id, agent = %Printable(&info.agent_version), "identified");
                let standing = self.swarm.behaviour().standing.of(&peer_id);
                self.listens.insert(peer_id, told(info.listen_addrs, standing).direct);
            }
            BehaviourEvent::Ping(event) => self.on_ping(event),
            _ => {}
        }
    }

    fn on_query_event(&mut self, event: request_response::Event<Request, Response>) {
        use request_response::{Event, Message};
        match event {
            Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                self.on_question(peer, request, channel);
            }
            Event::Message { peer, message: Message::Response { request_id, response }, .. } => {
                if let Some(reply) = self.queries.remove(&request_id) {
                    let _ = reply.send(Ok(self.swarm.behaviour().standing.sift(&peer, response)));
                }
            }
            Event::OutboundFailure { request_id, error, .. } => {
                if let Some(reply) = self.queries.remove(&request_id) {
                    let _ = reply.send(Err(QueryError::Failed(error.to_string())));
                }
            }
            Event::InboundFailure { peer, error, .. } => tracing::debug!(%peer, %error, "query not answered"),
            Event::ResponseSent { .. } => {}
        }
    }

    fn on_question(&mut self, peer: PeerId, request: Request, channel: ResponseChannel<Response>) {
        let asked = if self.answers.len() < MAX_QUESTIONS {
            self.library.ask(peer, request)
        } else {
            Err(ErrorCode::Busy)
        };
        match asked {
            Ok(answer) => {
                let busy = Response::Error { code: ErrorCode::Busy };
                self.answers.push(async move { (peer, channel, answer.await.unwrap_or(busy)) }.boxed());
            }
            Err(code) => {
                drop(self.swarm.behaviour_mut().query.send_response(channel, Response::Error { code }));
            }
        }
    }

    /// libp2p's ping reports and never closes anything.
    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Ok(_) => drop(self.pings_lost.remove(&event.connection)),
            Err(ping::Failure::Unsupported) => {}
            Err(error) => {
                let lost = self.pings_lost.entry(event.connection).or_default();
                *lost += 1;
                if *lost >= MAX_PINGS_LOST {
                    tracing::debug!(peer = %event.peer, %error, "peer does not answer pings");
                    self.swarm.close_connection(event.connection);
                }
            }
        }
    }

    fn tell(&self, event: NetEvent) {
        // Err only says that no job listens.
        let _ = self.events.send(event);
    }
}
