//! Buffers that go around between the thread that reads and cuts and those that hash.
//!
//! What always holds: no more buffers exist than were allowed, so memory is bounded however slow the
//! hashing is; a buffer comes back when the last chunk in it has been hashed.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use shoal_content::Hash;

/// The most that all buffers take together, in bytes.
const MEMORY: usize = 40 << 20;
/// How much a buffer holds beyond the longest chunk, unless chunks are very long. More brings nothing:
/// what is copied from buffer to buffer becomes less, but it no longer fits into the processor's cache.
const BEYOND: usize = 4 << 20;
/// More threads would wait for the one that cuts.
const MOST_HASHERS: usize = 4;
/// Chunks that may wait for a thread.
const QUEUE: usize = 256;

/// A buffer that is no longer written to.
#[derive(Debug)]
struct Full {
    bytes: Vec<u8>,
    home: Sender<Vec<u8>>,
}

impl Drop for Full {
    fn drop(&mut self) {
        // It fails only once nobody needs buffers any more.
        let _ = self.home.send(std::mem::take(&mut self.bytes));
    }
}

struct Job {
    /// The chunk's place in the table that is being made.
    chunk: u32,
    full: Arc<Full>,
    at: Range<usize>,
}

/// Hands out buffers and takes chunks to hash.
#[derive(Debug)]
pub(super) struct Hashers {
    jobs: SyncSender<Job>,
    home: Sender<Vec<u8>>,
    free: Receiver<Vec<u8>>,
    unmade: usize,
    len: usize,
}

impl Hashers {
    /// A buffer, always of the same length, which holds more than the longest chunk. Its contents are
    /// arbitrary. Waits until one is free.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        if let Ok(buffer) = self.free.try_recv() {
            return buffer;
        }
        if self.unmade > 0 {
            self.unmade -= 1;
            return vec![0; self.len];
        }
        // `home` is ours too, so this waits rather than fails.
        self.free.recv().unwrap_or_else(|_| vec![0; self.len])
    }

    /// Gives a buffer away with the chunks in it.
    pub(super) fn hash(&mut self, bytes: Vec<u8>, chunks: &mut Vec<(u32, Range<usize>)>) {
        let full = Arc::new(Full { bytes, home: self.home.clone() });
        for (chunk, at) in chunks.drain(..) {
            // It fails only if all threads are gone, which a missing hash will show.
            let _ = self.jobs.send(Job { chunk, full: full.clone(), at });
        }
    }
}

/// Runs `work` with threads that hash for it. Returns its result, and every hash with the number it was
/// given under, in any order.
pub(super) fn with_hashers<T>(max_chunk: usize, work: impl FnOnce(Hashers) -> T) -> (T, Vec<(u32, Hash)>) {
    // At least two buffers: one is filled while the other is hashed.
    let len = max_chunk + BEYOND.min((MEMORY / 2).saturating_sub(max_chunk)).max(1 << 20);
    let buffers = (MEMORY / len).clamp(2, 3);
    let threads = thread::available_parallelism().map_or(1, |n| n.get()).min(MOST_HASHERS);
    let (jobs, queue) = mpsc::sync_channel(QUEUE);
    let (home, free) = mpsc::channel();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| hash_all(&queue))).collect();
        let result = work(Hashers { jobs, home, free, unmade: buffers, len });
        // `work` dropped its end of the queue, so the threads end.
        let hashes = running.into_iter().flat_map(|t| t.join().unwrap_or_default()).collect();
        (result, hashes)
    })
}

fn hash_all(queue: &Mutex<Receiver<Job>>) -> Vec<(u32, Hash)> {
    let mut done = Vec::new();
    loop {
        // The lock is held while waiting; the other threads wait for the same thing.
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match job {
            Ok(job) => done.push((job.chunk, Hash::of(&job.full.bytes[job.at]))),
            Err(_) => return done,
        }
    }
}
