//! Which request comes first.

use std::cmp::Reverse;
use std::time::Duration;

use shoal_content::ChunkIndex;

use super::content::Content;
use super::{Session, Waiting};
use crate::PeerName;

/// How long a request waits before its age counts more than anything else.
const LATE: Duration = Duration::from_secs(4);
/// A chunk that so many others have is not rare. A peer that is behind asks for what most have, and must not come
/// last for it.
const NOT_RARE: usize = 8;

/// Orders requests: by the fields, one after another; the smallest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// Whether its network has half of the slots, or more.
    has_its_share: bool,
    in_time: bool,
    /// Bytes that the peer has sent us of late, where that counts.
    reciprocity: Reverse<u64>,
    what: What,
    /// The number of the slot that the session was given last.
    served: u64,
    /// When the request came, if that is too long ago.
    since: Duration,
    tie_break: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Nothing that we know: to be refused.
    Unknown,
    /// A chunk of our choice.
    Any {
        /// Chunks that the peer was sent first and has not relayed.
        unrelayed: usize,
    },
    /// A certain chunk.
    Chunk {
        /// How many others have it, up to [`NOT_RARE`].
        holders: usize,
        /// How often we have sent it.
        sent: u16,
        /// How many chunks the peer has: a peer that is behind comes first.
        has: usize,
    },
}

impl Rank {
    pub(super) fn new<P: PeerName>(
        now: Duration,
        session: &Session<P>,
        has_its_share: bool,
        reciprocity: u64,
        waiting: &Waiting,
        content: Option<&Content<P>>,
    ) -> Self {
        // A peer that leaves the choice to us may wait: it keeps no chunk from others.
        let late = waiting.wanted.chunk.is_some() && now.saturating_sub(waiting.since) >= LATE;
        Self {
            has_its_share,
            in_time: !late,
            reciprocity: Reverse(reciprocity),
            what: content
                .map_or(What::Unknown, |content| What::new(&session.peer, waiting.wanted.chunk, content)),
            served: session.served,
            since: if late { waiting.since } else { Duration::ZERO },
            tie_break: session.tie_break,
        }
    }
}

impl What {
    fn new<P: PeerName>(peer: &P, chunk: Option<ChunkIndex>, content: &Content<P>) -> Self {
        match chunk {
            None => Self::Any { unrelayed: content.unrelayed(peer) },
            Some(chunk) => Self::Chunk {
                holders: content.holders(chunk).min(NOT_RARE),
                sent: content.times_sent(chunk),
                has: content.chunks_of(peer),
            },
        }
    }
}
