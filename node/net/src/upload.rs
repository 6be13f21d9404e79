//! Serving chunks: one session per inbound stream.
//!
//! Sessions bring requests to the engine's [`UploadQueue`], which says who is sent what next; the bytes
//! go from the store to the stream here. Reading requests and writing chunks go on side by side,
//! because a multiplexed connection whose two ends only write stands still. What always holds: at most as
//! many chunks are in memory as there are slots; a peer that does not read its refusals, or takes
//! nothing, loses its stream.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use libp2p::{PeerId, Stream};
use shoal_content::{ChunkIndex, ChunkSet, ContentId};
use shoal_engine::{Grant, SessionId, UploadConfig, UploadQueue, Wanted};
use shoal_framing::{read_frame, write_frame};
use shoal_wire::chunks::{MAX_WAITING, Refusal, Reply, Request};
use shoal_wire::query::{self, Load};
use tokio::sync::{Notify, mpsc};

use super::clock::Clock;
use super::library::{Library, Withdrawn};
use super::pace::Pace;
use super::traffic::{Meter, PeerTraffic, Traffic};
use shoal_store::ReadError;

/// Streams that one peer may have open to us; each takes one slot at most.
const MAX_PER_PEER: usize = 2;
/// Decisions that may wait for a session; more only if the peer reads no refusals.
const GRANTS: usize = 3 * MAX_WAITING;
/// Bytes handed to the stream at once.
const PIECE: usize = 256 << 10;
/// A peer that does not take a frame within this time, or a chunk within this time and at this pace,
/// loses its stream.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes per second.
const SLOWEST: u64 = 16 << 10;

/// What all sessions share.
struct Shared {
    library: Arc<Library>,
    traffic: Arc<Traffic>,
    clock: Clock,
    pace: Pace,
    streams: Mutex<HashMap<PeerId, usize>>,
    board: Mutex<Board>,
    /// Tells [`wake`] that the queue wants to be woken sooner, or that this is dropped.
    sooner: Arc<Notify>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.sooner.notify_one();
    }
}

/// The queue, and where its decisions go.
struct Board {
    queue: UploadQueue,
    /// What has been sent.
    meter: Meter,
    outlets: BTreeMap<SessionId, mpsc::Sender<Grant>>,
    /// When [`wake`] looks at the queue next, although nothing happens.
    wakes_at: Option<Duration>,
    /// Sessions so far; names them.
    sessions: SessionId,
}

impl Board {
    /// Hands out what the queue decides.
    fn pump(&mut self, now: Duration) {
        while let Some(grant) = self.queue.next(now) {
            let (Grant::Send { session, .. } | Grant::Refuse { session, .. }) = grant;
            let sent = self.outlets.get(&session).is_some_and(|outlet| outlet.try_send(grant).is_ok());
            if !sent {
                // Without its outlet the session ends.
                self.outlets.remove(&session);
                self.queue.close(session);
            }
        }
    }

    /// Whether the queue wants to be woken before [`wake`] does it.
    fn wants_sooner(&self) -> bool {
        let next = self.queue.next_timeout();
        next.is_some_and(|next| self.wakes_at.is_none_or(|at| next < at))
    }
}

/// The node's side that serves; cheap to clone.
#[derive(Clone)]
pub(super) struct Uploads(Arc<Shared>);

impl Uploads {
    pub(super) fn new(
        config: UploadConfig,
        limit: Option<u64>,
        library: Arc<Library>,
        traffic: Arc<Traffic>,
        clock: Clock,
    ) -> Self {
        let queue = UploadQueue::new(config, rand::make_rng());
        let board =
            Board { queue, meter: Meter::default(), outlets: BTreeMap::new(), wakes_at: None, sessions: 0 };
        let shared = Arc::new(Shared {
            library,
            traffic,
            clock,
            pace: Pace::new(limit, clock),
            streams: Mutex::default(),
            board: Mutex::new(board),
            sooner: Arc::default(),
        });
        tokio::spawn(wake(Arc::downgrade(&shared), shared.sooner.clone(), clock));
        Self(shared)
    }

    /// Lets the queue know something, and does what follows from it.
    fn tell<T>(&self, act: impl FnOnce(&mut UploadQueue) -> T) -> T {
        self.0.tell(act)
    }

    /// How busy the node is.
    pub(super) fn load(&self) -> Load {
        self.0.load()
    }

