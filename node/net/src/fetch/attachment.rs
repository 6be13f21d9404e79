//! One content that is attached to the node's streams: what becomes of its chunks once they have arrived.
//!
//! Chunks are verified and written beside the reading of the next ones. A disk that takes nothing (full,
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
use crate::memory::{Buffer, Memory};

/// Chunks of one content that are hashed and written at once.
const MAX_WRITES: usize = 4;
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

/// Takes all requests of a content back, from all peers, and returns them.
pub(super) type TakeBack = Box<dyn Fn(AttachmentId) -> Vec<(PeerId, RequestId)> + Send + Sync>;

type Written = Result<Result<Vec<ChunkIndex>, WriteError>, JoinError>;

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
    writes: Arc<Semaphore>,
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
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
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
        tokio::spawn(self.clone().write(Arc::new(Arrived { chunk, buffer }), place));
    }

    async fn write(self: Arc<Self>, arrived: Arc<Arrived>, place: Place) {
        let turn = self.writes.acquire().await.expect("never closed");
        if self.is_blocked() || self.gone.is_cancelled() {
            return self.throw_away(&arrived.chunk);
        }
        let written = self.try_write(&arrived).await;
        drop(turn);
        match written {
            Ok(Err(WriteError::Blocked { path, source })) => {
                if self.blocked.swap(true, Ordering::SeqCst) {
                    return self.throw_away(&arrived.chunk);
                }
                self.tell(FetchEvent::Blocked { error: WriteError::Blocked { path, source } });
                (self.take_back)(self.id).into_iter().for_each(|(peer, id)| self.refuse(peer, id));
                self.probe(arrived, place).await;
            }
            written => self.written(&arrived.chunk, written),
        }
    }

    /// Tries the disk again until it takes the chunk that it did not take.
    async fn probe(&self, arrived: Arc<Arrived>, place: Place) {
        let Some(_kept) = self.memory.keep(arrived.chunk.len) else {
            return self.probe_with_next(arrived, place).await;
        };
        drop(place.room);
        while self.pause().await {
            let written = self.try_write(&arrived).await;
            if let Ok(Err(error @ WriteError::Blocked { .. })) = written {
                self.tell(FetchEvent::Blocked { error });
                continue;
            }
            self.unblock();
            return self.written(&arrived.chunk, written);
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

    async fn try_write(&self, arrived: &Arc<Arrived>) -> Written {
        let (sink, held) = (self.sink.clone(), arrived.clone());
        let write = move || {
            let Arriving { chunk, len, .. } = held.chunk;
            sink.write(chunk, &held.buffer.bytes()[..len as usize])
        };
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

    fn writing(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how a write ended, other than by a disk that takes nothing.
    fn written(&self, chunk: &Arriving, written: Written) {
        let Arriving { peer, id, chunk, len, .. } = *chunk;
        self.tell(match written {
            Ok(Ok(complete)) => FetchEvent::Stored { peer, id, chunk, len: len.into(), complete },
            Ok(Err(_)) => FetchEvent::Corrupt { peer, id, chunk },
            Err(panic) => FetchEvent::Broken { error: panic },
        });
    }
}
