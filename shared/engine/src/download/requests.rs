//! The requests to one peer that are under way.

use std::time::Duration;

use super::RequestId;
use shoal_content::ChunkIndex;

/// One request that is under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// `None` until the peer has chosen.
    pub(super) chunk: Option<ChunkIndex>,
    /// Bytes.
    pub(super) len: u32,
    pub(super) asked: Duration,
    /// Whether the peer has begun to send it.
    pub(super) begun: bool,
}

/// All of them, in the order in which they were sent. They are few, and ids rise, so a list is smaller and faster
/// than a tree.
#[derive(Debug, Default)]
pub(super) struct Requests(Vec<(RequestId, Pending)>);

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a request, whose id is higher than those before.
    pub(super) fn push(&mut self, id: RequestId, pending: Pending) {
        debug_assert!(self.0.last().is_none_or(|(last, _)| *last < id), "ids rise");
        self.0.push((id, pending));
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Pending> {
        Some(self.0.remove(self.place(id)?).1)
    }

    pub(super) fn get(&self, id: RequestId) -> Option<&Pending> {
        Some(&self.0[self.place(id)?].1)
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Pending> {
        let place = self.place(id)?;
        Some(&mut self.0[place].1)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = RequestId> {
        self.0.iter().map(|(id, _)| *id)
    }

    /// Requests for which the peer has yet to choose a chunk.
    pub(super) fn unchosen(&self) -> impl Iterator<Item = RequestId> {
        self.0.iter().filter(|(_, pending)| pending.chunk.is_none()).map(|(id, _)| *id)
    }

    /// Bytes of a request and of those that were sent before it.
    pub(super) fn bytes_until(&self, id: RequestId) -> u64 {
        self.0.iter().take_while(|(other, _)| *other <= id).map(|(_, pending)| u64::from(pending.len)).sum()
    }

    fn place(&self, id: RequestId) -> Option<usize> {
        self.0.binary_search_by_key(&id, |(id, _)| *id).ok()
    }
}
