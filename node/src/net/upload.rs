//! Serving chunks: one session per inbound stream.
//!
//! Reading requests and writing chunks go on side by side, because a multiplexed connection whose two
//! ends only write stands still. What always holds: at most [`MAX_WAITING`] requests wait per stream and
//! further ones are refused; at most as many chunks are in memory as there are upload slots.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use shoal_shared::content::{ChunkIndex, ContentId};
use shoal_shared::wire::chunks::{MAX_WAITING, Refusal, Reply, Request};
use shoal_shared::wire::query::Load;
use tokio::sync::{Notify, Semaphore};

use super::clock::Clock;
use super::frames::{read_frame, write_frame};
use super::library::{Library, Withdrawn};
use super::traffic::{Meter, Traffic};
use crate::store::ReadError;

/// Chunks that may be read and sent at once, by the whole node.
const SLOTS: usize = 32;
/// Streams that one peer may have open to us; each takes one slot at most.
const MAX_PER_PEER: usize = 2;
/// Bytes handed to the stream at once.
const PIECE: usize = 256 << 10;
/// How long a request may wait for a slot before it is refused as busy: well before the other side takes
/// the silence for a stall.
const SLOT_TIMEOUT: Duration = Duration::from_secs(4);
/// A peer that does not take a frame within this time, or a chunk within this time and at this pace,
/// loses its stream.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes per second.
const SLOWEST: u64 = 16 << 10;

/// What all sessions share.
struct Shared {
    library: Arc<Library>,
    traffic: Arc<Traffic>,
    slots: Semaphore,
    sessions: Mutex<HashMap<PeerId, usize>>,
    meter: Mutex<Meter>,
    clock: Clock,
    active: AtomicU32,
    /// Bytes that wait in all queues.
    queued: AtomicU64,
}

/// Starts sessions.
#[derive(Clone)]
pub(super) struct Uploads(Arc<Shared>);

impl Uploads {
    pub(super) fn new(library: Arc<Library>, traffic: Arc<Traffic>, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            library,
            traffic,
            slots: Semaphore::new(SLOTS),
            sessions: Mutex::default(),
            meter: Mutex::default(),
            clock,
            active: AtomicU32::new(0),
            queued: AtomicU64::new(0),
        }))
    }

    /// How busy the node is.
    pub(super) fn load(&self) -> Load {
        let rate = self.0.meter.lock().expect("no panic under the lock").rate(self.0.clock.now());
        let queued = self.0.queued.load(Ordering::Relaxed);
        Load { rate, active: self.0.active.load(Ordering::Relaxed), queued }
    }

    /// Serves a stream until it ends. A peer with too many streams gets this one closed.
    pub(super) fn start(&self, peer: PeerId, stream: Stream) {
        let Some(place) = Place::take(&self.0, peer) else {
            tracing::debug!(%peer, "too many streams from this peer");
            return;
        };
        let shared = self.0.clone();
        tokio::spawn(async move {
            let result = session(&shared, peer, stream).await;
            tracing::debug!(%peer, ?result, "upload session ended");
            drop(place);
        });
    }
}

/// A session's place among those of its peer; given back when dropped.
struct Place(Arc<Shared>, PeerId);

impl Place {
    fn take(shared: &Arc<Shared>, peer: PeerId) -> Option<Self> {
        let mut sessions = shared.sessions.lock().expect("no panic under the lock");
        let count = sessions.entry(peer).or_default();
        if *count >= MAX_PER_PEER {
            return None;
        }
        *count += 1;
        Some(Self(shared.clone(), peer))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut sessions = self.0.sessions.lock().expect("no panic under the lock");
        if let Some(count) = sessions.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                sessions.remove(&self.1);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Wanted {
    id: u64,
    chunk: ChunkIndex,
    content: ContentId,
    /// Bytes; 0 for what is not here and will be refused.
    len: u32,
}

/// Requests that wait for their turn, and refusals that wait to be told.
#[derive(Default)]
struct Waiting {
    requests: VecDeque<Wanted>,
    refusals: VecDeque<u64>,
}

/// The two halves of a session meet here.
struct Queue<'a> {
    waiting: Mutex<Waiting>,
    news: Notify,
    shared: &'a Shared,
}

impl Queue<'_> {
    fn with<T>(&self, act: impl FnOnce(&mut Waiting) -> T) -> T {
        act(&mut self.waiting.lock().expect("no panic under the lock"))
    }

    /// Takes a request in; `Err` if the peer keeps sending although it is refused.
    fn push(&self, wanted: Wanted) -> io::Result<()> {
        let fits = self.with(|w| {
            if w.requests.len() < MAX_WAITING {
                w.requests.push_back(wanted);
                self.shared.queued.fetch_add(wanted.len.into(), Ordering::Relaxed);
                return true;
            }
            w.refusals.push_back(wanted.id);
            w.refusals.len() <= 2 * MAX_WAITING
        });
        self.news.notify_one();
        if fits { Ok(()) } else { Err(io::Error::other("the peer sends requests faster than refusals")) }
    }

