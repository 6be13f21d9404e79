//! Fetching chunks from one peer over one long-lived stream.
//!
//! A writer sends requests, a reader takes replies and hands each chunk to the store, which verifies it
//! before it writes. What always holds: a reply must answer a request and have the length that the
//! manifest says, before any of its bytes is read; memory grows only with bytes that arrive; at most
//! [`MAX_WRITES`] chunks of one peer wait for the disk, then nothing more is read from it.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::io::{BufReader, ReadHalf, WriteHalf};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use shoal_content::{ChunkIndex, ContentId};
use shoal_engine::RequestId;
use shoal_framing::{read_frame, write_frame};
use shoal_wire::Have;
use shoal_wire::chunks::{Refusal, Reply, Request};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::pace::Pace;
use shoal_store::{ChunkStore, Target, WriteError};

/// Chunks of one peer that may be on their way to the disk at once.
const MAX_WRITES: usize = 2;
/// Cancelled requests whose answers may still come.
const MAX_CANCELLED: usize = 256;
/// Orders that may wait for the stream; more than the engine ever has under way.
const ORDERS: usize = 256;
/// Bytes read at once, and by how much a buffer grows.
const STEP: usize = 256 << 10;
/// How often arriving bytes are reported at most.
const REPORT: Duration = Duration::from_millis(100);
/// How long to wait before a write that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What came of a peer's stream.
#[derive(Debug)]
pub(super) enum FetchEvent {
    /// Bytes of chunks arrived.
    Progress { peer: PeerId, bytes: u64 },
    /// A chunk begins to arrive. `queued`: bytes that are asked of the peer by everybody.
    Begun { peer: PeerId, id: RequestId, chunk: ChunkIndex, queued: u64 },
    /// A chunk was verified and written; `complete` are the chunks that can be served now.
    Stored { peer: PeerId, id: RequestId, chunk: ChunkIndex, len: u64, complete: Vec<ChunkIndex> },
    /// Bytes that do not match, or a reply that breaks the protocol.
    Corrupt { peer: PeerId, id: RequestId, chunk: ChunkIndex },
    /// The peer refused.
    Refused { peer: PeerId, id: RequestId, why: Refusal },
    /// The disk does not take bytes; it is tried again until it does.
    Blocked { why: String },
    /// The disk takes bytes again.
    Unblocked,
    /// The stream is gone.
    Lost { peer: PeerId, stream: u64, why: String },
}

/// What the job asks of a stream.
#[derive(Debug)]
pub(super) enum FetchOrder {
    Get { id: RequestId, chunk: ChunkIndex, len: u32 },
    Any { id: RequestId },
    Have(Have),
    Cancel { id: RequestId },
}

/// A running fetcher; ends when dropped.
#[derive(Debug)]
pub(super) struct Fetcher {
    orders: mpsc::Sender<FetchOrder>,
    /// The number of its stream.
    pub(super) stream: u64,
    task: AbortHandle,
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fetcher {
    pub(super) fn start(session: Session, stream: Stream) -> Self {
        let (orders, receiver) = mpsc::channel(ORDERS);
        let (read, write) = stream.split();
        let number = session.stream;
        let session = Arc::new(session);
        let task = tokio::spawn(async move {
            let ended = tokio::select! {
                ended = session.write(write, receiver) => ended,
                ended = session.read(read) => ended,
            };
            session.lost(ended.err().map_or_else(|| "closed by the peer".into(), |e| e.to_string())).await;
        });
        Self { orders, stream: number, task: task.abort_handle() }
    }

    /// Passes an order on. `false` if the stream is gone or hopelessly behind.
    pub(super) fn order(&self, order: FetchOrder) -> bool {
        self.orders.try_send(order).is_ok()
    }
}

/// The chunk that was asked for and its length, or that the peer may choose.
type Asked = Option<(ChunkIndex, u32)>;

/// Replies that may come.
#[derive(Default)]
struct Expected {
    asked: BTreeMap<RequestId, Asked>,
    /// Cancelled ones, oldest first; their replies may be on the way.
    cancelled: VecDeque<(RequestId, Asked)>,
}

impl Expected {
    fn take(&mut self, id: RequestId) -> Option<Asked> {
        self.asked.remove(&id).or_else(|| {
            let at = self.cancelled.iter().position(|(other, _)| *other == id)?;
            self.cancelled.remove(at).map(|(_, what)| what)
        })
    }

