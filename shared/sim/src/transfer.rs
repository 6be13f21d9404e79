//! Chunks on their way.

use std::time::Duration;

use prefetch_index::prefetch_index;

use super::id::{Number, TransferId};
use shoal_content::ChunkIndex;
use shoal_engine::RequestId;

#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) from: Number,
    pub(super) to: Number,
    pub(super) link: u32,
    pub(super) id: RequestId,
    pub(super) chunk: ChunkIndex,
    /// Bytes of the chunk; how many of them left the sender, and how many arrived.
    pub(super) len: u32,
    pub(super) sent: u32,
    pub(super) arrived: u32,
    /// Pieces that the receiver has not taken yet, and how many there may be.
    pub(super) window: u16,
    pub(super) most: u16,
    /// Pieces for which an event is to come.
    pub(super) flying: u16,
    /// Whether it stands in its sender's line or is on it.
    pub(super) queued: bool,
    /// The connection is gone; what still arrives is thrown away.
    pub(super) aborted: bool,
    /// Bytes that arrived and were not reported to the engine, and when the last ones were.
    pub(super) unreported: u32,
    pub(super) reported: Duration,
}

impl Transfer {
    /// Whether no event and no line refers to it any more.
    fn is_over(&self) -> bool {
        (self.aborted || self.arrived == self.len) && !self.queued && self.flying == 0
    }
}

/// All transfers; places are used again.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    all: Vec<Transfer>,
    free: Vec<TransferId>,
}

impl Transfers {
    pub(super) fn add(&mut self, transfer: Transfer) -> TransferId {
        if let Some(id) = self.free.pop() {
            self.all[id as usize] = transfer;
            return id;
        }
        self.all.push(transfer);
        (self.all.len() - 1) as TransferId
    }

    pub(super) fn prefetch(&self, id: TransferId) {
        prefetch_index(&self.all, id as usize);
    }

    pub(super) fn peek(&self, id: TransferId) -> &Transfer {
        &self.all[id as usize]
    }

    pub(super) fn get(&mut self, id: TransferId) -> &mut Transfer {
        &mut self.all[id as usize]
    }

    /// Gives a transfer's place to others if it is over.
    pub(super) fn release(&mut self, id: TransferId) {
        if self.all[id as usize].is_over() {
            self.free.push(id);
        }
    }

    /// Throws a transfer away; returns the bytes that had arrived.
    pub(super) fn abort(&mut self, id: TransferId) -> u32 {
        let transfer = self.get(id);
        if transfer.aborted {
            return 0;
        }
        transfer.aborted = true;
        let arrived = transfer.arrived;
        self.release(id);
        arrived
    }
}
