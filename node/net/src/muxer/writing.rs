//! What streams write, and when it goes out.

use std::io;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};

use super::state::{State, gone, remember};
use shoal_yamux::HEADER;

/// Most bytes in one frame, so that with its header it fills four records of TLS. A stream that has little to say waits
/// for no more than one frame of another one.
pub(super) const FRAME: usize = (64 << 10) - HEADER;

impl<C: AsyncRead + AsyncWrite + Unpin> State<C> {
    /// Writes some bytes to a stream.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, id: u32, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let may_send = self.session.may_send(id).filter(|_| !self.is_over());
        let Some(may_send) = may_send else { return Poll::Ready(Err(io::ErrorKind::WriteZero.into())) };
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if may_send == 0 || self.waits_for_room(cx, id)? {
            if let Some(ends) = self.ends.get_mut(&id) {
                remember(&mut ends.writer, cx);
            }
            return Poll::Pending;
        }
        let (Some(output), Some(mover)) = (&mut self.output, &self.mover) else {
            return Poll::Ready(Err(gone()));
        };
        let bytes = &bytes[..bytes.len().min(FRAME).min(may_send as usize)];
        let header = self.session.send(id, bytes.len() as u32);
        let written = output.frame(&mut Context::from_waker(mover), &header, bytes);
        self.call();
        match written {
            Ok(()) => Poll::Ready(Ok(bytes.len())),
            Err(error) => {
                self.end(Some(error));
                Poll::Ready(Err(gone()))
            }
        }
    }

    /// Whether a writer has to wait for its turn or for the connection.
    fn waits_for_room(&mut self, cx: &mut Context<'_>, id: u32) -> io::Result<bool> {
        if let Some(at) = self.woken.iter().position(|woken| *woken == id) {
            self.woken.remove(at);
        } else if self.woken.pop_front().is_some() {
            // Another one waited for longer. It may be gone, so that it is let go first only once.
            cx.waker().wake_by_ref();
            return Ok(true);
        }
        let room = match (&mut self.output, &self.mover) {
            (Some(output), Some(mover)) => output.room(&mut Context::from_waker(mover))?,
            _ => Poll::Pending,
        };
        if room.is_pending() && !self.blocked.contains(&id) {
            self.blocked.push_back(id);
        }
        Ok(room.is_pending())
    }

    /// Sends what was collected, and lets writers go on.
    pub(super) fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(output) = &mut self.output else { return Poll::Ready(Err(gone())) };
        let sent = output.send(cx);
        if let Poll::Ready(Err(error)) = sent {
            return Poll::Ready(Err(error));
        }
        if output.has_room() {
            self.woken.clear();
            for id in self.blocked.drain(..) {
                if let Some(writer) = self.ends.get_mut(&id).and_then(|ends| ends.writer.take()) {
                    self.woken.push_back(id);
                    writer.wake();
                }
            }
        }
        sent
    }
}
