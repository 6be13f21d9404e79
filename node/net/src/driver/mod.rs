//! The task that owns the Swarm: takes orders and network events, and keeps the promises between them.
//!
//! It decides nothing. What always holds: each map below has an entry only while something is under way
//! on a connection or a dial, and those are bounded by the behaviours' limits.

mod questions;
mod routers;

use std::collections::HashMap;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::core::ConnectedPoint;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, ping};
use shoal_addresses::told;
use shoal_content::ContentId;
use shoal_printable::Printable;
use shoal_registry::RequestLimiter;
use shoal_wire::query::{self, QueryResponse};
use tokio::sync::{mpsc, oneshot};

use crate::activity::ActivityKind;
use crate::answerer::Answerer;
use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::control::{Order, QueryError};
use crate::discovery::DiscoveryLayer;
use crate::external::ExternalAddresses;
use crate::metrics::SwarmMetrics;
use crate::peers::DialError;
use crate::peers::layer::PeerLayer;
use crate::reachability::RelayKeeper;
use crate::shared_error::SharedError;
use crate::store_exchange::StoreExchange;
use crate::streams;
use crate::tracker_client;

/// Failed pings in a row before a connection is given up.
const MAX_PINGS_LOST: u32 = 2;

/// A question of a peer that has its answer.
struct Answered {
    peer: PeerId,
    kind: &'static str,
    content: Option<ContentId>,
    channel: ResponseChannel<QueryResponse>,
    answer: QueryResponse,
}

pub(super) struct Driver {
    swarm: Swarm<Behaviour>,
    orders: mpsc::Receiver<Order>,
    peers: PeerLayer,
    discovery: DiscoveryLayer,
    /// What the node is asked about, and where questions, streams and connections are noted.
    parts: Answerer,
    limiter: RequestLimiter,
    /// Connections that somebody else than contents waits for.
    reaching: HashMap<ConnectionId, oneshot::Sender<Result<PeerId, DialError>>>,
    queries: HashMap<OutboundRequestId, oneshot::Sender<Result<QueryResponse, QueryError>>>,
    trackers: tracker_client::Questions,
    store: StoreExchange,
    external: ExternalAddresses,
    relays: RelayKeeper,
    answers: FuturesUnordered<BoxFuture<'static, Answered>>,
    pings_lost: HashMap<ConnectionId, u32>,
    metrics: Option<SwarmMetrics>,
}

