//! What a peer book is told, and what it says.

use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_addresses::Scope;

/// The source of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Teller {
    /// The user.
    User,
    /// A tracker.
    Tracker(PeerId),
    /// The DHT: whoever answered a lookup. The addresses were judged by where that one stands.
    Dht,
    /// What worked, or was said, the last time that this node ran.
    Remembered,
    /// Multicast DNS. The addresses are on this node's own networks.
    Lan,
    /// A peer: of itself, if it is the peer whose address it is; else of somebody else.
    Peer(PeerId),
}

/// Dial a peer at some addresses. Without a peer id, any peer that answers at the address is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Which peer.
    pub peer: Option<PeerId>,
    /// Where; at least one.
    pub addresses: Vec<Multiaddr>,
}

/// Names a dial that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub(super) u64);

/// What is known of a connection that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The dial of the book that led to it.
    pub dial: Option<DialId>,
    /// Whether this node began it.
    pub outbound: bool,
    /// The address of the other end: where this node dialled, or where the peer was seen.
    pub remote: Multiaddr,
    /// Where the other end stands, as far as that is known; else public.
    pub standing: Scope,
}

/// Why a dial led to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialFailure {
    /// Nobody answered at any of the addresses, or not properly.
    Unreachable,
    /// Another peer answered.
    WrongPeer {
        /// Where.
        address: Multiaddr,
        /// Which.
        obtained: PeerId,
    },
    /// Nothing was tried: this node has no room, or the dial was broken off.
    NotTried,
}

/// What a peer book has to say. `C` is a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerBookOutput<C> {
    /// Dial, and report what came of it: [`connected`](super::PeerBook::connected) or
    /// [`dial_failed`](super::PeerBook::dial_failed).
    Dial {
        /// Names the dial in the report.
        id: DialId,
        /// The peer and its addresses.
        dial: Dial,
    },
    /// A peer that a content seeks is connected.
    Connected {
        /// Which content.
        content: C,
        /// Which peer.
        peer: PeerId,
    },
    /// A peer that a content seeks cannot be reached now. That ends the seeking.
    Unreachable {
        /// Which content.
        content: C,
        /// Which peer.
        peer: PeerId,
        /// From when on it may be of use to seek it again; `None` if no address is known, or the peer is banned.
        retry_at: Option<Duration>,
    },
    /// The peer at an address is known that was named for a content: it answered there, or the address names it. If
    /// the content wants a connection, it has to seek the peer.
    AddressAnswered {
        /// Which content.
        content: C,
        /// Where.
        address: Multiaddr,
        /// Which peer.
        peer: PeerId,
    },
    /// Nobody answered at an address that was named for a content. It is tried again as long as it is named.
    AddressUnreachable {
        /// Which content.
        content: C,
        /// Where.
        address: Multiaddr,
    },
    /// The last connection to a peer that a content used is gone, or about to be closed. That ends the use.
    Disconnected {
        /// Which content.
        content: C,
        /// Which peer.
        peer: PeerId,
    },
    /// Close every connection to a peer.
    Close {
        /// Which peer.
        peer: PeerId,
    },
    /// Close every connection to a peer, and refuse it from now on.
    Block {
        /// Which peer.
        peer: PeerId,
    },
    /// Refuse a peer no longer.
    Unblock {
        /// Which peer.
        peer: PeerId,
    },
}
