//! Memory for chunk bytes, shared by all streams of a node.
//!
//! What always holds: chunks that have arrived and wait for a disk take [`ROOM`] bytes at most, those that a disk did
//! not take and that are kept to try it again [`KEPT`], and buffers that wait for their next use [`SPARE`].
//! Besides those there are only the chunks that are being received or sent, one for each stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shoal_content::MAX_CHUNK;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of chunks that wait for a disk, at most; some of the largest fit.
const ROOM: usize = 4 * MAX_CHUNK as usize;
/// Bytes of chunks that a disk did not take and that are kept, at most.
const KEPT: usize = 2 * MAX_CHUNK as usize;
/// Bytes of unused buffers, at most.
const SPARE: usize = MAX_CHUNK as usize / 4;
/// Unused buffers, at most; of small chunks there could be many.
const MAX_SPARE: usize = 256;

/// See the module.
#[derive(Debug)]
pub(super) struct Memory {
    room: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    /// Asking the system for fresh memory for each chunk costs more than hashing it.
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(ROOM)),
            kept: Arc::new(Semaphore::new(KEPT)),
            spare: Mutex::default(),
        }
    }
}

impl Memory {
    /// Waits until there is room for a chunk of `len` bytes, at most [`MAX_CHUNK`], to wait for a disk.
    pub(super) async fn room(&self, len: u32) -> OwnedSemaphorePermit {
        self.room.clone().acquire_many_owned(len).await.expect("never closed")
    }

    /// Room to keep a chunk that a disk did not take, if there is any.
    pub(super) fn keep(&self, len: u32) -> Option<OwnedSemaphorePermit> {
        self.kept.clone().try_acquire_many_owned(len).ok()
    }

    /// A buffer, if possible one that holds `len` bytes already. What is in it means nothing.
    pub(super) fn buffer(self: &Arc<Self>, len: usize) -> Buffer {
        let mut spare = self.spare();
        let fits = spare.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
        let best = fits.min_by_key(|(_, buffer)| buffer.capacity()).map(|(at, _)| at);
        let bytes = best.map(|at| spare.swap_remove(at)).or_else(|| spare.pop()).unwrap_or_default();
        Buffer { bytes, memory: self.clone() }
    }

    fn give_back(&self, buffer: Vec<u8>) {
        let mut spare = self.spare();
        let held: usize = spare.iter().map(Vec::capacity).sum();
        if spare.len() < MAX_SPARE && held + buffer.capacity() <= SPARE {
            spare.push(buffer);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that go back to the [`Memory`] when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    memory: Arc<Memory>,
}

impl Buffer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.memory.give_back(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(memory: &Arc<Memory>, len: usize) -> Buffer {
        let mut buffer = memory.buffer(len);
        buffer.bytes_mut().resize(len, 0);
        buffer
    }

    #[test]
    fn a_buffer_that_fits_is_used_again() {
        let memory = Arc::new(Memory::default());
        let both = (used(&memory, 1000), used(&memory, 5000));
        drop(both);
        assert_eq!(memory.buffer(900).bytes().len(), 1000);
        assert_eq!(memory.buffer(2000).bytes().len(), 5000);
    }

    #[test]
    fn unused_buffers_are_bounded_in_bytes() {
        let memory = Arc::new(Memory::default());
        let many: Vec<Buffer> = (0..10).map(|_| used(&memory, MAX_CHUNK as usize / 4)).collect();
        drop(many);
        let held: usize = memory.spare().iter().map(Vec::capacity).sum();
        assert!(held <= SPARE && held > SPARE / 2, "{held}");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let memory = Memory::default();
        let kept: Vec<_> = (0..10).filter_map(|_| memory.keep(MAX_CHUNK)).collect();
        assert_eq!(kept.len(), 2);
        drop(kept);
        assert!(memory.keep(1).is_some());
    }
}
