//! One content that is attached to the node's streams: what becomes of its chunks once they have arrived.
//!
//! Chunks are verified and written beside the reading of the next ones, several at once where they wait. A disk that takes nothing (full,
//! read-only) is tried again with one chunk that is kept; all that is asked for meanwhile is taken back, and what
//! arrives all the same is thrown away. A disk that is slow holds the reading up while it goes on, but not for
//! longer than [`PATIENCE`] where other contents wait for the same stream.
//!
//! What always holds: at most [`MAX_CHUNK`] bytes of one content wait for its disk, besides the chunk that is
//! kept; every chunk that was answered ends in one event.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libp2p::PeerId;
use shoal_content::{ChunkIndex, ContentId, MAX_CHUNK};
use shoal_engine::{DiskUse, RequestId};
use shoal_store::WriteError;
use shoal_wire::chunks::ChunkRefusal;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::messages::{ChunkSink, FetchEvent};
use super::outlet::Outlet;
use super::requests::AttachmentId;
use super::write_queue::WriteQueue;
use crate::memory::{Buffer, Memory};

/// How long others wait for a disk that is behind.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long to wait before a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// A chunk that a peer sends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arriving {
    pub(super) peer: PeerId,
    pub(super) id: RequestId,
    pub(super) chunk: ChunkIndex,
    pub(super) len: u32,
    /// Whether its request was taken back: what became of that is known already.
    pub(super) late: bool,
}

/// The same with its bytes; the buffer may be longer.
#[derive(Debug)]
struct Arrived {
    chunk: Arriving,
    buffer: Buffer,
}

impl Arrived {
    fn bytes(&self) -> (ChunkIndex, &[u8]) {
        (self.chunk.chunk, &self.buffer.bytes()[..self.chunk.len as usize])
    }
}

/// Takes all requests of a content back, from all peers, and returns them.
pub(super) type TakeBack = Box<dyn Fn(AttachmentId) -> Vec<(PeerId, RequestId)> + Send + Sync>;

/// A chunk that waits for the disk.
struct Waiting {
    arrived: Arc<Arrived>,
    place: Place,
}

/// What became of a chunk: all chunks that can be served only since then.
type Written = Result<Vec<ChunkIndex>, WriteError>;

/// The right to wait for the disk.
pub(super) struct Place {
    /// Of the content.
    _backlog: OwnedSemaphorePermit,
    /// Of the node.
    room: OwnedSemaphorePermit,
}

/// See the module.
pub(super) struct Attachment {
    pub(super) id: AttachmentId,
    pub(super) content: ContentId,
    sink: Arc<dyn ChunkSink>,
    outlet: Arc<Outlet>,
    memory: Arc<Memory>,
    take_back: TakeBack,
    /// In bytes.
    backlog: Arc<Semaphore>,
    writes: Mutex<WriteQueue<Waiting>>,
    /// The disk takes nothing.
    blocked: AtomicBool,
    /// The disk has been behind for longer than others wait.
    stuck: AtomicBool,
    /// When each write that is under way began.
    writing: Mutex<Vec<Instant>>,
    gone: CancellationToken,
}

impl Attachment {
    pub(super) fn new(
        id: AttachmentId,
        content: ContentId,
        sink: Arc<dyn ChunkSink>,
        events: mpsc::Sender<FetchEvent>,
        memory: Arc<Memory>,
        take_back: TakeBack,
    ) -> Arc<Self> {
        let gone = CancellationToken::new();
        Arc::new(Self {
            id,
            content,
            sink,
            outlet: Outlet::new(events, gone.clone()),
            memory,
            take_back,
            backlog: Arc::new(Semaphore::new(MAX_CHUNK as usize)),
            writes: Mutex::default(),
            blocked: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            writing: Mutex::default(),
            gone,
        })
    }

    /// The content is fetched no more. What is being written is written to its end.
    pub(super) fn detach(&self) {
        self.gone.cancel();
    }

    pub(super) fn tell(&self, event: FetchEvent) {
        self.outlet.tell(event);
    }

    pub(super) fn hint(&self, event: FetchEvent) -> bool {
        self.outlet.hint(event)
    }

    pub(super) fn refuse(&self, peer: PeerId, id: RequestId) {
        self.tell(FetchEvent::Refused { peer, id, why: ChunkRefusal::Busy });
    }

    /// The bytes of a chunk are not kept.
    pub(super) fn throw_away(&self, chunk: &Arriving) {
        if !chunk.late {
            self.refuse(chunk.peer, chunk.id);
        }
    }

    pub(super) fn chunk_len(&self, chunk: ChunkIndex) -> Option<u32> {
        self.sink.chunk_len(chunk)
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.load(Ordering::SeqCst)
    }

    /// Whether so much waits for the disk that asking for more would hold others up.
    pub(super) fn is_behind(&self) -> bool {
        self.stuck.load(Ordering::SeqCst) || self.backlog.available_permits() < MAX_CHUNK as usize / 2
    }

    /// Waits until a chunk of `len` bytes may wait for the disk. `None` if it cannot be taken; `others` says whether
    /// other contents wait for the same stream.
    pub(super) async fn place(&self, len: u32, others: impl Fn() -> bool) -> Option<Place> {
        let backlog = self.backlog(len, others).await?;
        let room = self.memory.room(len).await;
        (!self.is_blocked()).then_some(Place { _backlog: backlog, room })
    }

