//! Connections by way of relays: which of them contents are told of, and when they end.
//!
//! A relay says how much a circuit carries. One that [carries no data](carries_data) is of use only until a direct
//! connection stands, so nobody is told of its peer: its dial is still under way, and has failed if nothing comes of it
//! in [`PATIENCE`]. One that carries data is a connection like another, until there is a better one. Decisions only: told
//! of events and the time.
//!
//! What always holds: there is an entry only for a peer with a connection, or for a wait that ends; at most [`MAX_SILENT`]
//! peers have nothing but circuits without data.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use libp2p::core::ConnectedPoint;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};
use shoal_engine::DialId;

/// How long a direct connection may take, once a circuit stands. DCUtR needs a few round trips where there is a way; a later
/// dial makes a new circuit, which is another attempt.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long it may still take once the circuit is gone: the other side closes it when its own end of the direct one stands.
const LAST_WAIT: Duration = Duration::from_secs(3);
/// How long circuits stay once there is something better: the other side may not know yet.
const FAREWELL: Duration = Duration::from_secs(1);
/// Peers that nothing else leads to than a circuit without data; further ones end the oldest.
const MAX_SILENT: usize = 24;
/// A circuit that carries at least so many bytes carries data: what breaks off there is worth going on with.
const CARRIES: u64 = 64 << 20;

/// Whether a circuit carries data that lets so many bytes through (libp2p specs, circuit relay v2: no limit, or one of 0,
/// means none).
pub(crate) fn carries_data(bytes: Option<u64>) -> bool {
    bytes.is_none_or(|bytes| bytes == 0 || bytes >= CARRIES)
}

/// What a connection is that has opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It is there for contents.
    Usable {
        /// It came about by a circuit, so its address leads to the peer from here alone.
        punched: bool,
        /// Dials of the peer that it makes needless.
        over: Vec<DialId>,
    },
    /// Nobody is told of it. The dials are needless.
    Silent { over: Vec<DialId> },
}

/// A circuit without data that led to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct InVain {
    pub(crate) peer: PeerId,
    /// The dials that have failed by that.
    pub(crate) dials: Vec<DialId>,
    /// The address of a circuit.
    pub(crate) address: Multiaddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Direct,
    Carrying,
    Silent,
}

#[derive(Debug)]
struct Wait {
    dials: Vec<DialId>,
    since: Duration,
    until: Duration,
    address: Multiaddr,
}

#[derive(Debug, Default)]
struct Paths {
    connections: Vec<(ConnectionId, Kind)>,
    wait: Option<Wait>,
    /// When connections end that are worse than the best.
    tidy_at: Option<Duration>,
}

