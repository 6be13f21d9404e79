//! The driver's part of the peer layer: carries what happens in the Swarm to the book, and what the book says to the
//! Swarm and to the contents. It decides nothing.

mod relayed;

use std::collections::HashMap;
use std::net::IpAddr;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use libp2p::core::ConnectedPoint;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, DialError as SwarmDialError};
use libp2p::{Multiaddr, PeerId, Stream, Swarm};
use shoal_addresses::{Network, Scope, ip_of};
use shoal_engine::{Connection, Dial, DialFailure, DialId, PeerBookOutput, Teller};

use super::mailboxes::Room;
use super::remote_streams::{InboundStream, RemoteStreams};
use super::{DialError, PeerEvent, SharedPeers, SubscriberId};
use crate::behaviour::Behaviour;
use crate::clock::Clock;
use crate::reachability::{Circuits, Opened};
use crate::shared_error::SharedError;

/// See the module. Always holds: there is an entry in each map only for a connection or dial that the Swarm has.
pub(crate) struct PeerLayer {
    clock: Clock,
    peers: SharedPeers,
    streams: RemoteStreams,
    connections: HashMap<ConnectionId, Connection>,
    dials: HashMap<ConnectionId, DialId>,
    circuits: Circuits,
    /// Mailboxes that were full, until they have room.
    full: FuturesUnordered<BoxFuture<'static, (SubscriberId, Option<Room>)>>,
}

impl PeerLayer {
    pub(crate) fn new(clock: Clock, peers: SharedPeers) -> Self {
        Self {
            clock,
            peers,
            streams: RemoteStreams::new(clock),
            connections: HashMap::new(),
            dials: HashMap::new(),
            circuits: Circuits::default(),
            full: FuturesUnordered::new(),
        }
    }

    /// Waits until the book may have something to say that no event of the Swarm brings;
    /// [`carry_out`](Self::carry_out) is due then. Cancel-safe.
    pub(crate) async fn due(&mut self) {
        let book = self.peers.state().book.next_timeout();
        let deadline = book.into_iter().chain(self.circuits.next_timeout()).min();
        tokio::select! {
            () = self.clock.until(deadline) => self.note_activity(),
            () = self.peers.changed() => {}
            () = self.streams.changed() => {
                let now = self.clock.now();
                let mut state = self.peers.state();
                for (peer, open) in self.streams.take_changes() {
                    state.book.streams_of_remote(now, &peer, open);
                }
            }
            Some((id, room)) = self.full.next(), if !self.full.is_empty() => {
                // Without room its content is gone.
                if let Some(room) = room {
                    let mut state = self.peers.state();
                    let connected = state.book.connected_peers(id).collect();
                    state.mailboxes.caught_up(id, room, connected);
                }
            }
        }
    }

    /// A connection stands. `standing`: where its other end does.
    pub(crate) fn established(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
        standing: Scope,
    ) {
        let now = self.clock.now();
        let dial = self.dials.remove(&id);
        let opened = self.circuits.opened(now, peer, id, endpoint, dial);
        let over = match opened {
            Opened::Usable { punched, over } => {
                // Where a hole was made, the address leads to the peer from here alone: it is not to be told.
                let outbound = endpoint.is_dialer() && !punched;
                let remote = endpoint.get_remote_address().clone();
                let connection = Connection { dial, outbound, remote, standing };
                self.connections.insert(id, connection.clone());
                self.note_activity();
                self.peers.state().book.connected(now, peer, connection);
                over
            }
            Opened::Silent { over } => over,
        };
        for dial in over {
            self.peers.state().book.dial_failed(now, dial, DialFailure::NotTried);
        }
    }

    /// A connection is gone.
    pub(crate) fn closed(&mut self, peer: PeerId, id: ConnectionId) {
        let now = self.clock.now();
        self.circuits.closed(now, &peer, id);
        if let Some(connection) = self.connections.remove(&id) {
            self.peers.state().book.disconnected(now, peer, &connection);
        }
    }

    /// A dial has failed.
    pub(crate) fn dial_failed(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        id: ConnectionId,
        error: &SharedError<SwarmDialError>,
    ) {
        if let Some(dial) = self.dials.remove(&id) {
            tracing::debug!(%error, "dial failed");
            self.peers.state().book.dial_failed(self.clock.now(), dial, failure(error));
            self.carry_out_after(swarm, Some(error.clone()));
        }
    }

    /// A peer says where it listens.
    pub(crate) fn listens(&self, peer: PeerId, addresses: Vec<Multiaddr>) {
        self.peers.state().book.learn(self.clock.now(), peer, addresses, Teller::Peer(peer));
    }

    /// A peer asked this node for something.
    pub(crate) fn used_by(&self, peer: &PeerId) {
        self.peers.state().book.used_by_remote(self.clock.now(), peer);
    }

    /// Where this node dialled the other end of a connection.
    pub(crate) fn dialled_at(&self, connection: ConnectionId) -> Option<Multiaddr> {
        self.connections.get(&connection).filter(|it| it.outbound).map(|it| it.remote.clone())
    }

    /// The address at the other end of a connection, if it is one.
    pub(crate) fn ip(&self, connection: ConnectionId) -> Option<IpAddr> {
        ip_of(&self.connections.get(&connection)?.remote)
    }

