//! The connections of a virtual peer.
//!
//! What always holds: there is at most one link to any other peer; the order of the links follows from the inputs
//! alone.

use std::time::Duration;

use prefetch_index::prefetch_index;

use super::id::{Number, TransferId};
use shoal_content::{ChunkIndex, ChunkSet};
use shoal_engine::{PeerTable, RequestId};

/// A connection, as one of the two sees it.
#[derive(Debug)]
pub(super) struct Link {
    /// The peer at the other end.
    pub(super) other: Number,
    /// Not used twice, so that nothing of an old connection is taken for a new one's.
    pub(super) number: u32,
    /// Whether it stands; before that it is being made.
    pub(super) up: bool,
    /// When the other was asked to join.
    pub(super) join_sent: Duration,
    /// What is being sent to the other.
    pub(super) sending: Vec<TransferId>,
    /// What was asked of the other, and not answered or taken back; without a chunk where the other chooses.
    pub(super) asked: Vec<(RequestId, Option<ChunkIndex>)>,
}

impl Link {
    pub(super) fn new(number: u32, other: Number) -> Self {
        let join_sent = Duration::ZERO;
        Self { other, number, up: false, join_sent, sending: Vec::new(), asked: Vec::new() }
    }

    pub(super) fn answered(&mut self, id: RequestId) {
        self.asked.retain(|(other, _)| *other != id);
    }
}

/// Where a link is, and its number: news needs nothing else.
#[derive(Debug, Clone, Copy)]
struct Place {
    slot: u32,
    number: u32,
}

/// All links of a peer.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Vec<Option<Link>>,
    by_other: PeerTable<Number, Place>,
    free: Vec<u32>,
}

impl Links {
    pub(super) fn len(&self) -> usize {
        self.by_other.len()
    }

    pub(super) fn insert(&mut self, link: Link) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() as u32 - 1
        });
        self.by_other.insert(link.other, Place { slot, number: link.number });
        self.slots[slot as usize] = Some(link);
    }

    pub(super) fn remove(&mut self, other: Number) -> Option<Link> {
        let Place { slot, .. } = self.by_other.remove(&other)?;
        self.free.push(slot);
        self.slots[slot as usize].take()
    }

    /// Has the caches fetch the link to another peer.
    pub(super) fn prefetch(&self, other: Number) {
        if let Some(place) = self.by_other.get(&other) {
            prefetch_index(&self.slots, place.slot as usize);
        }
    }

    /// Has the caches fetch where each link is.
    pub(super) fn prefetch_places(&self) {
        self.by_other.prefetch();
    }

    /// The number of the link to another peer.
    pub(super) fn number(&self, other: Number) -> Option<u32> {
        self.by_other.get(&other).map(|place| place.number)
    }

    pub(super) fn get(&self, other: Number) -> Option<&Link> {
        self.slots[self.by_other.get(&other)?.slot as usize].as_ref()
    }

    pub(super) fn get_mut(&mut self, other: Number) -> Option<&mut Link> {
        self.slots[self.by_other.get(&other)?.slot as usize].as_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.slots.iter().flatten()
    }
}

/// Numbers of links. For news, of which there is so much that it should not have to look at either peer's links.
#[derive(Debug, Default)]
pub(super) struct LinkSet(ChunkSet);

impl LinkSet {
    pub(super) fn insert(&mut self, number: u32) {
        self.0.grow_and_insert(number as usize);
    }

    pub(super) fn remove(&mut self, number: u32) {
        if self.contains(number) {
            self.0.remove(number as usize);
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        self.0.contains(number as usize)
    }
}
