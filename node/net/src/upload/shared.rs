//! What the sessions of a node share: the board under its lock, and the look at it when its queue wants one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use shoal_engine::UploadConfig;
use tokio::sync::{Notify, Semaphore};

use super::board::Board;
use super::places::Places;
use crate::activity::ActivityHub;
use crate::clock::Clock;
use crate::counter::NodeTally;
use crate::library::Library;
use crate::memory::Memory;
use crate::pace::Pace;

/// What all sessions share.
pub(super) struct Shared {
    pub(super) library: Arc<Library>,
    pub(super) memory: Arc<Memory>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    pub(super) tally: Arc<NodeTally>,
    pub(super) activity: ActivityHub,
    /// Chunks that are read from stores at once. A read goes on when its stream has ended, so slots do not bound it.
    pub(super) reads: Arc<Semaphore>,
    pub(super) places: Arc<Places>,
    board: Mutex<Board>,
    alarm: Arc<Alarm>,
}

/// When the queue is to be looked at although nothing happened.
#[derive(Debug, Default)]
struct Alarm {
    at: Mutex<Option<Duration>>,
    changed: Notify,
}

impl Shared {
    /// `limit` in bytes per second. Needs a runtime.
    pub(super) fn start(
        config: UploadConfig,
        limit: Option<u64>,
        library: Arc<Library>,
        memory: Arc<Memory>,
        clock: Clock,
    ) -> Arc<Self> {
        let shared = Arc::new(Shared {
            library,
            memory,
            clock,
            pace: Pace::new(limit, clock),
            tally: Arc::default(),
            activity: ActivityHub::default(),
            reads: Arc::new(Semaphore::new(config.slots.unwrap_or(config.most_slots).max(1))),
            places: Arc::default(),
            board: Mutex::new(Board::new(config)),
            alarm: Arc::default(),
        });
        // It ends with the last handle, as it keeps none itself.
        tokio::spawn(watch(Arc::downgrade(&shared), shared.alarm.clone(), clock));
        shared
    }

    /// Looks at the board, or changes something that lets nobody go on.
    pub(super) fn look<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        act(&mut self.board())
    }

    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the board know something, and does what follows from it.
    pub(super) fn tell<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        let mut board = self.board();
        let result = act(&mut board);
        board.pump(self.clock.now());
        self.alarm.set(board.queue.next_timeout());
        result
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Lets the watch end.
        self.alarm.changed.notify_one();
    }
}

impl Alarm {
    fn set(&self, at: Option<Duration>) {
        let mut set = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = at.is_some_and(|at| set.is_none_or(|set| at < set));
        *set = at;
        // A later one is found when the earlier one comes.
        if earlier {
            self.changed.notify_one();
        }
    }

    fn get(&self) -> Option<Duration> {
        *self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the queue when it wants that.
async fn watch(shared: Weak<Shared>, alarm: Arc<Alarm>, clock: Clock) {
    loop {
        let at = alarm.get();
        tokio::select! {
            () = alarm.changed.notified() => {}
            () = clock.until(at) => {}
        }
        let Some(shared) = shared.upgrade() else { return };
        if alarm.get().is_some_and(|at| at <= clock.now()) {
            shared.tell(|_| {});
        }
    }
}