    async fn backlog(&self, len: u32, others: impl Fn() -> bool) -> Option<OwnedSemaphorePermit> {
        let mut patient = !self.stuck.load(Ordering::SeqCst);
        while !self.is_blocked() && !self.gone.is_cancelled() {
            let backlog = self.backlog.clone();
            if let Ok(permit) = backlog.clone().try_acquire_many_owned(len) {
                return Some(permit);
            }
            if !patient && others() {
                self.stuck.store(true, Ordering::SeqCst);
                return None;
            }
            if let Ok(permit) = tokio::time::timeout(PATIENCE, backlog.acquire_many_owned(len)).await {
                return permit.ok();
            }
            patient = false;
        }
        None
    }

    /// Verifies and writes a chunk beside whatever else goes on.
    pub(super) fn store(self: &Arc<Self>, chunk: Arriving, buffer: Buffer, place: Place) {
        let waiting = Waiting { arrived: Arc::new(Arrived { chunk, buffer }), place };
        if self.writes().push(waiting) {
            tokio::spawn(self.clone().write());
        }
    }

    /// A job of the [`WriteQueue`].
    async fn write(self: Arc<Self>) {
        loop {
            let chunks = self.writes().next();
            if chunks.is_empty() {
                return;
            }
            if self.is_blocked() || self.gone.is_cancelled() {
                chunks.iter().for_each(|waiting| self.throw_away(&waiting.arrived.chunk));
                continue;
            }
            let arrived = chunks.iter().map(|waiting| waiting.arrived.clone()).collect();
            match self.try_write(arrived).await {
                Ok(written) => {
                    chunks
                        .into_iter()
                        .zip(written)
                        .for_each(|(waiting, written)| self.settle(waiting, written));
                }
                Err(panic) => {
                    self.tell(FetchEvent::Broken { error: panic });
                    // That was the answer to one of them.
                    chunks.iter().skip(1).for_each(|waiting| self.throw_away(&waiting.arrived.chunk));
                }
            }
        }
    }

    /// Does what follows from what became of a chunk.
    fn settle(self: &Arc<Self>, Waiting { arrived, place }: Waiting, written: Written) {
        let Err(error @ WriteError::Blocked { .. }) = written else {
            return self.written(&arrived.chunk, written);
        };
        if self.blocked.swap(true, Ordering::SeqCst) {
            return self.throw_away(&arrived.chunk);
        }
        self.tell(FetchEvent::Blocked { error });
        (self.take_back)(self.id).into_iter().for_each(|(peer, id)| self.refuse(peer, id));
        tokio::spawn(self.clone().probe(arrived, place));
    }

    /// Tries the disk again until it takes the chunk that it did not take.
    async fn probe(self: Arc<Self>, arrived: Arc<Arrived>, place: Place) {
        let Some(_kept) = self.memory.keep(arrived.chunk.len) else {
            return self.probe_with_next(arrived, place).await;
        };
        drop(place.room);
        while self.pause().await {
            let written = match self.try_write(vec![arrived.clone()]).await {
                Ok(written) => written.into_iter().next(),
                Err(panic) => {
                    self.tell(FetchEvent::Broken { error: panic });
                    None
                }
            };
            if let Some(Err(error @ WriteError::Blocked { .. })) = written {
                self.tell(FetchEvent::Blocked { error });
                continue;
            }
            self.unblock();
            return written.into_iter().for_each(|written| self.written(&arrived.chunk, written));
        }
    }

    /// There is no memory to keep the chunk: the next one that comes shows whether the disk takes it.
    async fn probe_with_next(&self, arrived: Arc<Arrived>, place: Place) {
        self.throw_away(&arrived.chunk);
        drop((arrived, place));
        if self.pause().await {
            self.unblock();
        }
    }

    /// Waits before the disk is tried again. `false` if there is no need to.
    async fn pause(&self) -> bool {
        tokio::select! {
            () = tokio::time::sleep(RETRY) => true,
            () = self.gone.cancelled() => false,
        }
    }

    fn unblock(&self) {
        self.blocked.store(false, Ordering::SeqCst);
        self.tell(FetchEvent::Unblocked);
    }

    /// What became of each chunk, in their order.
    async fn try_write(&self, chunks: Vec<Arc<Arrived>>) -> Result<Vec<Written>, JoinError> {
        let sink = self.sink.clone();
        let write =
            move || sink.write_each(&chunks.iter().map(|arrived| arrived.bytes()).collect::<Vec<_>>());
        let began = Instant::now();
        self.writing().push(began);
        let written = tokio::task::spawn_blocking(write).await;
        let mut writing = self.writing();
        if let Some(place) = writing.iter().position(|at| *at == began) {
            writing.swap_remove(place);
        }
        drop(writing);
        self.stuck.store(false, Ordering::SeqCst);
        written
    }

    /// What waits for the disk, and how long a write has been going on.
    pub(super) fn disk(&self) -> DiskUse {
        let oldest = self.writing().iter().min().copied();
        DiskUse {
            blocked: None,
            waiting: (MAX_CHUNK as usize).saturating_sub(self.backlog.available_permits()) as u64,
            room: MAX_CHUNK.into(),
            writing_for: oldest.map(|began| began.elapsed()).unwrap_or_default(),
        }
    }

    fn writes(&self) -> MutexGuard<'_, WriteQueue<Waiting>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how a write ended, other than by a disk that takes nothing.
    fn written(&self, chunk: &Arriving, written: Written) {
        let Arriving { peer, id, chunk, len, .. } = *chunk;
        self.tell(match written {
            Ok(complete) => FetchEvent::Stored { peer, id, chunk, len: len.into(), complete },
            Err(_) => FetchEvent::Corrupt { peer, id, chunk },
        });
    }
}
