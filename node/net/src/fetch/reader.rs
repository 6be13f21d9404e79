//! Reads what a peer sends on a [`ChunkStream`].
//!
//! What always holds: a reply must answer a request and have the length that the manifest says, before any of its
//! bytes is kept; memory grows only with bytes that have arrived on the stream; bytes that break the protocol end the stream, a
//! chunk that does not match concerns its content alone.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::io::{BufReader, copy_buf, sink};
use futures::{AsyncRead, AsyncReadExt};
use shoal_framing::read_frame;
use shoal_wire::chunks::ChunkReply;
use tokio::time::Instant;

use super::attachment::{Arriving, Attachment};
use super::intake::Intake;
use super::messages::{FetchEvent, StreamError};
use super::requests::Asked;
use super::stream::ChunkStream;
use crate::memory::{Buffer, Memory};

/// Bytes read at once, and as many that a peer has to send before there is room for the whole chunk.
const STEP: usize = 256 << 10;
/// How often arriving bytes are reported at most.
const REPORT: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct Reader<'a, R> {
    stream: &'a ChunkStream,
    input: BufReader<R>,
    intake: &'a Intake,
    memory: &'a Arc<Memory>,
    /// Bytes of chunks that the peer has sent.
    came: u64,
}

impl<'a, R: AsyncRead + Unpin> Reader<'a, R> {
    pub(super) fn new(
        stream: &'a ChunkStream,
        input: R,
        intake: &'a Intake,
        memory: &'a Arc<Memory>,
    ) -> Self {
        Self { stream, input: BufReader::with_capacity(STEP / 8, input), intake, memory, came: 0 }
    }

    /// Reads until the stream ends.
    pub(super) async fn run(mut self) -> Result<(), StreamError> {
        while let Some(reply) = read_frame(&mut self.input).await? {
            match reply {
                ChunkReply::Refused { id, why } => self.stream.refused(id, why),
                ChunkReply::Data { id, len, chunk, queued } => self.data(id, len, chunk, queued).await?,
            }
        }
        Err(StreamError::Closed)
    }

    async fn data(&mut self, on_stream: u64, len: u32, chunk: u32, queued: u64) -> Result<(), StreamError> {
        let (asking, user) = self.stream.answered(on_stream, chunk)?;
        // Whose request it was has no use for it any more.
        let Some(user) = user else { return Ok(self.skip(len).await?) };
        let (peer, id) = (self.stream.peer, asking.id);
        let want = match asking.asked {
            Asked::Chunk(_, len) => len,
            Asked::Any => user.chunk_len(chunk).ok_or(StreamError::Unasked)?,
        };
        user.hint(FetchEvent::Begun { peer, id, chunk, queued });
        if len != want {
            user.tell(FetchEvent::Corrupt { peer, id, chunk });
            return Err(StreamError::WrongLength);
        }
        let chunk = Arriving { peer, id, chunk, len, late: asking.late };
        if user.is_blocked() {
            user.throw_away(&chunk);
            return Ok(self.skip(len).await?);
        }
        let buffer = self.receive(len as usize, &user).await?;
        match user.place(len, || self.stream.others_ask(user.id)).await {
            Some(place) => user.store(chunk, buffer, place),
            None => user.throw_away(&chunk),
        }
        Ok(())
    }

    async fn receive(&mut self, len: usize, user: &Attachment) -> io::Result<Buffer> {
        // A little at first; a peer that has sent that much gets room for the rest, and one that has sent as much before
        // gets it at once, which spares a copy.
        let first = if self.came >= len as u64 { len } else { len.min(STEP) };
        let mut buffer = self.memory.buffer(first);
        let (mut filled, mut reported) = (0, 0);
        let mut since = Instant::now();
        while filled < len {
            let room = if filled < first { first } else { len };
            if buffer.bytes().len() < room && filled == 0 {
                buffer.bytes_mut().resize(room, 0);
            } else if buffer.bytes().len() < room {
                buffer = self.larger(&buffer, filled, room);
            }
            let end = room.min(filled + self.intake.pace.step(STEP));
            // As much as there is: on a slow line any byte is a sign of life.
            let came = self.input.read(&mut buffer.bytes_mut()[filled..end]).await?;
            if came == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += came;
            self.came += came as u64;
            self.intake.came(came as u64);
            self.intake.pace.take(came).await;
            if since.elapsed() >= REPORT || filled == len {
                let bytes = (filled - reported) as u64;
                if user.hint(FetchEvent::Progress { peer: self.stream.peer, bytes }) {
                    (reported, since) = (filled, Instant::now());
                }
            }
        }
        Ok(buffer)
    }

    fn larger(&self, small: &Buffer, filled: usize, len: usize) -> Buffer {
        let mut large = self.memory.buffer(len);
        if large.bytes().len() < len {
            large.bytes_mut().resize(len, 0);
        }
        large.bytes_mut()[..filled].copy_from_slice(&small.bytes()[..filled]);
        large
    }

    /// Throws the bytes of a chunk away.
    async fn skip(&mut self, len: u32) -> io::Result<()> {
        let mut left = u64::from(len);
        while left > 0 {
            let piece = left.min(self.intake.pace.step(STEP) as u64);
            self.intake.pace.take(piece as usize).await;
            let bytes = (&mut self.input).take(piece);
            if copy_buf(bytes, &mut sink()).await? < piece {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= piece;
            self.intake.came(piece);
        }
        Ok(())
    }
}
