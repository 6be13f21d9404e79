//! The peers that are connected for a content, and what each side knows of the other.
//!
//! What always holds: what a neighbour has said only ever grows until it is gone; it is told on the
//! stream, or by one query at a time.

use std::time::Duration;

use shoal_content::{ChunkIndex, ChunkSet};
use shoal_wire::query::Load;

use crate::prefetch::{prefetch, prefetch_all, prefetch_bit};
use crate::{ChunkNews, PeerName};

/// How far this member is with a neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Connected. To be joined at this time.
    Connected {
        /// When.
        join_at: Duration,
    },
    /// A join, or the opening of a stream, is under way.
    Busy,
    /// Joined, and there is nothing to ask it for, so there is no stream.
    Joined,
    /// Chunks can be asked for.
    Ready,
}

/// One neighbour.
// In this order in memory, so that what decides whether it is told of a chunk, and almost all that news changes, is in
// one line of the caches: there is more news than anything else, and each chunk is told to every neighbour.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Neighbour {
    /// What it said that it has.
    pub(super) have: ChunkSet,
    /// How many chunks that are.
    has: u32,
    /// See [`heard`](Self::heard).
    heard: u32,
    pub(super) link: Link,
    /// What it has not been told yet; mostly nothing.
    untold: Option<Box<ChunkSet>>,
    /// Failures in a row.
    failures: u32,
    /// Whether a query that tells it is under way.
    telling: bool,
    /// Whether it joined this member, or this member it: either way it is told what is new.
    pub(super) it_joined: bool,
    pub(super) we_joined: bool,
    /// When it came, or last had something new to tell: a chunk that it has, or a manifest block.
    pub(super) worth_at: Duration,
    pub(super) rtt: Duration,
    /// How busy it said it is.
    pub(super) load: Load,
}

impl Neighbour {
    pub(super) fn prefetch(&self) {
        prefetch(&self.have);
        prefetch(&self.worth_at);
    }

    pub(super) fn prefetch_chunk(&self, chunk: ChunkIndex) {
        prefetch_bit(&self.have, chunk);
    }

    pub(super) fn is_joined(&self) -> bool {
        self.it_joined || self.we_joined
    }

    /// Whether there is a stream to ask it for chunks, or may be soon.
    pub(super) fn has_stream(&self) -> bool {
        matches!(self.link, Link::Ready | Link::Busy)
    }

    /// Whether it has every chunk of a content of this many.
    pub(super) fn is_complete(&self, chunks: usize) -> bool {
        chunks > 0 && self.has as usize == chunks
    }

    /// How many chunks it said that it has.
    pub(super) fn chunks_told(&self) -> usize {
        self.has as usize
    }

    /// Whether it has not said that it has a chunk.
    pub(super) fn has_nothing(&self) -> bool {
        self.has == 0
    }

    /// Takes what it says; returns what of it is new.
    pub(super) fn gains(&mut self, now: Duration, chunks: &ChunkNews) -> ChunkNews {
        self.failures = 0;
        let news = chunks.add_to(&mut self.have);
        let count = news.count();
        if count > 0 {
            self.has += count as u32;
            self.worth_at = now;
        }
        news
    }

    /// Of how many of the chunks that were announced of late it has been told, or is owed them.
    pub(super) fn heard(&self) -> usize {
        self.heard as usize
    }

    /// It has been told of so many of those, or is owed them.
    pub(super) fn has_heard(&mut self, announced: usize) {
        self.heard = announced as u32;
    }

    /// Adds to what it has to be told.
    pub(super) fn owe(&mut self, chunks: &ChunkSet) {
        match &mut self.untold {
            Some(untold) => untold.union_with(chunks),
            None => self.untold = Some(Box::new(chunks.clone())),
        }
    }

    /// Whether it has been told everything and can be told more on its stream.
    pub(super) fn is_up_to_date(&self) -> bool {
        self.link == Link::Ready && self.untold.is_none() && !self.telling
    }

    /// Whether new chunks have to be told to it. One that has not joined learns of them when it does.
    pub(super) fn listens(&self) -> bool {
        self.is_joined() || self.link == Link::Busy
    }

    /// What it can be told now, and whether on its stream. A neighbour without a stream is told by one query at a time.
    pub(super) fn take_untold(&mut self) -> Option<(ChunkSet, bool)> {
        let on_stream = match self.link {
            Link::Ready => true,
            Link::Joined => false,
            Link::Connected { .. } if self.it_joined => false,
            // A join tells everything, and a stream that is being opened is soon there.
            Link::Connected { .. } | Link::Busy => return None,
        };
        if self.telling {
            return None;
        }
        let untold = self.untold.take()?;
        self.telling = !on_stream;
        Some((*untold, on_stream))
    }

