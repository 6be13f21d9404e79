//! Which request comes first.

use std::cmp::Reverse;
use std::time::Duration;

use super::holders::Holders;
use super::seeding::InitialSeeding;
use super::{Content, Session, Waiting};
use crate::PeerName;
use shoal_content::ChunkIndex;

/// How long a request waits before its age counts more than anything else.
const LATE: Duration = Duration::from_secs(4);
/// What so many others have is not rare. Who is behind asks for what most have, and must not come last for it.
const NOT_RARE: u16 = 8;

/// Orders requests: by the fields, one after another; the smallest comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    in_time: bool,
    /// What the peer has given us, where that counts.
    gift: Reverse<u64>,
    what: What,
    /// The number of the slot that the session was given last.
    served: u64,
    /// When it came, if that is too long ago.
    since: Duration,
    /// Drawn when the session was opened: who came first is not to be first always, because those who came at
    /// the same time know each other.
    lot: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Nothing that we know: to be refused.
    Unknown,
    /// Something fresh.
    Any {
        /// What the peer was given and has not passed on.
        unspread: usize,
    },
    /// A certain chunk.
    Chunk {
        /// How many others have it, up to [`NOT_RARE`].
        held: u16,
        /// How often we have sent it.
        sent: u16,
        /// How many chunks the peer has: who is behind comes first.
        has: usize,
    },
}

impl Rank {
    pub(super) fn new<P: PeerName>(
        now: Duration,
        session: &Session<P>,
        gift: u64,
        waiting: &Waiting,
        content: Option<&Content<P>>,
    ) -> Self {
        // Who leaves the choice to us may wait: it keeps no chunk from others.
        let late = waiting.wanted.chunk.is_some() && now.saturating_sub(waiting.since) >= LATE;
        Self {
            in_time: !late,
            gift: Reverse(gift),
            what: content
                .map_or(What::Unknown, |content| What::new(&session.peer, waiting.wanted.chunk, content)),
            served: session.served,
            since: if late { waiting.since } else { Duration::ZERO },
            lot: session.lot,
        }
    }
}

impl What {
    fn new<P: PeerName>(peer: &P, chunk: Option<ChunkIndex>, content: &Content<P>) -> Self {
        let holders: &Holders<P> = &content.holders;
        let unspread = |seeding: &InitialSeeding<P>| seeding.unspread(peer);
        match chunk {
            None => Self::Any { unspread: content.seeding.as_ref().map_or(0, unspread) },
            Some(chunk) => Self::Chunk {
                held: holders.of(chunk).min(NOT_RARE),
                sent: content.sent.get(chunk as usize).copied().unwrap_or(0),
                has: holders.chunks(peer),
            },
        }
    }
}
