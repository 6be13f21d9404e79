//! Buffers that go around between the thread that reads and cuts and those that hash.
//!
//! What always holds: no more buffers exist than were allowed, so memory is bounded however slow the
//! hashing is; a buffer comes back when the last chunk in it has been hashed.

use std::iter;
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, select_biased, unbounded};
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
/// Chunks that a thread takes at once, so that there are two of about the same length to be hashed in pairs.
const TOGETHER: usize = 4;

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

impl Job {
    fn bytes(&self) -> &[u8] {
        &self.full.bytes[self.at.clone()]
    }
}

/// Hashes a chunk, and some more of those that wait, which together take less time than one after another.
fn hash_some(first: Job, queue: &Receiver<Job>) -> impl Iterator<Item = (u32, Hash)> {
    let jobs: Vec<Job> = iter::once(first).chain(queue.try_iter().take(TOGETHER - 1)).collect();
    let hashes = Hash::of_each(&jobs.iter().map(Job::bytes).collect::<Vec<_>>());
    let chunks: Vec<u32> = jobs.into_iter().map(|job| job.chunk).collect();
    chunks.into_iter().zip(hashes)
}

/// Hashes what waits, and what comes.
fn hash_all(queue: &Receiver<Job>) -> Vec<(u32, Hash)> {
    let mut done = Vec::new();
    while let Ok(first) = queue.recv() {
        done.extend(hash_some(first, queue));
    }
    done
}

/// Hands out buffers and takes chunks to hash.
pub(super) struct Hashers {
    jobs: Sender<Job>,
    queue: Receiver<Job>,
    home: Sender<Vec<u8>>,
    free: Receiver<Vec<u8>>,
    /// Hashed by the thread that cuts.
    done: Vec<(u32, Hash)>,
    unmade: usize,
    len: usize,
}

impl Hashers {
    /// A buffer, always of the same length, which holds more than the longest chunk. Its contents are
    /// arbitrary. Until one is free, the calling thread hashes too.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        if let Ok(buffer) = self.free.try_recv() {
            return buffer;
        }
        if self.unmade > 0 {
            self.unmade -= 1;
            return vec![0; self.len];
        }
        loop {
            // Neither channel ends: both senders are ours too.
            select_biased! {
                recv(self.free) -> buffer => return buffer.unwrap_or_else(|_| vec![0; self.len]),
                recv(self.queue) -> job => {
                    let done = job.map(|job| hash_some(job, &self.queue));
                    self.done.extend(done.into_iter().flatten());
                }
            }
        }
    }

    /// Gives a buffer away with the chunks in it.
    pub(super) fn hash(&mut self, bytes: Vec<u8>, chunks: &mut Vec<(u32, Range<usize>)>) {
        let full = Arc::new(Full { bytes, home: self.home.clone() });
        for (chunk, at) in chunks.drain(..) {
            // It never fails: the queue's other end is ours too.
            let _ = self.jobs.send(Job { chunk, full: full.clone(), at });
        }
    }

    /// Hashes what still waits, beside the threads. Returns what this thread has hashed.
    fn finish(mut self) -> Vec<(u32, Hash)> {
        // The threads end once nothing waits any more.
        drop(self.jobs);
        self.done.extend(hash_all(&self.queue));
        self.done
    }
}

/// Runs `work` with threads that hash for it. Returns its result, and every hash with the number it was
/// given under, in any order.
pub(super) fn with_hashers<T>(
    max_chunk: usize,
    work: impl FnOnce(&mut Hashers) -> T,
) -> (T, Vec<(u32, Hash)>) {
    // At least two buffers: one is filled while the other is hashed.
    let len = max_chunk + BEYOND.min((MEMORY / 2).saturating_sub(max_chunk)).max(1 << 20);
    let unmade = (MEMORY / len).clamp(2, 3);
    let threads = hashers(thread::available_parallelism().map_or(1, |n| n.get()));
    let (jobs, queue) = bounded(QUEUE);
    let (home, free) = unbounded();
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| hash_all(&queue))).collect();
        let mut hashers = Hashers { jobs, queue: queue.clone(), home, free, done: Vec::new(), unmade, len };
        let result = work(&mut hashers);
        let mut hashes = hashers.finish();
        let joined = running.into_iter().map(|thread| thread.join());
        hashes.extend(joined.flat_map(|hashes| hashes.unwrap_or_else(|panic| resume_unwind(panic))));
        (result, hashes)
    })
}

/// How many threads hash: the one that cuts has a core too, and helps where it waits.
fn hashers(cores: usize) -> usize {
    (cores - 1).clamp(1, MOST_HASHERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_hashed_once_however_many_buffers_are_filled() {
        const CHUNK: usize = 1 << 20;
        let (buffers, hashes) = with_hashers(CHUNK, |hashers| {
            let mut chunks = 0..;
            for n in 0..10_u8 {
                let mut buffer = hashers.buffer();
                buffer.fill(n);
                let at = (0..buffer.len() / CHUNK).map(|at| at * CHUNK..(at + 1) * CHUNK);
                hashers.hash(buffer, &mut chunks.by_ref().zip(at).collect());
            }
            chunks.start / 10
        });
        let mut hashes = hashes;
        hashes.sort_unstable_by_key(|(chunk, _)| *chunk);
        let expected = |chunk: u32| Hash::of(&vec![(chunk / buffers) as u8; CHUNK]);
        let expected: Vec<_> = (0..buffers * 10).map(|chunk| (chunk, expected(chunk))).collect();
        assert_eq!(hashes, expected);
    }

    #[test]
    fn one_core_is_left_to_the_thread_that_cuts() {
        assert_eq!([1, 2, 3, 64].map(hashers), [1, 1, 2, MOST_HASHERS]);
    }
}
