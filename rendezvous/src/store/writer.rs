//! The thread that writes.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use super::disk::Disk;
use super::pending::Pending;
use super::{NotWritten, StoreChange, unix_now};

/// How long changes are gathered before they are written together.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// The most calls of `apply_durably` that wait.
pub const MAX_WAITING: usize = 4096;
/// How often rows are removed that have run out.
const SWEEP: Duration = Duration::from_secs(600);
/// After a failure it is tried again after this time.
const RETRY: Duration = Duration::from_secs(5);

/// What the store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Changes that wait.
    pub pending: usize,
    /// What they take, in bytes.
    pub pending_bytes: usize,
    /// Changes that were written.
    pub written: u64,
    /// Batches that were written and synced.
    pub commits: u64,
    /// Batches that failed, to be tried again.
    pub failures: u64,
    /// Changes that found no room.
    pub dropped: u64,
    /// The last attempt failed: what is in memory is not on the disk.
    pub failing: bool,
}

/// What the thread and the handles have in common.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    /// How it ended: whether everything was written.
    closed: watch::Sender<Option<bool>>,
}

type Waiting = oneshot::Sender<Result<(), NotWritten>>;

#[derive(Debug, Default)]
struct State {
    pending: Pending,
    waiting: Vec<Waiting>,
    /// When the oldest of what waits came.
    since: Option<Instant>,
    stopping: bool,
    stats: StoreStats,
}

impl Shared {
    pub(super) fn add(&self, changes: impl IntoIterator<Item = StoreChange>) {
        let mut state = self.lock();
        state.add(changes);
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn add_waiting(
        &self,
        changes: impl IntoIterator<Item = StoreChange>,
    ) -> oneshot::Receiver<Result<(), NotWritten>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.waiting.len() < MAX_WAITING && state.add(changes) {
            state.waiting.push(sender);
        } else {
            // An error means only that the receiver is gone.
            let _ = sender.send(Err(NotWritten::NoRoom));
        }
        drop(state);
        self.wake.notify_one();
        receiver
    }

    pub(super) fn stats(&self) -> StoreStats {
        let state = self.lock();
        StoreStats { pending: state.pending.len(), pending_bytes: state.pending.bytes(), ..state.stats }
    }

    pub(super) fn stop(&self) -> watch::Receiver<Option<bool>> {
        self.lock().stopping = true;
        self.wake.notify_one();
        self.closed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes of the state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is time to write (or to sweep, at `sweep`), and takes what there is.
    fn next(&self, interval: Duration, sweep: Instant) -> Turn {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let due = match state.since {
                Some(_) if !state.waiting.is_empty() || state.stopping => now,
                Some(since) => since + interval,
                None if state.stopping => return Turn::End,
                None => sweep,
            };
            if due <= now && state.since.is_some() {
                state.since = None;
                return Turn::Write(std::mem::take(&mut state.pending), std::mem::take(&mut state.waiting));
            }
            if sweep <= now {
                return Turn::Sweep;
            }
            let wait = due.min(sweep).saturating_duration_since(now);
            state = self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits before another attempt; `false` if there is to be none.
    fn pause(&self) -> bool {
        let state = self.lock();
        let (state, _) = self
            .wake
            .wait_timeout_while(state, RETRY, |state| !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopping
    }

    fn written(&self, changes: usize, waiting: Vec<Waiting>) {
        let mut state = self.lock();
        state.stats.written += changes as u64;
        state.stats.commits += 1;
        let recovered = std::mem::take(&mut state.stats.failing);
        drop(state);
        if recovered {
            tracing::warn!("the tracker's file can be written again");
        }
        answer(waiting, Ok(()));
    }

    /// Keeps the batch for the next attempt; `true` if this failure is the first one in a row.
    fn failed(&self, batch: Pending, waiting: Vec<Waiting>) -> bool {
        let mut state = self.lock();
        let dropped = state.pending.put_back(batch);
        state.stats.dropped += dropped;
        state.stats.failures += 1;
        state.since.get_or_insert_with(Instant::now);
        let first = !std::mem::replace(&mut state.stats.failing, true);
        drop(state);
        answer(waiting, Err(NotWritten::Failed));
        first
    }

    fn end(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let all = state.since.is_none();
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        answer(waiting, Err(NotWritten::Failed));
        self.closed.send_replace(Some(all));
    }
}

impl State {
    /// `false` if something found no room.
    fn add(&mut self, changes: impl IntoIterator<Item = StoreChange>) -> bool {
        let before = self.stats.dropped;
        for change in changes {
            let added = !self.stopping && self.pending.add(change);
            self.stats.dropped += u64::from(!added);
        }
        if self.pending.len() > 0 {
            self.since.get_or_insert_with(Instant::now);
        }
        self.stats.dropped == before
    }
}

enum Turn {
    Write(Pending, Vec<Waiting>),
    Sweep,
    End,
}

fn answer(waiting: Vec<Waiting>, result: Result<(), NotWritten>) {
    for waiting in waiting {
        // An error means only that the receiver is gone.
        let _ = waiting.send(result);
    }
}

/// Starts the thread.
pub(super) fn spawn(disk: Disk, interval: Duration) -> io::Result<Arc<Shared>> {
    let shared =
        Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), closed: watch::Sender::new(None) });
    let own = shared.clone();
    std::thread::Builder::new().name("store".into()).spawn(move || run(&own, disk, interval))?;
    Ok(shared)
}

fn run(shared: &Shared, disk: Disk, interval: Duration) {
    let mut disk = Some(disk);
    let mut sweep = Instant::now() + SWEEP;
    while let Some(open) = disk.take() {
        disk = match shared.next(interval, sweep) {
            Turn::End => break,
            Turn::Write(batch, waiting) => write(shared, open, batch, waiting),
            Turn::Sweep => {
                sweep = Instant::now() + SWEEP;
                match open.sweep(unix_now().as_secs()) {
                    Ok(()) => Some(open),
                    Err(error) => recover(shared, open, Pending::default(), vec![], &error.to_string()),
                }
            }
        };
    }
    drop(disk);
    shared.end();
}

/// Writes a batch; `None` if the store is to end.
fn write(shared: &Shared, disk: Disk, batch: Pending, waiting: Vec<Waiting>) -> Option<Disk> {
    match disk.write(&batch) {
        Ok(()) => {
            shared.written(batch.len(), waiting);
            Some(disk)
        }
        Err(error) => recover(shared, disk, batch, waiting, &error.to_string()),
    }
}

/// After a failure: says so once, and opens the file anew, as often as it takes.
fn recover(shared: &Shared, disk: Disk, batch: Pending, waiting: Vec<Waiting>, error: &str) -> Option<Disk> {
    if shared.failed(batch, waiting) {
        tracing::error!(
            path = %disk.path().display(), %error,
            "the tracker's file cannot be written; the tracker goes on from memory and tries again. Is the disk full?"
        );
    }
    // The database does nothing more once a write has failed.
    let path = disk.path().to_owned();
    drop(disk);
    while shared.pause() {
        match Disk::open(&path, unix_now().as_secs()) {
            Ok((disk, _)) => return Some(disk),
            Err(error) => tracing::debug!(%error, "cannot be opened again yet"),
        }
    }
    None
}
