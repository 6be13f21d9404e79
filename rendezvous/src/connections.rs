//! Connected peers: where each connects from, and with which kind of program.

use std::collections::HashMap;
use std::net::IpAddr;

use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::ip_of;

use crate::point::{Asker, Reads};

/// Failed pings in a row before a connection is given up.
const MAX_PINGS_LOST: u32 = 2;

#[derive(Debug)]
struct Connection {
    id: ConnectionId,
    /// Where the peer is at the other end.
    observed: Option<IpAddr>,
    pings_lost: u32,
}

#[derive(Debug, Default)]
struct Peer {
    connections: Vec<Connection>,
    reads: Reads,
}

/// All connections. Their number is bounded by the behaviours.
#[derive(Debug, Default)]
pub(crate) struct Connections(HashMap<PeerId, Peer>);

impl Connections {
    /// `remote` is the peer's end.
    pub(crate) fn opened(&mut self, peer: PeerId, id: ConnectionId, remote: &Multiaddr) {
        let connections = &mut self.0.entry(peer).or_default().connections;
        connections.push(Connection { id, observed: ip_of(remote), pings_lost: 0 });
    }

    pub(crate) fn closed(&mut self, peer: &PeerId, id: ConnectionId) {
        let Some(it) = self.0.get_mut(peer) else { return };
        it.connections.retain(|connection| connection.id != id);
        if it.connections.is_empty() {
            self.0.remove(peer);
        }
    }

    /// How many a peer has.
    pub(crate) fn of(&self, peer: &PeerId) -> usize {
        self.0.get(peer).map_or(0, |it| it.connections.len())
    }

    /// Notes the name of a peer's program; it tells which records the program reads.
    pub(crate) fn identified(&mut self, peer: &PeerId, agent: &str) {
        let Some(it) = self.0.get_mut(peer) else { return };
        it.reads = if agent.starts_with("rust-libp2p/") {
            Reads::Legacy
        } else if agent.starts_with("shoal/") {
            Reads::Both
        } else {
            Reads::Unknown
        };
    }

    /// The peer as it asks on one of its connections.
    pub(crate) fn asker(&self, peer: PeerId, id: ConnectionId) -> Asker {
        let it = self.0.get(&peer);
        let connection = it.and_then(|it| it.connections.iter().find(|connection| connection.id == id));
        let observed = connection.and_then(|connection| connection.observed);
        Asker { peer, observed, reads: it.map(|it| it.reads).unwrap_or_default() }
    }

    /// A ping came back, or not. Returns whether the connection should be given up.
    pub(crate) fn pinged(&mut self, peer: &PeerId, id: ConnectionId, answered: bool) -> bool {
        let connections = self.0.get_mut(peer).map(|it| &mut it.connections).into_iter().flatten();
        let mut given_up = false;
        for connection in connections.filter(|connection| connection.id == id) {
            connection.pings_lost = if answered { 0 } else { connection.pings_lost + 1 };
            given_up |= connection.pings_lost >= MAX_PINGS_LOST;
        }
        given_up
    }
}