impl Paths {
    fn best(&self) -> Option<Kind> {
        self.connections.iter().map(|(_, kind)| *kind).min()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Circuits {
    peers: BTreeMap<PeerId, Paths>,
    /// Whether circuits of a relay carry data; of relays that are connected.
    relays: HashMap<PeerId, bool>,
}

impl Circuits {
    /// A relay has said whether its circuits carry data.
    pub(crate) fn relay_says(&mut self, relay: PeerId, carries: bool) {
        if self.peers.contains_key(&relay) {
            self.relays.insert(relay, carries);
        }
    }

    /// A connection stands. `dial`: the one that led to it.
    pub(crate) fn opened(
        &mut self,
        now: Duration,
        peer: PeerId,
        id: ConnectionId,
        endpoint: &ConnectedPoint,
        dial: Option<DialId>,
    ) -> Opened {
        let kind = self.kind(endpoint);
        let paths = self.peers.entry(peer).or_default();
        let best = paths.best();
        paths.connections.push((id, kind));
        if kind != Kind::Silent {
            let relayed = best.is_some_and(|it| it > Kind::Direct) || paths.wait.is_some();
            let punched = kind == Kind::Direct && dial.is_none() && relayed;
            let over = paths.wait.take().map(|wait| wait.dials).unwrap_or_default();
            let best = paths.best();
            if paths.connections.iter().any(|(_, other)| Some(*other) > best) {
                paths.tidy_at = Some(now + FAREWELL);
            }
            return Opened::Usable { punched, over };
        }
        if best.is_some_and(|it| it < Kind::Silent) {
            paths.tidy_at = Some(now + FAREWELL);
            return Opened::Silent { over: dial.into_iter().collect() };
        }
        let address = relay_of(endpoint).clone();
        let (since, until) = (now, now + PATIENCE);
        let wait = paths.wait.get_or_insert_with(|| Wait { dials: vec![], since, until, address });
        wait.dials.extend(dial);
        wait.until = until;
        self.keep_few(now);
        Opened::Silent { over: vec![] }
    }

    fn kind(&self, endpoint: &ConnectedPoint) -> Kind {
        if !endpoint.is_relayed() {
            return Kind::Direct;
        }
        let relay = relay_of(endpoint).iter().find_map(|part| match part {
            Protocol::P2p(peer) => Some(peer),
            _ => None,
        });
        let carries = relay.and_then(|relay| self.relays.get(&relay)).copied().unwrap_or_default();
        if carries { Kind::Carrying } else { Kind::Silent }
    }

    fn keep_few(&mut self, now: Duration) {
        let waiting = || self.peers.iter().filter_map(|(peer, it)| Some((it.wait.as_ref()?.since, *peer)));
        if waiting().count() <= MAX_SILENT {
            return;
        }
        let oldest = waiting().min().map(|(_, peer)| peer);
        let wait = oldest.and_then(|peer| self.peers.get_mut(&peer)?.wait.as_mut());
        wait.into_iter().for_each(|wait| wait.until = now);
    }

    /// A connection is gone. Whether contents may have been told of it.
    pub(crate) fn closed(&mut self, now: Duration, peer: &PeerId, id: ConnectionId) -> bool {
        let Some(paths) = self.peers.get_mut(peer) else { return false };
        let at = paths.connections.iter().position(|(it, _)| *it == id);
        let kind = at.map(|at| paths.connections.swap_remove(at).1);
        if paths.connections.is_empty() {
            paths.tidy_at = None;
            match &mut paths.wait {
                Some(wait) => wait.until = wait.until.min(now + LAST_WAIT),
                None => drop(self.peers.remove(peer)),
            }
            self.relays.remove(peer);
        }
        kind.is_some_and(|kind| kind < Kind::Silent)
    }

    /// Whether nothing but circuits without data leads to a peer.
    pub(crate) fn is_silent(&self, peer: &PeerId) -> bool {
        self.peers.get(peer).is_some_and(|paths| paths.best() == Some(Kind::Silent))
    }

    /// Connections that have to end now, because there is something better or nothing came of them.
    pub(crate) fn outdated(&mut self, now: Duration) -> Vec<ConnectionId> {
        let mut ends = vec![];
        for paths in self.peers.values_mut() {
            if paths.tidy_at.is_some_and(|at| at <= now) {
                paths.tidy_at = None;
                let best = paths.best();
                ends.extend(
                    paths.connections.iter().filter(|(_, kind)| Some(*kind) > best).map(|(id, _)| *id),
                );
            }
        }
        ends
    }

    /// The next peer that no direct way was found to in time; its circuits are to be closed.
    pub(crate) fn in_vain(&mut self, now: Duration) -> Option<(InVain, Vec<ConnectionId>)> {
        let due = |paths: &Paths| paths.wait.as_ref().is_some_and(|wait| wait.until <= now);
        let peer = self.peers.iter().find(|(_, paths)| due(paths)).map(|(peer, _)| *peer)?;
        let paths = self.peers.get_mut(&peer)?;
        let Wait { dials, address, .. } = paths.wait.take()?;
        let circuits = paths.connections.iter().map(|(id, _)| *id).collect();
        if paths.connections.is_empty() {
            self.peers.remove(&peer);
        }
        Some((InVain { peer, dials, address }, circuits))
    }

    /// When [`outdated`](Self::outdated) or [`in_vain`](Self::in_vain) may next have something.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        let of =
            |paths: &Paths| paths.tidy_at.into_iter().chain(paths.wait.as_ref().map(|it| it.until)).min();
        self.peers.values().filter_map(of).min()
    }
}

/// The address of a circuit that says which relay it leads over.
fn relay_of(endpoint: &ConnectedPoint) -> &Multiaddr {
    match endpoint {
        ConnectedPoint::Dialer { address, .. } => address,
        ConnectedPoint::Listener { local_addr, .. } => local_addr,
    }
}

#[cfg(test)]
mod tests;
