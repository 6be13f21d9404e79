//! The connections of a virtual peer.
//!
//! What always holds: a link stays in its slot while it lasts, and knows the slot of its other end, so that news
//! reaches that without a search; there is at most one link to any other peer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::node::Number;
use super::transfer::TransferId;
use shoal_content::ChunkIndex;
use shoal_engine::RequestId;

/// A connection, as one of the two sees it.
#[derive(Debug)]
pub(super) struct Link {
    /// Who is at the other end, and in which slot there.
    pub(super) other: Number,
    pub(super) back: usize,
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
    pub(super) fn new(number: u32, other: Number, back: usize) -> Self {
        let join_sent = Duration::ZERO;
        Self { other, back, number, up: false, join_sent, sending: Vec::new(), asked: Vec::new() }
    }

    pub(super) fn answered(&mut self, id: RequestId) {
        self.asked.retain(|(other, _)| *other != id);
    }
}

/// All links of a peer.
#[derive(Debug, Default)]
pub(super) struct Links {
    slots: Vec<Option<Link>>,
    places: BTreeMap<Number, usize>,
    free: Vec<usize>,
}

impl Links {
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The slot that the next link will have.
    pub(super) fn next_slot(&self) -> usize {
        self.free.last().copied().unwrap_or(self.slots.len())
    }

    pub(super) fn insert(&mut self, link: Link) {
        let slot = self.next_slot();
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.places.insert(link.other, slot);
        self.slots[slot] = Some(link);
    }

    pub(super) fn remove(&mut self, other: Number) -> Option<Link> {
        let slot = self.places.remove(&other)?;
        self.free.push(slot);
        self.slots[slot].take()
    }

    pub(super) fn get(&self, other: Number) -> Option<&Link> {
        self.slots[*self.places.get(&other)?].as_ref()
    }

    pub(super) fn get_mut(&mut self, other: Number) -> Option<&mut Link> {
        self.slots[*self.places.get(&other)?].as_mut()
    }

    /// The link in a slot, if it is the one of this number and stands.
    pub(super) fn at(&mut self, slot: usize, number: u32) -> Option<&mut Link> {
        self.slots.get_mut(slot)?.as_mut().filter(|link| link.number == number && link.up)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.slots.iter().flatten()
    }
}
