//! The connected peers of a node, for people and programs that look on.
//!
//! The driver notes what happens to connections. What this is not: nothing is decided by it. What always holds: there is
//! an entry only for a connection that stands; what a peer calls itself is cut to [`MAX_AGENT`] bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_content::ContentId;

use crate::traffic::Exchanged;

/// The longest name of a peer's program that is kept, in bytes.
pub const MAX_AGENT: usize = 128;

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeighbourTransport {
    /// TCP, with TLS or Noise and yamux.
    Tcp,
    /// QUIC, version 1.
    Quic,
    /// A relay.
    Relay,
    /// Something else.
    Other,
}

impl NeighbourTransport {
    fn of(endpoint: &ConnectedPoint) -> Self {
        let remote = endpoint.get_remote_address();
        let has = |wanted: fn(&Protocol<'_>) -> bool| remote.iter().any(|part| wanted(&part));
        // Of a circuit that the other side began, only the local address says that it is one.
        if endpoint.is_relayed() {
            Self::Relay
        } else if has(|part| matches!(part, Protocol::QuicV1)) {
            Self::Quic
        } else if has(|part| matches!(part, Protocol::Tcp(_))) {
            Self::Tcp
        } else {
            Self::Other
        }
    }

    /// One word: `tcp`, `quic`, `relay` or `other`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
            Self::Relay => "relay",
            Self::Other => "other",
        }
    }
}

/// A connected peer. Where there are several connections to it, this is about the oldest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its id, which it has proven.
    pub peer: PeerId,
    /// The other end of the connection.
    pub address: Multiaddr,
    /// What carries the connection.
    pub transport: NeighbourTransport,
    /// Whether this node began the connection.
    pub outbound: bool,
    /// How long it has been connected.
    pub connected: Duration,
    /// Connections to it, at least one.
    pub connections: usize,
    /// The last round trip that was measured, by libp2p's ping every 15 seconds.
    pub rtt: Option<Duration>,
    /// What it calls its program: at most 128 bytes, and whatever characters it likes. To be escaped before it is shown.
    pub agent: Option<String>,
    /// Contents of this node that use the connection, in order.
    pub contents: Vec<ContentId>,
    /// What was exchanged with it since the node was started, as far as it is among the peers that are counted one by
    /// one.
    pub exchanged: Exchanged,
}

struct Known {
    peer: PeerId,
    remote: Multiaddr,
    transport: NeighbourTransport,
    outbound: bool,
    since: Duration,
    rtt: Option<Duration>,
}

#[derive(Default)]
struct Table {
    connections: BTreeMap<ConnectionId, Known>,
    agents: HashMap<PeerId, String>,
    /// Those that say they answer questions of peers: no trackers, for instance.
    answering: BTreeSet<PeerId>,
    ever: u64,
}

/// The connections that stand; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct ConnectionTable(Arc<Mutex<Table>>);

impl ConnectionTable {
    /// A connection stands.
    pub(crate) fn opened(&self, now: Duration, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let (remote, outbound) = (endpoint.get_remote_address().clone(), endpoint.is_dialer());
        let transport = NeighbourTransport::of(endpoint);
        let mut table = self.table();
        table.ever += 1;
        table.connections.insert(id, Known { peer, remote, transport, outbound, since: now, rtt: None });
    }

    /// A connection is gone. Whether it was the last one to its peer.
    pub(crate) fn closed(&self, id: ConnectionId) -> bool {
        let mut table = self.table();
        let Some(gone) = table.connections.remove(&id) else { return false };
        let last = table.connections.values().all(|known| known.peer != gone.peer);
        if last {
            table.agents.remove(&gone.peer);
            table.answering.remove(&gone.peer);
        }
        last
    }

    /// A round trip was measured.
    pub(crate) fn pinged(&self, id: ConnectionId, rtt: Duration) {
        if let Some(known) = self.table().connections.get_mut(&id) {
            known.rtt = Some(rtt);
        }
    }

