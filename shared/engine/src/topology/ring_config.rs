//! What a ring is told, what it says, and its bounds.

use std::time::Duration;

use libp2p_identity::PeerId;

/// The bounds of a [`Ring`](super::Ring).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingConfig {
    /// Neighbours on either side; 0: none, and only peers that were named are held.
    pub places: usize,
    /// Peers on either side that are remembered.
    pub most_known: usize,
    /// Peers that may be named.
    pub most_named: usize,
    /// Between the answer to a ping and the next one.
    pub ping_every: Duration,
    /// Pings without an answer after which a neighbour counts as gone.
    pub lost: u32,
    /// How long a peer is left alone that could not be reached or is gone.
    pub retry: Duration,
    /// How long one is left alone that does not speak the protocol, such as a tracker.
    pub retry_foreign: Duration,
    /// A neighbour, each time another one, is asked for its neighbours this often.
    pub ask_every: Duration,
}

impl Default for RingConfig {
    fn default() -> Self {
        Self {
            places: 2,
            most_known: 16,
            most_named: 16,
            ping_every: Duration::from_secs(5),
            lost: 2,
            retry: Duration::from_secs(15),
            retry_foreign: Duration::from_secs(600),
            ask_every: Duration::from_secs(10),
        }
    }
}

/// What a ring is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RingInput {
    /// The user wants to be connected with a peer.
    Named(PeerId),
    /// There are such peers: they are connected, or somebody tells of them.
    Known(Vec<PeerId>),
    /// A peer that was sought is connected.
    Connected(PeerId),
    /// A peer that was sought cannot be reached now.
    Unreachable(PeerId),
    /// The last connection to a peer is gone.
    Disconnected(PeerId),
    /// A ping was answered.
    Pong {
        /// By whom.
        peer: PeerId,
        /// How long it took.
        rtt: Duration,
    },
    /// A ping was not answered in time.
    Missed(PeerId),
    /// A peer does not speak the protocol.
    Foreign(PeerId),
    /// It may be time for something.
    Timeout,
}

/// What a ring says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingOutput {
    /// Connect to a peer, and stay connected: answered by `Connected`, `Unreachable` or `Disconnected`.
    Seek(PeerId),
    /// The connection to a peer is of no more use to the ring.
    Release(PeerId),
    /// Ask a peer for an answer and nothing else: answered by `Pong`, `Missed` or `Foreign`.
    Ping(PeerId),
    /// Ask a peer for its neighbours, and tell them by `Known`.
    Ask(PeerId),
}

/// On which side a neighbour stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RingSide {
    /// Its place follows.
    Successor,
    /// Its place comes before.
    Predecessor,
}

/// A neighbour on the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingMember {
    /// Which peer.
    pub peer: PeerId,
    /// On which side; a peer of a small network may stand on both.
    pub side: RingSide,
    /// 1 for the nearest.
    pub rank: usize,
    /// Whether it is connected; otherwise it is being sought.
    pub connected: bool,
    /// How long the last answered ping took.
    pub rtt: Option<Duration>,
    /// Pings since then that were not answered.
    pub lost: u32,
}
