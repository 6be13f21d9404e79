//! One stream that is being served.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::PeerId;
use shoal_addresses::Network;
use shoal_content::{ChunkIndex, ContentId};
use shoal_engine::{Grant, SessionId, Wanted};
use shoal_framing::{read_request, write_frame};
use shoal_store::ReadError;
use shoal_wire::Have;
use shoal_wire::chunks::{ChunkRefusal, ChunkReply, ChunkRequest};
use shoal_wire::query::QueryRequest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::board::{Offered, Opened};
use super::places::Place;
use super::shared::Shared;
use crate::activity::ActivityKind;
use crate::counter::TrafficCounter;
use crate::library::Withdrawn;
use crate::memory::Buffer;
use crate::traffic::Exchanged;

/// Bytes handed to the stream at once.
const PIECE: usize = 256 << 10;
/// Bytes of a chunk that are copied from the system's memory by the task that sends them, which takes less time than to have
/// another thread do it. More would hold up other tasks.
const MAX_COPIED: u32 = 1 << 20;
/// News that may wait for jobs that lag. Then nothing more is read.
const MAX_NEWS: usize = 16;
/// A peer that takes nothing for this long loses its stream, whatever it took before. How slowly it takes things does
/// not matter.
const SILENCE: Duration = Duration::from_secs(30);

/// Serves a stream until it ends, or until it has lost its place.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Send>(
    shared: &Arc<Shared>,
    place: &Place,
    network: Option<Network>,
    stream: S,
) -> io::Result<()> {
    let Opened { id, grants, closed } = shared.board().open(place.peer, network);
    let session = Session { shared, peer: place.peer, id };
    let (input, output) = stream.split();
    tokio::select! {
        ended = session.read(input) => ended,
        failed = session.write(output, grants) => failed,
        () = closed.cancelled() => Err(io::Error::other("the peer takes too little of what it asks for")),
        () = place.replaced.cancelled() => Err(io::Error::other("the peer has opened newer streams")),
    }
}

/// See the module.
struct Session<'a> {
    shared: &'a Arc<Shared>,
    peer: PeerId,
    id: SessionId,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        self.shared.tell(|board| board.close(self.id));
    }
}