    /// A peer says what program it is, and whether it answers questions of peers.
    pub(crate) fn identified(&self, peer: PeerId, mut agent: String, answers: bool) {
        let mut table = self.table();
        if table.connections.values().any(|known| known.peer == peer) {
            let end = (0..=MAX_AGENT.min(agent.len())).rev().find(|at| agent.is_char_boundary(*at));
            agent.truncate(end.unwrap_or(0));
            agent.shrink_to_fit();
            table.agents.insert(peer, agent);
            if answers {
                table.answering.insert(peer);
            }
        }
    }

    /// How many connections stand, and how many ever stood.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let table = self.table();
        (table.connections.len(), table.ever)
    }

    /// The connected peers, by id.
    pub(crate) fn peers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> = self.table().connections.values().map(|known| known.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    /// Those of them that say they answer questions of peers, by id.
    pub(crate) fn answering(&self) -> Vec<PeerId> {
        self.table().answering.iter().copied().collect()
    }

    /// The connected peers, and the round trip that was measured last on the oldest connection to each.
    pub(crate) fn round_trips(&self) -> BTreeMap<PeerId, Option<Duration>> {
        let mut all = BTreeMap::new();
        for known in self.table().connections.values() {
            all.entry(known.peer).or_insert(known.rtt);
        }
        all
    }

    /// The shortest round trip to a peer, of those that were measured last on its connections.
    pub(crate) fn round_trip(&self, peer: &PeerId) -> Option<Duration> {
        self.table()
            .connections
            .values()
            .filter(|known| known.peer == *peer)
            .filter_map(|known| known.rtt)
            .min()
    }

    /// All connected peers, by id. What they exchange, and for which contents, is for others to add.
    pub(crate) fn list(&self, now: Duration) -> Vec<Neighbour> {
        let table = self.table();
        let mut all: BTreeMap<PeerId, Neighbour> = BTreeMap::new();
        for known in table.connections.values() {
            let neighbour = all.entry(known.peer).or_insert_with(|| Neighbour {
                peer: known.peer,
                address: known.remote.clone(),
                transport: known.transport,
                outbound: known.outbound,
                connected: now.saturating_sub(known.since),
                connections: 0,
                rtt: known.rtt,
                agent: table.agents.get(&known.peer).cloned(),
                contents: Vec::new(),
                exchanged: Exchanged::default(),
            });
            neighbour.connections += 1;
        }
        all.into_values().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(text: &str) -> ConnectedPoint {
        let local_addr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        ConnectedPoint::Listener { local_addr, send_back_addr: text.parse().unwrap() }
    }

    #[test]
    fn a_peer_is_listed_once_and_forgotten_with_its_last_connection() {
        let (table, peer) = (ConnectionTable::default(), PeerId::random());
        let [first, second, third] = [1, 2, 3].map(ConnectionId::new_unchecked);
        let secs = Duration::from_secs;
        table.opened(secs(1), peer, first, &accepted("/ip4/10.0.0.1/udp/7/quic-v1"));
        table.opened(secs(2), peer, second, &accepted("/ip4/10.0.0.1/tcp/8"));
        table.opened(secs(3), PeerId::random(), third, &accepted("/ip4/10.0.0.2/tcp/9"));
        table.identified(peer, "ä".repeat(200), true);
        table.identified(PeerId::random(), "nobody".to_owned(), true);
        assert_eq!(table.answering(), [peer]);
        table.pinged(second, secs(9));
        table.pinged(first, secs(1));
        let all = table.list(secs(11));
        assert_eq!(all.len(), 2);
        let it = all.iter().find(|it| it.peer == peer).unwrap();
        assert_eq!((it.transport, it.connections, it.rtt), (NeighbourTransport::Quic, 2, Some(secs(1))));
        assert_eq!((it.outbound, it.connected), (false, secs(10)));
        assert_eq!(it.agent.as_ref().map(String::len), Some(MAX_AGENT));
        assert_eq!(table.counts(), (3, 3));
        assert!(!table.closed(first) && table.closed(second) && !table.closed(second));
        assert_eq!(table.counts(), (1, 3));
        assert!(table.answering().is_empty());
        assert!(table.table().agents.is_empty(), "nothing is kept of who is gone");
    }
}