    /// The network at the other end of a connection, if its address says that.
    pub(crate) fn network(&self, connection: ConnectionId) -> Option<Network> {
        self.ip(connection).map(Network::of)
    }

    /// Counts a stream that a peer has opened, for as long as it lives.
    pub(crate) fn count(&self, peer: PeerId, stream: Stream) -> InboundStream {
        self.streams.count(peer, stream)
    }

    /// Does all that the book says.
    pub(crate) fn carry_out(&mut self, swarm: &mut Swarm<Behaviour>) {
        self.end_circuits(swarm);
        self.carry_out_after(swarm, None);
    }

    /// `error`: what has just failed.
    fn carry_out_after(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        mut error: Option<SharedError<SwarmDialError>>,
    ) {
        loop {
            let output = self.peers.state().book.poll(self.clock.now());
            match output {
                None => return,
                Some(PeerBookOutput::Dial { id, dial }) => {
                    if let Err(refused) = self.dial(swarm, id, dial) {
                        error = Some(refused);
                    }
                }
                Some(PeerBookOutput::Close { peer }) => {
                    // Err only says that there was no connection.
                    let _ = swarm.disconnect_peer_id(peer);
                }
                Some(PeerBookOutput::Block { peer }) => swarm.behaviour_mut().block(peer),
                Some(PeerBookOutput::Unblock { peer }) => swarm.behaviour_mut().unblock(peer),
                Some(PeerBookOutput::Connected { content, peer }) => {
                    self.tell(content, PeerEvent::Connected { peer });
                }
                Some(PeerBookOutput::Unreachable { content, peer, retry_at }) => {
                    self.tell(content, PeerEvent::Unreachable { peer, retry_at, error: error.clone() });
                }
                Some(PeerBookOutput::AddressAnswered { content, address, peer }) => {
                    self.tell(content, PeerEvent::AddressAnswered { address, peer });
                }
                Some(PeerBookOutput::AddressUnreachable { content, address }) => {
                    let error = error.clone().map_or(DialError::NotDialled, DialError::Failed);
                    self.tell(content, PeerEvent::AddressUnreachable { address, error });
                }
                Some(PeerBookOutput::Disconnected { content, peer }) => {
                    self.tell(content, PeerEvent::Disconnected { peer });
                }
            }
        }
    }

    fn tell(&self, id: SubscriberId, event: PeerEvent) {
        if let Some((id, events)) = self.peers.state().mailboxes.tell(id, event) {
            self.full.push(async move { (id, events.reserve_owned().await.ok()) }.boxed());
        }
    }

    fn dial(
        &mut self,
        swarm: &mut Swarm<Behaviour>,
        id: DialId,
        dial: Dial,
    ) -> Result<(), SharedError<SwarmDialError>> {
        tracing::debug!(peer = ?dial.peer, addresses = ?dial.addresses, "dialling");
        let options: DialOpts = match (dial.peer, dial.addresses) {
            (Some(peer), addresses) => {
                // Another part of the program may have connected to it meanwhile. A circuit without data does not count.
                let silent = self.circuits.is_silent(&peer);
                let condition = if silent { PeerCondition::Always } else { PeerCondition::Disconnected };
                DialOpts::peer_id(peer).condition(condition).addresses(addresses).build()
            }
            (None, mut addresses) => {
                DialOpts::unknown_peer_id().address(addresses.pop().unwrap_or_else(Multiaddr::empty)).build()
            }
        };
        let connection = options.connection_id();
        if let Err(error) = swarm.dial(options) {
            let error = SharedError::from(error);
            self.peers.state().book.dial_failed(self.clock.now(), id, failure(&error));
            return Err(error);
        }
        self.dials.insert(connection, id);
        Ok(())
    }

    /// Lets the book know when peers last used their streams, before it decides which of them is of least use.
    fn note_activity(&self) {
        let mut state = self.peers.state();
        for (peer, active) in self.streams.activity() {
            state.book.used_by_remote(active, &peer);
        }
    }
}

/// How much there is of what must be given back.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) connections: usize,
    pub(crate) dials: usize,
    pub(crate) mailboxes: usize,
    pub(crate) uses: usize,
}

#[cfg(test)]
impl PeerLayer {
    pub(crate) fn counts(&self) -> Counts {
        let state = self.peers.state();
        Counts {
            connections: self.connections.len(),
            dials: self.dials.len(),
            mailboxes: state.mailboxes.len(),
            uses: state.book.uses(),
        }
    }
}

/// What a failed dial means for its peer.
fn failure(error: &SwarmDialError) -> DialFailure {
    match error {
        SwarmDialError::WrongPeerId { obtained, address } => {
            DialFailure::WrongPeer { address: address.clone(), obtained: *obtained }
        }
        SwarmDialError::Denied { .. }
        | SwarmDialError::Aborted
        | SwarmDialError::DialPeerConditionFalse(_) => DialFailure::NotTried,
        SwarmDialError::LocalPeerId { .. } | SwarmDialError::NoAddresses | SwarmDialError::Transport(_) => {
            DialFailure::Unreachable
        }
    }
}