impl Session<'_> {
    async fn read<R: AsyncRead + Unpin>(&self, mut input: R) -> io::Result<()> {
        let mut news = JoinSet::new();
        while let Some(request) = read_request(&mut input).await? {
            let request = match request {
                Ok(request) => request,
                Err(unknown) => {
                    let refuse = |id| self.shared.tell(|board| board.queue.refuse_unknown(self.id, id));
                    unknown.id.into_iter().for_each(refuse);
                    continue;
                }
            };
            match request {
                ChunkRequest::Get { id, chunk, content } => {
                    self.request(Wanted { id, content, chunk: Some(chunk) })
                }
                ChunkRequest::Any { id, content } => self.request(Wanted { id, content, chunk: None }),
                ChunkRequest::Cancel { id } => self.shared.tell(|board| board.queue.cancel(self.id, id)),
                ChunkRequest::Have { have, content } => self.news(&mut news, have, content).await,
            }
        }
        Ok(())
    }

    /// Passes news on; the job of one content that lags does not hold up the others.
    async fn news(&self, waiting: &mut JoinSet<()>, have: Have, content: ContentId) {
        while waiting.try_join_next().is_some() {}
        if let Some(later) = self.shared.library.tell(self.peer, QueryRequest::Have { have, content }) {
            if waiting.len() >= MAX_NEWS {
                waiting.join_next().await;
            }
            waiting.spawn(later);
        }
    }

    fn request(&self, wanted: Wanted) {
        // Not under the board's lock: the store has one of its own.
        let offered = self.shared.board().offered(&wanted.content);
        let has = |offered: Offered| wanted.chunk.is_none_or(|chunk| offered.store.has(chunk));
        let here = offered.is_some_and(has);
        let now = self.shared.clock.now();
        self.shared.tell(|board| board.request(now, self.id, wanted, here));
    }

    async fn write<W: AsyncWrite + Unpin>(
        &self,
        mut output: W,
        mut grants: mpsc::Receiver<Grant>,
    ) -> io::Result<()> {
        while let Some(grant) = grants.recv().await {
            match grant {
                Grant::Refuse { id, why, .. } => self.refuse(&mut output, id, why).await?,
                Grant::Send { id, content, chunk, .. } => {
                    self.send(&mut output, id, content, chunk).await?;
                }
                Grant::Close { .. } => return Ok(()),
            }
            unless_silent(output.flush()).await?;
            if matches!(grant, Grant::Send { .. }) {
                self.shared.tell(|board| board.queue.ended(self.id));
            }
        }
        Err(io::Error::other("the peer sends requests faster than it reads refusals"))
    }

    /// Reads a chunk and sends it, or the reason why not.
    async fn send<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        id: u64,
        content: ContentId,
        chunk: ChunkIndex,
    ) -> io::Result<()> {
        let offered = self.shared.board().offered(&content);
        let Some(offered) = offered else { return self.refuse(output, id, ChunkRefusal::NotFound).await };
        if self.shared.board().sent.contains(&self.peer, &content, chunk) {
            // A peer asks again for what did not match, and a disk that rots changes no stamp.
            offered.store.doubt(chunk);
        }
        let buffer = match self.read_chunk(&offered, content, chunk).await {
            Ok(buffer) => buffer,
            Err(why) => return self.refuse(output, id, why).await,
        };
        let bytes = buffer.bytes();
        self.shared.board().queue.begun(self.id);
        let (len, queued) = (bytes.len() as u32, self.shared.board().queue.queued());
        unless_silent(write_frame(output, &ChunkReply::Data { id, len, chunk, queued })).await?;
        self.send_bytes(output, &offered.traffic, bytes).await?;
        self.shared.board().sent.insert(&self.peer, &content, chunk);
        let bytes = bytes.len() as u64;
        offered.traffic.sent(self.peer, chunk, bytes);
        let sent = || ActivityKind::ChunkSent { chunk, bytes };
        self.shared.activity.tell(Some(self.peer), Some(content), sent);
        Ok(())
    }

    async fn read_chunk(
        &self,
        offered: &Offered,
        content: ContentId,
        chunk: ChunkIndex,
    ) -> Result<Buffer, ChunkRefusal> {
        let store = offered.store.clone();
        let len = store.manifest().chunks().get(chunk as usize).map_or(0, |chunk| chunk.length);
        if len <= MAX_COPIED {
            let mut buffer = self.shared.memory.buffer(len as usize);
            if store.read_cached(chunk, buffer.bytes_mut()) {
                return Ok(buffer);
            }
        }
        let reading = self.shared.reads.clone().acquire_owned().await.expect("never closed");
        let mut buffer = self.shared.memory.buffer(len as usize);
        let read = tokio::task::spawn_blocking(move || {
            let read = store.read(chunk, buffer.bytes_mut());
            drop(reading);
            read.map(|()| buffer)
        });
        match read.await {
            Ok(Ok(buffer)) => Ok(buffer),
            Ok(Err(error)) => {
                tracing::debug!(%content, chunk, %error, "chunk refused");
                Err(self.refusal(content, error))
            }
            Err(panic) => {
                tracing::error!(%content, chunk, %panic, "reading a chunk panicked");
                Err(ChunkRefusal::Busy)
            }
        }
    }

    /// What a store's failure means for the peer that asked; a changed file is told to the content's job.
    fn refusal(&self, content: ContentId, error: ReadError) -> ChunkRefusal {
        let words = error.to_string();
        match error {
            ReadError::NotHere(_) => ChunkRefusal::NotFound,
            ReadError::Withdrawn { path, .. } => {
                self.shared.library.notify(content, Withdrawn { path, words });
                ChunkRefusal::NotFound
            }
            ReadError::Io { .. } => {
                tracing::warn!(%content, error = %words, "cannot read a chunk");
                ChunkRefusal::Busy
            }
        }
    }

    async fn send_bytes<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        traffic: &TrafficCounter,
        mut bytes: &[u8],
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            // Asked for each piece, because the limit may change meanwhile.
            let (piece, rest) = bytes.split_at(self.shared.pace.step(PIECE).min(bytes.len()));
            self.shared.pace.take(piece.len()).await;
            self.send_piece(output, traffic, piece).await?;
            bytes = rest;
        }
        Ok(())
    }

    async fn send_piece<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        traffic: &TrafficCounter,
        mut piece: &[u8],
    ) -> io::Result<()> {
        while !piece.is_empty() {
            self.shared.board().queue.offered(self.shared.clock.now(), self.id);
            let taken = unless_silent(output.write(piece)).await?;
            if taken == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            piece = &piece[taken..];
            let (now, bytes) = (self.shared.clock.now(), taken as u64);
            let mut board = self.shared.board();
            board.meter.add(now, bytes);
            board.queue.sent(self.id, bytes);
            drop(board);
            traffic.goes(bytes);
        }
        Ok(())
    }

    async fn refuse<W: AsyncWrite + Unpin>(
        &self,
        output: &mut W,
        id: u64,
        why: ChunkRefusal,
    ) -> io::Result<()> {
        // That nothing is fresh is no more than a hint to ask for certain chunks.
        if why != ChunkRefusal::NoneFresh {
            self.shared.tally.add(self.peer, Exchanged::refused());
            self.shared.activity.tell(Some(self.peer), None, || ActivityKind::ChunkRefused { why });
        }
        unless_silent(write_frame(output, &ChunkReply::Refused { id, why })).await
    }
}

async fn unless_silent<T>(write: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let silent = || io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing");
    tokio::time::timeout(SILENCE, write).await.unwrap_or_else(|_| Err(silent()))
}