    /// A content can be served; `lengths` are the bytes of each chunk.
    pub(super) fn add(&self, content: ContentId, lengths: Arc<[u32]>, complete: bool) {
        self.tell(|queue| queue.add_content(content, lengths, complete));
    }

    /// All of a content is here now.
    pub(super) fn completed(&self, content: ContentId) {
        self.tell(|queue| queue.completed(&content));
    }

    pub(super) fn remove(&self, content: ContentId) {
        self.tell(|queue| queue.remove_content(&content));
    }

    /// A peer said that it has chunks that it did not have before, or joined and has none.
    pub(super) fn gained(&self, content: ContentId, peer: PeerId, news: &ChunkSet) {
        self.tell(|queue| queue.gained(&content, peer, news));
    }

    /// A peer is gone that had said that it has these chunks.
    pub(super) fn gone(&self, content: ContentId, peer: &PeerId, had: &ChunkSet) {
        self.tell(|queue| queue.gone(&content, peer, had));
    }

    /// A peer sent us bytes that were good.
    pub(super) fn received(&self, peer: PeerId, bytes: u64) {
        let now = self.0.clock.now();
        self.0.board().queue.received(now, peer, bytes);
    }

    /// How many copies of a content the known peers have together.
    pub(super) fn copies(&self, content: ContentId) -> usize {
        self.0.board().queue.copies(&content)
    }

    /// The chunk of a content that was sent last on each open stream. What was sent before it on the same stream has
    /// arrived before it.
    pub(super) fn last_sent(&self, content: ContentId) -> Vec<(PeerId, ChunkIndex)> {
        self.0.board().queue.last_sent(&content).collect()
    }

    /// Serves a stream until it ends. A peer with too many streams gets this one closed.
    pub(super) fn start(&self, peer: PeerId, stream: Stream) {
        let Some(place) = Place::take(&self.0, peer) else {
            tracing::debug!(%peer, "too many streams from this peer");
            return;
        };
        tokio::spawn(async move {
            let result = Session::run(&place, stream).await;
            tracing::debug!(peer = %place.peer, ?result, "upload session ended");
        });
    }
}

impl Shared {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("no panic under the lock")
    }

    fn tell<T>(&self, act: impl FnOnce(&mut UploadQueue) -> T) -> T {
        let mut board = self.board();
        let result = act(&mut board.queue);
        self.pump(&mut board);
        result
    }

    /// Does what the queue says.
    fn pump(&self, board: &mut Board) {
        board.pump(self.clock.now());
        if board.wants_sooner() {
            self.sooner.notify_one();
        }
    }

    fn load(&self) -> Load {
        let mut board = self.board();
        let rate = board.meter.rate(self.clock.now());
        Load { rate, active: board.queue.active() as u32, queued: board.queue.queued() }
    }
}

/// Looks at the queue when it wants that, although nothing happened.
async fn wake(shared: Weak<Shared>, sooner: Arc<Notify>, clock: Clock) {
    loop {
        let next = {
            let Some(shared) = shared.upgrade() else { return };
            let mut board = shared.board();
            board.pump(clock.now());
            board.wakes_at = board.queue.next_timeout();
            board.wakes_at
        };
        tokio::select! {
            () = clock.until(next) => {}
            () = sooner.notified() => {}
        }
    }
}

/// A session's place among those of its peer and in the queue; given back when dropped.
struct Place {
    shared: Arc<Shared>,
    peer: PeerId,
}

impl Place {
    fn take(shared: &Arc<Shared>, peer: PeerId) -> Option<Self> {
        let mut streams = shared.streams.lock().expect("no panic under the lock");
        let count = streams.entry(peer).or_default();
        if *count >= MAX_PER_PEER {
            return None;
        }
        *count += 1;
        Some(Self { shared: shared.clone(), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut streams = self.shared.streams.lock().expect("no panic under the lock");
        if let Some(count) = streams.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                streams.remove(&self.peer);
            }
        }
    }
}

/// One stream that is being served.
struct Session<'a> {
    shared: &'a Arc<Shared>,
    peer: PeerId,
    id: SessionId,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let mut board = self.shared.board();
        board.outlets.remove(&self.id);
        board.queue.close(self.id);
        self.shared.pump(&mut board);
    }
}

impl<'a> Session<'a> {
    async fn run(place: &'a Place, stream: Stream) -> io::Result<()> {
        let (session, grants) = Self::open(&place.shared, place.peer);
        let (input, output) = futures::AsyncReadExt::split(stream);
        tokio::select! {
            ended = session.read(input) => ended,
            failed = session.write(output, grants) => failed,
        }
    }

