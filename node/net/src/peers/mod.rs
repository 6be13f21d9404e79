//! What contents have to do with the peers of their node: they seek them, and are told what came of that.
//!
//! A content [attaches](SharedPeers::attach). It gets a handle to say what it wants, and a mailbox for what happens to
//! the peers that it seeks or uses. It hears of no others, so a node with a thousand quiet contents wakes none of them
//! when somebody connects. Which peers are dialled, kept and closed is decided by the engine's `PeerBook`, one for the
//! whole node. Contents tell it what they want at once; the driver tells it what happens in the Swarm, and carries out
//! what it says ([`layer`]).
//!
//! What always holds: when a handle is dropped, however that came, all that its content used is given back; a mailbox
//! that is full loses events, and its content is told so ([`PeerEvent::Lagged`]).

mod dial_error;
pub(crate) mod layer;
mod mailboxes;
mod remote_streams;
mod shared;
#[cfg(test)]
mod tests;
mod trouble;

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use crate::shared_error::SharedError;

pub use self::dial_error::DialError;
pub(crate) use self::shared::{PeersHandle, SharedPeers};
pub(crate) use self::trouble::trouble;

/// Names a content that is attached, among all that ever were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct SubscriberId(u64);

/// What happened to a peer that a content seeks or uses.
#[derive(Debug, Clone)]
pub(crate) enum PeerEvent {
    /// A peer that was sought is connected.
    Connected { peer: PeerId },
    /// A peer that was sought cannot be reached; the seeking has ended. `retry_at`: from when on it is of use to seek
    /// it again; `None`: no address is known, or it is banned. `error`: what the last dial said, if there was one.
    Unreachable {
        peer: PeerId,
        retry_at: Option<Duration>,
        error: Option<SharedError<libp2p::swarm::DialError>>,
    },
    /// The peer at a sought address is known. If the content wants a connection, it seeks the peer.
    AddressAnswered { address: Multiaddr, peer: PeerId },
    /// Nobody answered at a sought address; it is tried again.
    AddressUnreachable { address: Multiaddr, error: DialError },
    /// The last connection to a used peer is gone; the use has ended.
    Disconnected { peer: PeerId },
    /// This node has got or lost an address at which others reach it.
    AddressesChanged,
    /// Events were lost. Of the peers that the content seeks or uses, these are connected. What else it wants it
    /// should seek again.
    Lagged { connected: Vec<PeerId> },
}