    fn cancel(&self, id: u64) {
        self.with(|w| {
            w.requests.retain(|wanted| {
                if wanted.id == id {
                    self.shared.queued.fetch_sub(wanted.len.into(), Ordering::Relaxed);
                }
                wanted.id != id
            });
        });
    }

    async fn next(&self) -> Result<Wanted, u64> {
        loop {
            let next = self.with(|w| {
                let refusal = w.refusals.pop_front().map(Err);
                refusal.or_else(|| w.requests.pop_front().map(Ok))
            });
            match next {
                Some(Ok(wanted)) => {
                    self.shared.queued.fetch_sub(wanted.len.into(), Ordering::Relaxed);
                    return Ok(wanted);
                }
                Some(Err(id)) => return Err(id),
                None => self.news.notified().await,
            }
        }
    }
}

impl Drop for Queue<'_> {
    fn drop(&mut self) {
        let left = self.with(|w| w.requests.iter().map(|r| u64::from(r.len)).sum());
        self.shared.queued.fetch_sub(left, Ordering::Relaxed);
    }
}

async fn session(shared: &Arc<Shared>, peer: PeerId, stream: Stream) -> io::Result<()> {
    let (mut input, mut output) = stream.split();
    let queue = Queue { waiting: Mutex::default(), news: Notify::new(), shared };
    let read = async {
        while let Some(request) = read_frame(&mut input).await? {
            match request {
                Request::Get { id, chunk, content } => {
                    let len = shared.library.chunk_len(content, chunk).unwrap_or(0);
                    queue.push(Wanted { id, chunk, content, len })?;
                }
                Request::Cancel { id } => queue.cancel(id),
            }
        }
        io::Result::Ok(())
    };
    let write = async {
        let mut buffer = Vec::new();
        loop {
            match queue.next().await {
                Err(id) => refuse(&mut output, id, Refusal::Busy).await?,
                Ok(wanted) => buffer = send(shared, peer, &mut output, wanted, buffer).await?,
            }
            timeout(WRITE_TIMEOUT, output.flush()).await?;
        }
    };
    tokio::select! {
        ended = read => ended,
        failed = write => failed,
    }
}

/// Reads a chunk and sends it, or the reason why not. Gives the buffer back for the next one.
async fn send<W: futures::AsyncWrite + Unpin>(
    shared: &Arc<Shared>,
    peer: PeerId,
    output: &mut W,
    wanted: Wanted,
    mut buffer: Vec<u8>,
) -> io::Result<Vec<u8>> {
    let Wanted { id, chunk, content, .. } = wanted;
    let Some(store) = shared.library.store(content) else {
        refuse(output, id, Refusal::NotFound).await?;
        return Ok(buffer);
    };
    let Ok(_slot) = tokio::time::timeout(SLOT_TIMEOUT, shared.slots.acquire()).await else {
        refuse(output, id, Refusal::Busy).await?;
        return Ok(buffer);
    };
    let _active = Active::new(&shared.active);
    let (read, mut buffer) = tokio::task::spawn_blocking(move || (store.read(chunk, &mut buffer), buffer))
        .await
        .map_err(io::Error::other)?;
    if let Err(error) = read {
        tracing::debug!(%peer, chunk, %error, "chunk refused");
        let why = refusal(&shared.library, content, error);
        refuse(output, id, why).await?;
        return Ok(buffer);
    }
    let patience = WRITE_TIMEOUT + Duration::from_secs(buffer.len() as u64 / SLOWEST);
    let write = async {
        write_frame(output, &Reply::Data { id, len: buffer.len() as u32 }).await?;
        for piece in buffer.chunks(PIECE) {
            output.write_all(piece).await?;
            shared.meter.lock().expect("no panic under the lock").add(shared.clock.now(), piece.len() as u64);
        }
        Ok(())
    };
    timeout(patience, write).await?;
    shared.traffic.count(content, peer, |t| t.sent += buffer.len() as u64);
    // One large chunk should not keep its memory for as long as the stream lives.
    buffer.shrink_to(4 << 20);
    Ok(buffer)
}

/// What a reader's failure means for the one who asked; a changed file is told to the content's job.
fn refusal(library: &Library, content: ContentId, error: ReadError) -> Refusal {
    let words = error.to_string();
    match error {
        ReadError::NotHere(_) => Refusal::NotFound,
        ReadError::Withdrawn { path, .. } => {
            library.notify(content, Withdrawn { path, words });
            Refusal::NotFound
        }
        ReadError::Io { .. } => {
            tracing::warn!("{words}");
            Refusal::Busy
        }
    }
}

async fn refuse<W: futures::AsyncWrite + Unpin>(output: &mut W, id: u64, why: Refusal) -> io::Result<()> {
    timeout(WRITE_TIMEOUT, write_frame(output, &Reply::Refused { id, why })).await
}

async fn timeout(patience: Duration, write: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing");
    tokio::time::timeout(patience, write).await.unwrap_or_else(|_| Err(late()))
}

/// Counts a running upload for as long as it lives.
struct Active<'a>(&'a AtomicU32);

impl<'a> Active<'a> {
    fn new(count: &'a AtomicU32) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
