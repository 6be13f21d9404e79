//! One half of the DHT: libp2p's kad, for the peers that stand near, or for those that stand far away.
//!
//! A wrapper around `kad::Behaviour` that keeps it within this node's rules:
//!
//! - It dials nothing. Where kad wants a peer, [`ZoneEvent::Wanted`] says so, and the book of peers dials it within its
//!   budget, or not; [`Zone::failed`] tells kad that it does not come.
//! - It has to do with the connections of its half alone. A peer that stands on a private network, or on this machine,
//!   is in the near half, everybody else in the wide one; peers behind a relay are in neither. So no answer of one half
//!   has an address that was learned in the other.
//! - Addresses in answers pass the address policy, by where the farthest of those stands that have answered the lookups
//!   under way. In the table are peers that were connected and said that they speak the protocol, with the addresses that the
//!   policy lets through.
//! - It announces only addresses of its half: in the wide one, public ones.
//!
//! What this is not: disjoint paths, which return empty answers in libp2p 0.57; a store of values.

mod connections;
mod progress;
mod table;

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};
use std::time::Duration;

use either::Either;
use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::kad::{self, Mode, QueryId, RecordKey};
use libp2p::swarm::behaviour::{ConnectionClosed, ConnectionEstablished};
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, DialError, DialFailure, FromSwarm, NetworkBehaviour, THandler,
    THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
};
use libp2p::{Multiaddr, PeerId, StreamProtocol};
use shoal_addresses::{Scope, told, without_peer};

use self::connections::ZoneConnections;
use super::config::{DEFAULT_DHT_PROTOCOL, DhtMode, DiscoveryConfig};
use super::provider_store::ProviderStore;
use crate::clock::Clock;

/// How long a lookup may take.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// Kademlia's k, also of libp2p.
const K: NonZeroUsize = NonZeroUsize::new(20).expect("not 0");

/// Which half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reach {
    /// Private networks and this machine.
    Near,
    /// Everywhere else.
    Wide,
}

impl Reach {
    pub(super) const BOTH: [Self; 2] = [Self::Near, Self::Wide];

    /// The half in which a peer stands that is connected at an address.
    fn of(remote: &Multiaddr) -> Option<(Self, Scope)> {
        let relayed = remote.iter().any(|part| matches!(part, libp2p::multiaddr::Protocol::P2pCircuit));
        let scope = Scope::standing_at(remote);
        let reach = if scope == Scope::Public { Self::Wide } else { Self::Near };
        (!relayed).then_some((reach, scope))
    }

    /// Where those stand at most that are in it.
    fn standing(self) -> Scope {
        match self {
            Self::Near => Scope::Loopback,
            Self::Wide => Scope::Public,
        }
    }
}

/// What a half of the DHT has to say.
#[derive(Debug)]
pub(crate) enum ZoneEvent {
    /// A connection to this peer is wanted; it may be at these addresses.
    Wanted { peer: PeerId, addresses: Vec<Multiaddr> },
    /// A lookup found peers that say that they have the content.
    Providers { query: QueryId, peers: Vec<(PeerId, Vec<Multiaddr>)> },
    /// A lookup or an announcement has ended, well or not; of a search for near peers, these are the nearest.
    Ended { query: QueryId, well: bool, nearest: Vec<(PeerId, Vec<Multiaddr>)> },
    /// The table has changed.
    Table,
}

type Output = ToSwarm<ZoneEvent, THandlerInEvent<Zone>>;
type ZoneHandler = Either<THandler<kad::Behaviour<ProviderStore>>, dummy::ConnectionHandler>;

/// See the module.
pub(crate) struct Zone {
    kad: kad::Behaviour<ProviderStore>,
    local: PeerId,
    reach: Reach,
    mode: DhtMode,
    protocol: StreamProtocol,
    connections: ZoneConnections,
    /// Announced addresses of this half.
    external: Vec<Multiaddr>,
    /// Where the farthest one stands that has said something since no lookup was under way.
    heard_from: Scope,
    queue: VecDeque<Output>,
}

impl Zone {
    pub(super) fn new(local: PeerId, clock: Clock, reach: Reach, config: &DiscoveryConfig) -> Self {
        let name = match config.protocol.strip_prefix('/') {
            Some(_) => config.protocol.clone(),
            None => format!("/{}", config.protocol),
        };
        let protocol = StreamProtocol::try_from_owned(name)
            .unwrap_or_else(|_| StreamProtocol::new(DEFAULT_DHT_PROTOCOL));
        let mut options = kad::Config::new(protocol.clone());
        options
            .set_query_timeout(QUERY_TIMEOUT)
            .set_kbucket_inserts(kad::BucketInserts::Manual)
            .set_caching(kad::Caching::Disabled)
            .set_record_ttl(None)
            .set_replication_interval(None)
            .set_publication_interval(None)
            .set_provider_publication_interval(None)
            .set_replication_factor(K)
            .disjoint_query_paths(false);
        let store = ProviderStore::new(local, clock, reach.standing());
        let mut zone = Self {
            kad: kad::Behaviour::with_config(local, store, options),
            local,
            reach,
            mode: config.dht,
            protocol,
            connections: ZoneConnections::default(),
            external: Vec::new(),
            heard_from: Scope::Loopback,
            queue: VecDeque::new(),
        };
        zone.choose_mode();
        zone
    }

