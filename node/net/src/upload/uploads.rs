//! The node's side that serves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use shoal_engine::UploadConfig;
use shoal_store::ChunkStore;
use shoal_wire::query::Load;
use tokio::sync::{Notify, Semaphore};

use super::board::{Board, Offered};
use super::offer::Offer;
use super::places::Places;
use super::session;
use crate::clock::Clock;
use crate::library::{Library, LibraryPlace};
use crate::memory::Memory;
use crate::pace::Pace;
use crate::traffic::TrafficCounter;

/// What all sessions share.
pub(super) struct Shared {
    pub(super) library: Arc<Library>,
    pub(super) memory: Arc<Memory>,
    pub(super) clock: Clock,
    pub(super) pace: Pace,
    /// Chunks that are read from stores at once. A read goes on when its stream has ended, so slots do not bound it.
    pub(super) reads: Arc<Semaphore>,
    places: Arc<Places>,
    board: Mutex<Board>,
    alarm: Arc<Alarm>,
}

/// When the queue is to be looked at although nothing happened.
#[derive(Debug, Default)]
struct Alarm {
    at: Mutex<Option<Duration>>,
    changed: Notify,
}

/// Serves the contents of a node; cheap to clone.
#[derive(Clone)]
pub(crate) struct Uploads(Arc<Shared>);

impl Uploads {
    /// `limit` in bytes per second.
    pub(crate) fn new(
        config: UploadConfig,
        limit: Option<u64>,
        library: Arc<Library>,
        memory: Arc<Memory>,
        clock: Clock,
    ) -> Self {
        let shared = Arc::new(Shared {
            library,
            memory,
            clock,
            pace: Pace::new(limit, clock),
            reads: Arc::new(Semaphore::new(config.slots.unwrap_or(config.most_slots).max(1))),
            places: Arc::default(),
            board: Mutex::new(Board::new(config)),
            alarm: Arc::default(),
        });
        tokio::spawn(watch(Arc::downgrade(&shared), shared.alarm.clone(), clock));
        Self(shared)
    }

    /// Begins to serve a content, which has a place in the library.
    pub(crate) fn offer(
        &self,
        place: &LibraryPlace,
        store: Arc<dyn ChunkStore>,
        traffic: Arc<TrafficCounter>,
    ) -> Offer {
        let (content, complete) = (place.content(), store.have().is_full());
        self.tell(|board| board.offer(content, Offered { store, traffic }, complete));
        Offer { uploads: self.clone(), content }
    }

    /// Serves a stream of a peer until it ends.
    pub(crate) fn start<S: AsyncRead + AsyncWrite + Send + 'static>(&self, peer: PeerId, stream: S) {
        let (shared, place) = (self.0.clone(), self.0.places.take(peer));
        tokio::spawn(async move {
            let result = session::run(&shared, &place, stream).await;
            tracing::debug!(%peer, ?result, "upload session ended");
        });
    }

    /// How busy the node is.
    pub(crate) fn load(&self) -> Load {
        let now = self.0.clock.now();
        self.look(|board| Load {
            rate: board.meter.rate(now),
            active: board.queue.active() as u32,
            queued: board.queue.queued(),
        })
    }

    /// A peer sent us bytes that were good.
    pub(crate) fn received(&self, peer: PeerId, bytes: u64) {
        let now = self.0.clock.now();
        self.look(|board| board.queue.received(now, peer, bytes));
    }

    pub(super) fn look<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        act(&mut self.0.board())
    }

    pub(super) fn tell<T>(&self, act: impl FnOnce(&mut Board) -> T) -> T {
        self.0.tell(act)
    }

    /// Sessions that there ever were.
    #[cfg(test)]
    pub(crate) fn sessions_so_far(&self) -> u64 {
        self.look(|board| board.sessions_so_far())
    }

    /// Contents that are served, sessions, and streams that have a place.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let (contents, sessions) = self.look(|board| board.sizes());
        (contents, sessions, self.0.places.count())
    }
}

impl Shared {
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