    /// A query that told it has ended.
    pub(super) fn told(&mut self, lost: Option<&ChunkSet>) {
        self.telling = false;
        if let Some(lost) = lost {
            self.owe(lost);
        }
    }

    /// It has just been told everything by a join: nothing before that needs to be told again.
    pub(super) fn told_all(&mut self) {
        self.untold = None;
    }
}

/// All of them; bounded by the node's limit of connections.
#[derive(Debug)]
pub(super) struct Neighbours<P> {
    /// In rising order. Apart from what is known of them, because each piece of news looks for a name here.
    names: Vec<P>,
    /// At the same places.
    all: Vec<Neighbour>,
    /// The length of have-maps; 0 until the manifest is known.
    chunks: usize,
    /// No join is due before this time.
    join_due: Option<Duration>,
}

impl<P> Default for Neighbours<P> {
    fn default() -> Self {
        Self { names: Vec::new(), all: Vec::new(), chunks: 0, join_due: None }
    }
}

impl<P: PeerName> Neighbours<P> {
    pub(super) fn prefetch(&self) {
        prefetch_all(&self.names);
    }

    /// The manifest is known; have-maps have this length from now on.
    pub(super) fn set_chunks(&mut self, chunks: usize) {
        self.chunks = chunks;
        for neighbour in &mut self.all {
            neighbour.have = ChunkSet::with_capacity(chunks);
        }
    }

    /// The length of have-maps; 0 until the manifest is known.
    pub(super) fn chunks(&self) -> usize {
        self.chunks
    }

    /// Adds a peer if it is new.
    pub(super) fn add(&mut self, now: Duration, peer: P) {
        let Err(place) = self.names.binary_search(&peer) else { return };
        self.join_due = Some(self.join_due.map_or(now, |due| due.min(now)));
        let neighbour = Neighbour {
            link: Link::Connected { join_at: now },
            rtt: Duration::from_millis(50),
            load: Load::default(),
            have: ChunkSet::with_capacity(self.chunks),
            has: 0,
            worth_at: now,
            it_joined: false,
            we_joined: false,
            untold: None,
            telling: false,
            failures: 0,
            heard: 0,
        };
        self.names.insert(place, peer);
        self.all.insert(place, neighbour);
    }

    pub(super) fn remove(&mut self, peer: &P) -> Option<Neighbour> {
        let place = self.names.binary_search(peer).ok()?;
        self.names.remove(place);
        Some(self.all.remove(place))
    }

    pub(super) fn get(&self, peer: &P) -> Option<&Neighbour> {
        self.names.binary_search(peer).ok().map(|place| &self.all[place])
    }

    pub(super) fn get_mut(&mut self, peer: &P) -> Option<&mut Neighbour> {
        self.names.binary_search(peer).ok().map(|place| &mut self.all[place])
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (P, &Neighbour)> {
        self.names.iter().copied().zip(&self.all)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (P, &mut Neighbour)> {
        self.names.iter().copied().zip(&mut self.all)
    }

    /// No join is due before this time; `None`: none is to come.
    pub(super) fn join_due(&self) -> Option<Duration> {
        self.join_due
    }

    /// Peers whose join is due, of those that `may` be joined.
    pub(super) fn due_joins(&mut self, now: Duration, may: impl Fn(&P) -> bool) -> Vec<P> {
        if self.join_due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let at = |(peer, n): (P, &Neighbour)| match n.link {
            Link::Connected { join_at } if may(&peer) => Some((peer, join_at)),
            _ => None,
        };
        let (due, later): (Vec<_>, Vec<_>) = self.iter().filter_map(at).partition(|(_, at)| *at <= now);
        self.join_due = later.into_iter().map(|(_, at)| at).min();
        due.into_iter().map(|(peer, _)| peer).collect()
    }

    /// Joins may be due that were not before.
    pub(super) fn look_again(&mut self, now: Duration) {
        self.join_due = Some(now);
    }

    /// Tries a neighbour again later, ever later. Returns how often it has failed in a row.
    pub(super) fn postpone(&mut self, now: Duration, peer: &P) -> u32 {
        let Some(neighbour) = self.get_mut(peer) else { return 0 };
        neighbour.failures += 1;
        let join_at = now + Duration::from_secs(1 << neighbour.failures.min(4));
        neighbour.link = Link::Connected { join_at };
        let failures = neighbour.failures;
        self.join_due = Some(self.join_due.map_or(join_at, |due| due.min(join_at)));
        failures
    }
}