    /// Asks who has a content.
    pub(super) fn providers(&mut self, key: RecordKey) -> QueryId {
        self.kad.get_providers(key)
    }

    /// Tells those near its key that this node has a content; `None` if it cannot be told.
    pub(super) fn provide(&mut self, key: RecordKey) -> Option<QueryId> {
        self.kad.start_providing(key).ok()
    }

    /// This node has a content no more.
    pub(super) fn withdraw(&mut self, key: &RecordKey) {
        self.kad.stop_providing(key);
    }

    /// Looks for the peers nearest to a key.
    pub(super) fn nearest(&mut self, key: Vec<u8>) -> QueryId {
        self.kad.get_closest_peers(key)
    }

    /// Whether it answers others.
    pub(super) fn is_server(&self) -> bool {
        self.kad.mode() == Mode::Server
    }

    /// This node's keys, and the records of strangers.
    pub(super) fn records(&mut self) -> (usize, usize) {
        self.kad.store_mut().counts()
    }

    /// Whether a peer has a connection in this half.
    pub(super) fn has(&self, peer: &PeerId) -> bool {
        self.connections.any(peer).is_some()
    }

    /// A wanted peer does not come.
    pub(super) fn failed(&mut self, peer: PeerId) {
        let error = DialError::Aborted;
        let connection_id = ConnectionId::new_unchecked(0);
        let failure = DialFailure { peer_id: Some(peer), error: &error, connection_id };
        self.kad.on_swarm_event(FromSwarm::DialFailure(failure));
    }

    /// Decides anew whether others are answered.
    fn choose_mode(&mut self) {
        let server = match self.mode {
            DhtMode::Off | DhtMode::Client => false,
            DhtMode::Server => true,
            DhtMode::Auto => self.reach == Reach::Near || !self.external.is_empty(),
        };
        let mode = if server { Mode::Server } else { Mode::Client };
        if self.kad.mode() != mode {
            self.kad.set_mode(Some(mode));
        }
    }

    /// Addresses of a peer that kad knows from its table and from the lookups under way, as far as they may be dialled.
    fn addresses_of(&mut self, peer: PeerId) -> Vec<Multiaddr> {
        let id = ConnectionId::new_unchecked(0);
        let all = self.kad.handle_pending_outbound_connection(id, Some(peer), &[], Endpoint::Dialer);
        let all = all.unwrap_or_default().into_iter().map(without_peer);
        told(all, self.heard_from).direct
    }

    /// Somebody says something.
    fn hear(&mut self, from: &PeerId) {
        let scope = self.connections.standing(from);
        let idle = self.kad.iter_queries().next().is_none();
        self.heard_from = if idle { scope } else { self.heard_from.max(scope) };
    }
}

impl NetworkBehaviour for Zone {
    type ConnectionHandler = ZoneHandler;
    type ToSwarm = ZoneEvent;

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if !self.is_mine(remote) {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.kad.handle_established_inbound_connection(id, peer, local, remote).map(Either::Left)
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        if !self.is_mine(address) {
            return Ok(Either::Right(dummy::ConnectionHandler));
        }
        self.kad.handle_established_outbound_connection(id, peer, address, role, port).map(Either::Left)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(it) => {
                if let Some((reach, scope)) = Reach::of(it.endpoint.get_remote_address())
                    && reach == self.reach
                {
                    let other_established = self.connections.opened(it.peer_id, it.connection_id, scope);
                    let event = ConnectionEstablished { other_established, ..it };
                    self.kad.on_swarm_event(FromSwarm::ConnectionEstablished(event));
                }
            }
            FromSwarm::ConnectionClosed(it) => {
                if let Some(remaining_established) = self.connections.closed(&it.peer_id, it.connection_id) {
                    let event = ConnectionClosed { remaining_established, ..it };
                    self.kad.on_swarm_event(FromSwarm::ConnectionClosed(event));
                }
            }
            FromSwarm::ExternalAddrConfirmed(it) if self.announces(it.addr) => {
                if !self.external.contains(it.addr) {
                    self.external.push(it.addr.clone());
                }
                self.kad.on_swarm_event(event);
                self.choose_mode();
            }
            FromSwarm::ExternalAddrExpired(it) if self.announces(it.addr) => {
                self.external.retain(|known| known != it.addr);
                self.kad.on_swarm_event(event);
                self.choose_mode();
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, id: ConnectionId, event: THandlerOutEvent<Self>) {
        if let Either::Left(event) = event
            && self.connections.has(&peer, id)
        {
            self.hear(&peer);
            self.kad.on_connection_handler_event(peer, id, event);
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        loop {
            if let Some(output) = self.queue.pop_front() {
                return Poll::Ready(output);
            }
            match self.kad.poll(cx) {
                Poll::Ready(output) => self.take(output),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