    fn cancel(&mut self, id: RequestId) {
        if let Some(what) = self.asked.remove(&id) {
            self.cancelled.push_back((id, what));
            if self.cancelled.len() > MAX_CANCELLED {
                self.cancelled.pop_front();
            }
        }
    }
}

/// What the parts of a fetcher share.
pub(super) struct Session {
    peer: PeerId,
    content: ContentId,
    stream: u64,
    target: Arc<Target>,
    events: mpsc::Sender<FetchEvent>,
    pace: Arc<Pace>,
    expected: Mutex<Expected>,
    writes: Arc<Semaphore>,
    /// Buffers to be used again: asking the system for fresh memory for each chunk costs more than hashing.
    spare: Mutex<Vec<Vec<u8>>>,
}

/// A chunk's bytes; the buffer may be longer.
struct Chunk {
    buffer: Vec<u8>,
    len: usize,
}

impl Session {
    pub(super) fn new(
        peer: PeerId,
        content: ContentId,
        stream: u64,
        target: Arc<Target>,
        events: mpsc::Sender<FetchEvent>,
        pace: Arc<Pace>,
    ) -> Self {
        let writes = Arc::new(Semaphore::new(MAX_WRITES));
        Self {
            peer,
            content,
            stream,
            target,
            events,
            pace,
            writes,
            expected: Mutex::default(),
            spare: Mutex::default(),
        }
    }

    async fn lost(&self, why: String) {
        self.tell(FetchEvent::Lost { peer: self.peer, stream: self.stream, why }).await;
    }

    fn expected<T>(&self, act: impl FnOnce(&mut Expected) -> T) -> T {
        act(&mut self.expected.lock().expect("no panic under the lock"))
    }

    async fn tell(&self, event: FetchEvent) {
        // Err only says that the job has ended.
        let _ = self.events.send(event).await;
    }

    async fn write(
        &self,
        mut stream: WriteHalf<Stream>,
        mut orders: mpsc::Receiver<FetchOrder>,
    ) -> io::Result<()> {
        while let Some(order) = orders.recv().await {
            let mut next = Some(order);
            while let Some(order) = next {
                let request = match order {
                    FetchOrder::Get { id, chunk, len } => {
                        self.expected(|e| e.asked.insert(id, Some((chunk, len))));
                        Request::Get { id, chunk, content: self.content }
                    }
                    FetchOrder::Any { id } => {
                        self.expected(|e| e.asked.insert(id, None));
                        Request::Any { id, content: self.content }
                    }
                    FetchOrder::Have(have) => Request::Have { have, content: self.content },
                    FetchOrder::Cancel { id } => {
                        self.expected(|e| e.cancel(id));
                        Request::Cancel { id }
                    }
                };
                write_frame(&mut stream, &request).await?;
                next = orders.try_recv().ok();
            }
            stream.flush().await?;
        }
        Ok(())
    }

