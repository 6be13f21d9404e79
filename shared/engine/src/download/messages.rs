//! What a download is told and what it says: its options, inputs and outputs.

use std::time::Duration;

use libp2p_identity::PeerId;
use serde::{Deserialize, Serialize};

use super::RequestId;
use crate::ChunkNews;
use shoal_content::ChunkIndex;
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::Load;

/// Which peer is asked first among those that have a chunk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerChoice {
    /// The peer that is expected to deliver first: what is queued, over the measured rate, and a round trip.
    #[default]
    EstimatedFinish,
    /// The classic score: round trip in milliseconds and ten for each chunk of its told load.
    Score,
}

/// Which peers fetch from which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Topology {
    /// Everybody from everybody who has something.
    #[default]
    Mesh,
    /// Everybody from seeds alone.
    Star,
}

/// What a user may choose.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct DownloadConfig {
    /// Most requests under way per peer; at least 1. On a line that holds more within two round trips there are as many as
    /// that, up to what a peer lets wait.
    pub max_in_flight: usize,
    /// Always that many, whatever the rate and the delay.
    pub fixed_in_flight: bool,
    /// Which peer is asked first.
    pub peer_choice: PeerChoice,
    /// Lets complete peers choose what they send first. Needs that every chunk is wanted.
    pub ask_any: bool,
    /// Asks complete peers alone (topology "star").
    pub only_seeds: bool,
    /// How long chunks that a seed gave to others are left to those to pass on.
    pub seed_grace: Duration,
    /// A peer that was asked and sends nothing for this long has stalled.
    pub stall: Duration,
}

impl DownloadConfig {
    /// The same with what a topology needs.
    pub fn with_topology(self, topology: Topology) -> Self {
        match topology {
            Topology::Mesh => self,
            // Nobody passes chunks on, so there is nothing to leave to others.
            Topology::Star => Self { only_seeds: true, ask_any: false, ..self },
        }
    }
}

impl Default for DownloadConfig {
    fn default() -> Self {
        Self {
            max_in_flight: 16,
            fixed_in_flight: false,
            peer_choice: PeerChoice::default(),
            ask_any: true,
            only_seeds: false,
            seed_grace: Duration::from_millis(500),
            stall: Duration::from_secs(10),
        }
    }
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Input<P = PeerId> {
    /// A peer joined: it may be asked once it says what it has.
    PeerUp {
        /// The peer.
        peer: P,
        /// Round trip, as measured by the join.
        rtt: Duration,
    },
    /// A peer is gone.
    PeerDown {
        /// The peer.
        peer: P,
    },
    /// A peer said that it has some chunks (more).
    Have {
        /// The peer.
        peer: P,
        /// Which; a map is of this content's length.
        chunks: ChunkNews,
    },
    /// Bytes of chunks came from a peer, whether their chunk is whole or not.
    Progress {
        /// The peer.
        peer: P,
        /// How many.
        bytes: u64,
    },
    /// A peer told how busy it is.
    Load {
        /// The peer.
        peer: P,
        /// As it says itself.
        load: Load,
    },
    /// A peer begins to send a chunk: the one that was asked for, or for an [`Output::RequestAny`] the one
    /// that it chose.
    Begun {
        /// The peer.
        peer: P,
        /// The request.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
        /// Bytes that all have asked of the peer and that it has not sent, as it says itself.
        queued: u64,
    },
    /// A chunk was verified and stored.
    Stored {
        /// The peer that sent it.
        peer: P,
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
    },
    /// A chunk did not match its hash or length.
    Corrupt {
        /// The peer that sent it.
        peer: P,
        /// The request that it answers.
        id: RequestId,
        /// Which.
        chunk: ChunkIndex,
    },
    /// A peer refused a request.
    Refused {
        /// The peer.
        peer: P,
        /// Which request.
        id: RequestId,
        /// Why.
        why: ChunkRefusal,
    },
    /// The stream of a peer broke; everything asked of it is open again.
    StreamLost {
        /// The peer.
        peer: P,
    },
    /// Chunks cannot be stored for now: ask for nothing.
    Pause,
    /// Chunks can be stored again.
    Resume,
    /// Time has passed; see [`Download::next_timeout`](super::Download::next_timeout).
    Timeout,
}

impl<P> Input<P> {
    /// The peer that it is about.
    pub(super) fn peer(&self) -> Option<&P> {
        match self {
            Self::PeerUp { peer, .. }
            | Self::PeerDown { peer }
            | Self::Have { peer, .. }
            | Self::Progress { peer, .. }
            | Self::Load { peer, .. }
            | Self::Begun { peer, .. }
            | Self::Stored { peer, .. }
            | Self::Corrupt { peer, .. }
            | Self::Refused { peer, .. }
            | Self::StreamLost { peer } => Some(peer),
            Self::Pause | Self::Resume | Self::Timeout => None,
        }
    }
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<P = PeerId> {
    /// Ask a peer for a chunk.
    Request {
        /// The peer.
        peer: P,
        /// The request's id.
        id: RequestId,
        /// Which chunk.
        chunk: ChunkIndex,
    },
    /// Ask a peer for a chunk of its choice.
    RequestAny {
        /// The peer.
        peer: P,
        /// The request's id.
        id: RequestId,
    },
    /// Take a request back.
    Cancel {
        /// The peer.
        peer: P,
        /// Which request.
        id: RequestId,
    },
    /// Close the connection to a peer.
    Drop {
        /// The peer.
        peer: P,
        /// Why.
        reason: DropReason,
    },
    /// Every wanted chunk is stored. Comes once, last.
    Complete,
}

/// Why a peer is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// It sent bytes that do not match this chunk's hash or length. It must not come back.
    Corrupt(ChunkIndex),
    /// It did so after many chunks that were good. Its disk may be at fault; it may come back later.
    Rotten(ChunkIndex),
    /// It was asked again and again and sent nothing. It may come back.
    Stalled,
}
