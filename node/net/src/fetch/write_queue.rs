//! Which chunks of a content are verified and written together, and by how many jobs.
//!
//! What always holds: chunks leave in the order in which they came; while any waits, a job is there that takes it.

use std::collections::VecDeque;

/// Jobs of one content at once.
const MAX_JOBS: usize = 4;
/// Chunks that a job takes at once. Their hashes take less time together, but what becomes of one is known only when all
/// of them are done.
const TOGETHER: usize = 4;

/// See the module.
#[derive(Debug)]
pub(super) struct WriteQueue<T> {
    waiting: VecDeque<T>,
    jobs: usize,
}

impl<T> Default for WriteQueue<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), jobs: 0 }
    }
}

impl<T> WriteQueue<T> {
    /// A chunk came. Whether one more job is to begin: not for a single chunk that one will take soon.
    #[must_use]
    pub(super) fn push(&mut self, chunk: T) -> bool {
        self.waiting.push_back(chunk);
        let begins = self.jobs == 0 || self.waiting.len() > 1 && self.jobs < MAX_JOBS;
        self.jobs += usize::from(begins);
        begins
    }

    /// What a job does next. With nothing it has ended.
    #[must_use]
    pub(super) fn next(&mut self) -> Vec<T> {
        let some: Vec<T> = self.waiting.drain(..self.waiting.len().min(TOGETHER)).collect();
        self.jobs -= usize::from(some.is_empty());
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_single_chunk_waits_for_the_job_that_is_there_and_two_get_one_of_their_own() {
        let mut queue = WriteQueue::default();
        assert!(queue.push(1));
        assert_eq!(queue.next(), [1]);
        assert_eq!([2, 3].map(|chunk| queue.push(chunk)), [false, true]);
        assert_eq!(queue.next(), [2, 3]);
        assert!(queue.next().is_empty());
        assert!(!queue.push(4), "the other job takes it");
        assert_eq!(queue.next(), [4]);
        assert!(queue.next().is_empty());
        assert!(queue.push(5));
    }

    proptest! {
        #[test]
        fn every_chunk_is_taken_once_and_in_order(pushes in proptest::collection::vec(any::<bool>(), 0..200)) {
            let (mut queue, mut jobs, mut taken) = (WriteQueue::default(), 0, Vec::new());
            let mut chunks = 0;
            for push in pushes {
                if push {
                    jobs += usize::from(queue.push(chunks));
                    chunks += 1;
                } else if jobs > 0 {
                    let some = queue.next();
                    jobs -= usize::from(some.is_empty());
                    taken.extend(some);
                }
                prop_assert!(jobs <= MAX_JOBS);
                prop_assert!(jobs > 0 || queue.waiting.is_empty(), "some wait and no job is there");
            }
            while jobs > 0 {
                let some = queue.next();
                jobs -= usize::from(some.is_empty());
                taken.extend(some);
            }
            prop_assert_eq!(taken, (0..chunks).collect::<Vec<_>>());
        }
    }
}