impl Driver {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        orders: mpsc::Receiver<Order>,
        trackers: tracker_client::Questions,
        peers: PeerLayer,
        parts: Answerer,
        discovery: DiscoveryLayer,
    ) -> Self {
        let clock = parts.clock;
        Self {
            swarm,
            orders,
            peers,
            discovery,
            parts,
            limiter: questions::limiter(),
            reaching: HashMap::new(),
            queries: HashMap::new(),
            trackers,
            store: StoreExchange::default(),
            external: ExternalAddresses::default(),
            relays: RelayKeeper::new(clock, &[]),
            answers: FuturesUnordered::new(),
            pings_lost: HashMap::new(),
            metrics: None,
        }
    }

    /// What the node announces of its addresses.
    pub(super) fn announcing(self, external: ExternalAddresses) -> Self {
        Self { external, ..self }
    }

    /// The relays that lead to the node.
    pub(super) fn relayed_by(self, relays: RelayKeeper) -> Self {
        Self { relays, ..self }
    }

    /// Who answers what is asked of the store.
    pub(super) fn answering(self, store: StoreExchange) -> Self {
        Self { store, ..self }
    }

    /// Where what happens is counted.
    pub(super) fn counting(self, metrics: Option<SwarmMetrics>) -> Self {
        Self { metrics, ..self }
    }

    /// Runs until told to shut down, or until nobody is left to give orders. `early`: what happened before.
    pub(super) async fn run(mut self, early: Vec<SwarmEvent<BehaviourEvent>>) {
        // The events of addresses that stood before this task began have been read already.
        self.external.apply(&mut self.swarm);
        self.trust_relays();
        early.into_iter().for_each(|event| self.on_swarm_event(event));
        loop {
            self.keep_relays();
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_swarm_event(event),
                Some(answered) = self.answers.next() => self.answer(answered),
                () = self.peers.due() => {}
                () = self.discovery.due() => {}
                () = self.relays.due() => {}
                order = self.trackers.next() => self.ask_tracker(order),
                answered = self.store.next() => self.store.answer(self.swarm.behaviour_mut(), answered),
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
            self.discovery.carry_out(&mut self.swarm);
            self.peers.carry_out(&mut self.swarm);
        }
    }

    fn on_order(&mut self, order: Order) {
        match order {
            Order::Reach(peer, address, reply) => self.reach(peer, address, reply),
            Order::Query(peer, request, reply) => self.query(peer, request, reply),
            Order::Store(peer, request, reply) => {
                let connected = self.swarm.is_connected(&peer);
                self.store.ask(self.swarm.behaviour_mut(), connected.then_some(peer), request, reply);
            }
            Order::OpenStream(peer, reply) => self.swarm.behaviour_mut().streams.open(peer, reply),
            Order::Addresses(reply) => {
                let _ = reply.send(self.swarm.external_addresses().cloned().collect());
            }
            Order::Relayed(reply) => self.relays.settled(reply),
            #[cfg(test)]
            Order::Inspect(reply) => drop(reply.send(self.peers.counts())),
            Order::Shutdown(_) => unreachable!("handled in the loop"),
        }
    }

    fn reach(
        &mut self,
        peer: Option<PeerId>,
        address: Multiaddr,
        reply: oneshot::Sender<Result<PeerId, DialError>>,
    ) {
        let options: DialOpts = match peer {
            Some(peer) if self.swarm.is_connected(&peer) => {
                let _ = reply.send(Ok(peer));
                return;
            }
            Some(peer) => DialOpts::peer_id(peer)
                .condition(PeerCondition::Disconnected)
                .addresses(vec![address])
                .build(),
            None => DialOpts::unknown_peer_id().address(address).build(),
        };
        let id = options.connection_id();
        match self.swarm.dial(options) {
            Ok(()) => drop(self.reaching.insert(id, reply)),
            Err(error) => {
                let _ = reply.send(Err(DialError::Failed(error.into())));
            }
        }
    }

    fn ask_tracker(&mut self, order: tracker_client::Order) {
        if self.swarm.is_connected(&order.tracker) {
            self.rely_on_tracker(order.tracker);
            let own: Vec<Multiaddr> = self.swarm.external_addresses().cloned().collect();
            self.trackers.ask(&mut self.swarm.behaviour_mut().trackers, order, &own);
        } else {
            order.fail();
        }
    }

    fn on_swarm_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        self.metrics.iter().for_each(|metrics| metrics.count(&event));
        self.note_addresses(&event);
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour_event(event),
            SwarmEvent::ConnectionEstablished {
                peer_id, connection_id, endpoint, num_established, ..
            } => {
                let standing = self.swarm.behaviour().standing.of(&peer_id);
                self.peers.established(peer_id, connection_id, &endpoint, standing);
                self.parts.connections.opened(self.parts.clock.now(), peer_id, connection_id, &endpoint);
                let (address, outbound) = (endpoint.get_remote_address(), endpoint.is_dialer());
                let connected = || ActivityKind::Connected { address: address.clone(), outbound };
                self.parts.uploads.activity().tell(Some(peer_id), None, connected);
                self.connected(peer_id, connection_id, &endpoint, num_established.get());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, endpoint, cause, .. } => {
                self.pings_lost.remove(&connection_id);
                self.parts.connections.closed(connection_id);
                let address = || endpoint.get_remote_address().clone();
                let disconnected = || ActivityKind::Disconnected { address: address() };
                self.parts.uploads.activity().tell(Some(peer_id), None, disconnected);
                self.peers.closed(peer_id, connection_id);
                tracing::debug!(peer = %peer_id, ?cause, "connection closed");
            }
            SwarmEvent::OutgoingConnectionError { connection_id, error, .. } => {
                let error = SharedError::from(error);
                self.peers.dial_failed(&mut self.swarm, connection_id, &error);
                if let Some(reply) = self.reaching.remove(&connection_id) {
                    let _ = reply.send(Err(DialError::Failed(error)));
                }
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::debug!(%address, "listening");
            }
            _ => {}
        }
    }

    fn connected(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint, count: u32) {
        if let Some(reply) = self.reaching.remove(&id) {
            let _ = reply.send(Ok(peer));
        }
        let relayed = endpoint.is_relayed();
        tracing::debug!(%peer, address = %endpoint.get_remote_address(), relayed, count, "connected");
    }

    fn on_behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Query(event) => self.on_query_event(event),
            BehaviourEvent::Store(event) => {
                if let Some((peer, connection)) = StoreExchange::asker(&event) {
                    self.peers.used_by(&peer);
                    let (now, ip) = (self.parts.clock.now(), self.peers.ip(connection));
                    self.store.note_asker(now, peer, ip);
                }
                self.store.on_event(self.swarm.behaviour_mut(), event);
            }
            BehaviourEvent::Streams(streams::Event::Inbound { peer, connection, stream }) => {
                let network = self.peers.network(connection);
                self.parts.uploads.start(peer, network, self.peers.count(peer, stream));
            }
            BehaviourEvent::Streams(streams::Event::BetterConnection { peer }) => {
                tracing::debug!(%peer, "streams are opened on a better connection from now on");
            }
            BehaviourEvent::Trackers(event) => {
                let Behaviour { trackers, standing, .. } = self.swarm.behaviour_mut();
                self.trackers.on_event(trackers, standing, event);
            }
            BehaviourEvent::Reachability(event) => self.on_routers(event),
            BehaviourEvent::Identify(identify::Event::Received { peer_id, connection_id, info }) => {
                tracing::debug!(peer = %peer_id, agent = %Printable(&info.agent_version), "identified");
                self.seen_by(peer_id, connection_id, &info);
                let standing = self.swarm.behaviour().standing.of(&peer_id);
                let answers = info.protocols.iter().any(|it| it.as_ref() == query::PROTOCOL);
                self.parts.connections.identified(peer_id, info.agent_version, answers);
                let told = told(info.listen_addrs, standing);
                self.discovery.identified(&mut self.swarm, peer_id, &info.protocols, &told.direct);
                self.peers.listens(peer_id, told.usable());
            }
            BehaviourEvent::Ping(event) => self.on_ping(event),
            BehaviourEvent::Discovery(event) => self.discovery.on_event(&mut self.swarm, event),
            _ => {}
        }
    }

    /// libp2p's ping reports and never closes anything.
    fn on_ping(&mut self, event: ping::Event) {
        match event.result {
            Ok(rtt) => {
                self.pings_lost.remove(&event.connection);
                self.parts.connections.pinged(event.connection, rtt);
            }
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
}