    async fn read(self: &Arc<Self>, stream: ReadHalf<Stream>) -> io::Result<()> {
        let mut stream = BufReader::with_capacity(STEP / 8, stream);
        while let Some(reply) = read_frame(&mut stream).await? {
            match reply {
                Reply::Refused { id, why } => {
                    if self.expected(|e| e.take(id)).is_some() {
                        self.tell(FetchEvent::Refused { peer: self.peer, id, why }).await;
                    }
                }
                Reply::Data { id, len, chunk, queued } => {
                    let Some(want) = self.wanted(id, chunk) else {
                        return Err(io::Error::other("data that was not asked for"));
                    };
                    self.tell(FetchEvent::Begun { peer: self.peer, id, chunk, queued }).await;
                    if len != want {
                        self.tell(FetchEvent::Corrupt { peer: self.peer, id, chunk }).await;
                        return Err(io::Error::other("a chunk of the wrong length"));
                    }
                    let bytes = self.read_chunk(&mut stream, len as usize).await?;
                    self.store(id, chunk, bytes).await;
                }
            }
        }
        Ok(())
    }

    /// The length that the chunk must have; `None` if it does not answer this request.
    fn wanted(&self, id: RequestId, chunk: ChunkIndex) -> Option<u32> {
        match self.expected(|e| e.take(id))? {
            Some((asked, len)) => (asked == chunk).then_some(len),
            None => self.target.manifest().chunks().get(chunk as usize).map(|c| c.length),
        }
    }

    async fn read_chunk(&self, stream: &mut BufReader<ReadHalf<Stream>>, len: usize) -> io::Result<Chunk> {
        let mut buffer = self.spare.lock().expect("no panic under the lock").pop().unwrap_or_default();
        let (mut filled, mut reported) = (0, (Instant::now(), 0));
        while filled < len {
            let end = len.min(filled + self.pace.step(STEP));
            self.pace.take(end - filled).await;
            if buffer.len() < end {
                // A little at first; who has sent that much gets room for the rest.
                buffer.resize(if filled == 0 { end } else { len }, 0);
            }
            stream.read_exact(&mut buffer[filled..end]).await?;
            filled = end;
            if reported.0.elapsed() >= REPORT || filled == len {
                let news = (filled - reported.1) as u64;
                self.tell(FetchEvent::Progress { peer: self.peer, bytes: news }).await;
                reported = (Instant::now(), filled);
            }
        }
        Ok(Chunk { buffer, len })
    }

    fn recycle(&self, chunk: Arc<Chunk>) {
        let mut spare = self.spare.lock().expect("no panic under the lock");
        if let Ok(chunk) = Arc::try_unwrap(chunk)
            && spare.len() < MAX_WRITES
        {
            spare.push(chunk.buffer);
        }
    }

    /// Verifies and writes a chunk beside the reading of the next one.
    async fn store(self: &Arc<Self>, id: RequestId, chunk: ChunkIndex, bytes: Chunk) {
        let permit = self.writes.clone().acquire_owned().await.expect("never closed");
        let session = self.clone();
        tokio::spawn(async move {
            let bytes = Arc::new(bytes);
            session.store_until_done(id, chunk, &bytes).await;
            session.recycle(bytes);
            drop(permit);
        });
    }

    async fn store_until_done(&self, id: RequestId, chunk: ChunkIndex, bytes: &Arc<Chunk>) {
        let (peer, len) = (self.peer, bytes.len as u64);
        let mut blocked = false;
        while !self.events.is_closed() {
            let (target, held) = (self.target.clone(), bytes.clone());
            let written =
                tokio::task::spawn_blocking(move || target.write(chunk, &held.buffer[..held.len])).await;
            match written {
                Ok(Ok(complete)) => {
                    if blocked {
                        self.tell(FetchEvent::Unblocked).await;
                    }
                    return self.tell(FetchEvent::Stored { peer, id, chunk, len, complete }).await;
                }
                Ok(Err(WriteError::Corrupt { .. })) => {
                    return self.tell(FetchEvent::Corrupt { peer, id, chunk }).await;
                }
                Ok(Err(error)) => {
                    blocked = true;
                    self.tell(FetchEvent::Blocked { why: error.to_string() }).await;
                }
                Err(panic) => return self.lost(panic.to_string()).await,
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.events.closed() => {}
            }
        }
    }
}