    fn open(shared: &'a Arc<Shared>, peer: PeerId) -> (Self, mpsc::Receiver<Grant>) {
        let (outlet, grants) = mpsc::channel(GRANTS);
        let mut board = shared.board();
        board.sessions += 1;
        let id = board.sessions;
        board.outlets.insert(id, outlet);
        board.queue.open(id, peer);
        (Self { shared, peer, id }, grants)
    }

    async fn read<R: AsyncRead + Unpin>(&self, mut input: R) -> io::Result<()> {
        while let Some(request) = read_frame(&mut input).await? {
            match request {
                Request::Get { id, chunk, content } => {
                    self.request(Wanted { id, content, chunk: Some(chunk) })
                }
                Request::Any { id, content } => self.request(Wanted { id, content, chunk: None }),
                Request::Cancel { id } => self.shared.tell(|queue| queue.cancel(self.id, id)),
                Request::Have { have, content } => {
                    self.shared.library.tell(self.peer, query::Request::Have { have, content }).await;
                }
            }
        }
        Ok(())
    }

    fn request(&self, wanted: Wanted) {
        let now = self.shared.clock.now();
        self.shared.tell(|queue| queue.request(now, self.id, wanted));
    }

    async fn write<W: AsyncWrite + Unpin>(
        &self,
        mut output: W,
        mut grants: mpsc::Receiver<Grant>,
    ) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(grant) = grants.recv().await {
            match grant {
                Grant::Refuse { id, why, .. } => refuse(&mut output, id, why).await?,
                Grant::Send { id, content, chunk, .. } => {
                    buffer = self.send(&mut output, id, content, chunk, buffer).await?;
                }
            }
            timeout(WRITE_TIMEOUT, output.flush()).await?;
            if matches!(grant, Grant::Send { .. }) {
                self.shared.tell(|queue| queue.ended(self.id));
            }
        }
        Err(io::Error::other("the peer sends requests faster than it reads refusals"))
    }

    /// Reads a chunk and sends it, or the reason why not. Gives the buffer back for the next one.
    async fn send<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        id: u64,
        content: ContentId,
        chunk: ChunkIndex,
        mut buffer: Vec<u8>,
    ) -> io::Result<Vec<u8>> {
        let Some(store) = self.shared.library.store(content) else {
            refuse(output, id, Refusal::NotFound).await?;
            return Ok(buffer);
        };
        let (read, mut buffer) =
            tokio::task::spawn_blocking(move || (store.read(chunk, &mut buffer), buffer))
                .await
                .map_err(io::Error::other)?;
        if let Err(error) = read {
            tracing::debug!(peer = %self.peer, chunk, %error, "chunk refused");
            let why = refusal(&self.shared.library, content, error);
            refuse(output, id, why).await?;
            return Ok(buffer);
        }
        self.shared.board().queue.begun(self.id);
        let patience = WRITE_TIMEOUT + Duration::from_secs(buffer.len() as u64 / SLOWEST);
        timeout(patience, self.send_bytes(output, id, chunk, &buffer)).await?;
        let sent = PeerTraffic { sent: buffer.len() as u64, ..PeerTraffic::default() };
        self.shared.traffic.count(content, self.peer, sent);
        // One large chunk should not keep its memory for as long as the stream lives.
        buffer.shrink_to(4 << 20);
        Ok(buffer)
    }

    async fn send_bytes<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        id: u64,
        chunk: ChunkIndex,
        bytes: &[u8],
    ) -> io::Result<()> {
        let queued = self.shared.board().queue.queued();
        write_frame(output, &Reply::Data { id, len: bytes.len() as u32, chunk, queued }).await?;
        for piece in bytes.chunks(self.shared.pace.step(PIECE)) {
            self.shared.pace.take(piece.len()).await;
            output.write_all(piece).await?;
            let (now, bytes) = (self.shared.clock.now(), piece.len() as u64);
            let mut board = self.shared.board();
            board.meter.add(now, bytes);
            board.queue.sent(bytes);
        }
        Ok(())
    }
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

async fn refuse<W: AsyncWrite + Unpin>(output: &mut W, id: u64, why: Refusal) -> io::Result<()> {
    timeout(WRITE_TIMEOUT, write_frame(output, &Reply::Refused { id, why })).await
}

async fn timeout(patience: Duration, write: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing");
    tokio::time::timeout(patience, write).await.unwrap_or_else(|_| Err(late()))
}
