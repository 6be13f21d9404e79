//! Runs the same work on many items, on all cores.
//!
//! What always holds: there are no more threads than cores; results come in the order of the items; after a failure no
//! thread begins a new item.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Applies `each` to all items. A thread takes `block` neighbours at a time, and has a state of its own that `start`
/// makes. Returns one of the errors, if there are any.
pub(crate) fn map<T: Sync, S, R: Send, E: Send>(
    items: &[T],
    block: usize,
    start: impl Fn() -> S + Sync,
    each: impl Fn(&mut S, &T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = || {
        let mut state = start();
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(block, Ordering::Relaxed);
            if at >= items.len() {
                break;
            }
            let mine = items[at..items.len().min(at + block)].iter();
            match mine.map(|item| each(&mut state, item)).collect::<Result<Vec<R>, E>>() {
                Ok(results) => done.push((at, results)),
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(done)
    };
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    let mut blocks = Vec::new();
    for result in on_threads(cores.min(items.len().div_ceil(block)), &work) {
        blocks.extend(result?);
    }
    blocks.sort_unstable_by_key(|(at, _)| *at);
    Ok(blocks.into_iter().flat_map(|(_, results)| results).collect())
}

/// Does the same work on several threads; on the calling one if there is but one.
fn on_threads<R: Send>(threads: usize, work: &(impl Fn() -> R + Sync)) -> Vec<R> {
    if threads <= 1 {
        return vec![work()];
    }
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, R>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        running.into_iter().map(join).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Barrier, Mutex};

    use super::*;

    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 15, 16, 17, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let twice = map(&items, 16, || 2, |two, n| Ok::<_, ()>(n * *two)).unwrap();
            assert_eq!(twice, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn all_cores_work_at_once() {
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        let (barrier, threads) = (Barrier::new(cores), Mutex::new(HashSet::new()));
        // It ends only if as many threads as there are cores are in it at the same time.
        let each = |_: &mut (), _: &()| {
            barrier.wait();
            threads.lock().unwrap().insert(thread::current().id());
            Ok::<_, ()>(())
        };
        map(&vec![(); cores * 8], 1, || (), each).unwrap();
        assert_eq!(threads.lock().unwrap().len(), cores);
    }

    #[test]
    fn a_failure_ends_it() {
        let done = AtomicUsize::new(0);
        let items: Vec<usize> = (0..100_000).collect();
        let each = |_: &mut (), n: &usize| {
            done.fetch_add(1, Ordering::Relaxed);
            if *n == 40 { Err(*n) } else { Ok(()) }
        };
        assert_eq!(map(&items, 16, || (), each), Err(40));
        assert!(done.load(Ordering::Relaxed) < items.len());
    }
}
