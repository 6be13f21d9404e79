//! Which peers are connected, since when, and what they do here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Protocol;
use shoal_addresses::{Prefix, Scope, ip_of};

use super::output::Connection;

#[derive(Debug)]
struct ConnectedPeer {
    connections: Vec<Connection>,
    since: Duration,
    /// When it last asked or sent something, or a content last used it.
    active: Duration,
    /// Chunk streams that it has open to this node.
    streams: usize,
    /// Some content used it or had it dialled, so it is this node that closes it.
    left: bool,
    /// Closing was ordered; the news of it is still to come.
    closing: bool,
    /// When to look whether it is still unused.
    check_at: Option<Duration>,
}

/// Some of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    All,
    /// Those that the peers began.
    Inbound,
    /// Those that this node began.
    Outbound,
    /// Those with a public network.
    Of(Prefix),
}

impl Which {
    fn includes(self, connection: &Connection) -> bool {
        match self {
            Self::All => true,
            Self::Inbound => !connection.outbound,
            Self::Outbound => connection.outbound,
            Self::Of(network) => network_of(connection) == Some(network),
        }
    }
}

/// The connected peers; as many as the Swarm reports.
#[derive(Debug, Default)]
pub(super) struct Connected {
    peers: BTreeMap<PeerId, ConnectedPeer>,
    /// The times of `check_at`, in order.
    checks: BTreeSet<(Duration, PeerId)>,
}

impl Connected {
    /// A connection stands. `true` if the peer was not connected, or about to be closed.
    pub(super) fn add(&mut self, now: Duration, peer: PeerId, connection: Connection) -> bool {
        let was_open = self.contains(&peer);
        let known = self.peers.entry(peer).or_insert_with(|| ConnectedPeer {
            connections: Vec::new(),
            since: now,
            active: now,
            streams: 0,
            left: false,
            closing: false,
            check_at: None,
        });
        known.connections.push(connection);
        known.closing = false;
        !was_open
    }

    /// A connection is gone. If it was the last one: since when the peer was connected, and whether closing it had
    /// been ordered.
    pub(super) fn remove(&mut self, peer: &PeerId, connection: &Connection) -> Option<(Duration, bool)> {
        let known = self.peers.get_mut(peer)?;
        if let Some(at) = known.connections.iter().position(|it| it == connection) {
            known.connections.swap_remove(at);
        }
        if !known.connections.is_empty() {
            return None;
        }
        let known = self.peers.remove(peer)?;
        if let Some(at) = known.check_at {
            self.checks.remove(&(at, *peer));
        }
        Some((known.since, known.closing))
    }

    /// Whether a peer is connected and not about to be closed.
    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|known| !known.closing)
    }

    /// Whether there is any connection, also one that is about to be closed.
    pub(super) fn has_any(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    /// A peer asked or sent something.
    pub(super) fn active(&mut self, now: Duration, peer: &PeerId) {
        if let Some(known) = self.peers.get_mut(peer) {
            known.active = known.active.max(now);
        }
    }

    /// How many chunk streams a peer has open to this node.
    pub(super) fn set_streams(&mut self, now: Duration, peer: &PeerId, streams: usize, grace: Duration) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        let ended = std::mem::replace(&mut known.streams, streams) > 0 && streams == 0;
        if ended && known.left {
            self.released(now, peer, grace);
        }
    }

    /// Connections of some kind, without those that are about to be closed.
    pub(super) fn count(&self, which: Which) -> usize {
        let all = self.open().flat_map(|(_, known)| &known.connections);
        all.filter(|it| which.includes(it)).count()
    }

    /// The public network of a peer, if it stands in one.
    pub(super) fn network(&self, peer: &PeerId) -> Option<Prefix> {
        self.peers.get(peer).into_iter().flat_map(|known| &known.connections).find_map(network_of)
    }

    /// Where a peer stands; public if that is not known.
    pub(super) fn standing(&self, peer: &PeerId) -> Scope {
        let connections = self.peers.get(peer).into_iter().flat_map(|known| &known.connections);
        connections.map(|it| it.standing).min().unwrap_or(Scope::Public)
    }

    /// The last use of a peer is over: it is looked at again after the grace.
    pub(super) fn released(&mut self, now: Duration, peer: &PeerId, grace: Duration) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        known.active = known.active.max(now);
        known.left = true;
        if known.check_at.is_none() {
            known.check_at = Some(now + grace);
            self.checks.insert((now + grace, *peer));
        }
    }

    /// Whether this node began every connection to a peer, and the peer has asked and sent nothing since the first.
    pub(super) fn is_untouched(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|known| {
            let own = known.connections.iter().all(|it| it.outbound);
            own && !known.closing && known.streams == 0 && known.active == known.since
        })
    }

    pub(super) fn next_check(&self) -> Option<Duration> {
        self.checks.first().map(|(at, _)| *at)
    }

    /// A peer that was used and is no longer, neither by this node nor by itself, for the whole grace.
    pub(super) fn unused(
        &mut self,
        now: Duration,
        grace: Duration,
        used: impl Fn(&PeerId) -> bool,
    ) -> Option<PeerId> {
        while let Some((at, _)) = self.checks.first()
            && *at <= now
            && let Some((_, peer)) = self.checks.pop_first()
        {
            let Some(known) = self.peers.get_mut(&peer) else { continue };
            known.check_at = None;
            // Whatever keeps it now, its end is a new reason to look.
            if known.closing || known.streams > 0 || used(&peer) {
                continue;
            }
            let over = known.active + grace;
            if over <= now {
                return Some(peer);
            }
            known.check_at = Some(over);
            self.checks.insert((over, peer));
        }
        None
    }

    /// The peer whose loss would matter least: unused by this node, and silent for longest. Those that were active
    /// after `busy_since` are left alone.
    pub(super) fn least_useful(
        &self,
        busy_since: Option<Duration>,
        which: Which,
        used: impl Fn(&PeerId) -> bool,
    ) -> Option<PeerId> {
        let idle = |known: &ConnectedPeer| busy_since.is_none_or(|busy| known.active <= busy);
        let there = |known: &ConnectedPeer| known.connections.iter().any(|it| which.includes(it));
        let unused = self.open().filter(|(peer, known)| idle(known) && there(known) && !used(peer));
        unused.min_by_key(|(_, known)| known.active).map(|(peer, _)| *peer)
    }

    /// Peers that stay.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.open().map(|(peer, _)| *peer)
    }

    /// Closing a peer was ordered. `false` if it is not connected, or that was ordered before.
    pub(super) fn close(&mut self, peer: &PeerId) -> bool {
        let open = self.peers.get_mut(peer).filter(|known| !known.closing);
        open.map(|known| known.closing = true).is_some()
    }

    fn open(&self) -> impl Iterator<Item = (&PeerId, &ConnectedPeer)> {
        self.peers.iter().filter(|(_, known)| !known.closing)
    }
}

/// The public network of a connection's other end; none behind a relay, where it is not known.
pub(super) fn network_of(connection: &Connection) -> Option<Prefix> {
    let relayed = connection.remote.iter().any(|part| part == Protocol::P2pCircuit);
    ip_of(&connection.remote).filter(|_| !relayed).and_then(Prefix::of)
}
