//! What lies between yamux and the connection: what is written is collected until it is sent, and large frames pass by.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};

/// Bytes that are collected before they go to the connection, at most.
const COALESCED: usize = 64 << 10;
/// As many bytes at once are not collected, which would copy them: they go straight to the connection, together with
/// what was collected before.
pub(super) const LARGE: usize = 16 << 10;

/// A connection that two hold: yamux, which reads and writes, and the muxer, which flushes. What is written is collected until
/// then, or until there is much.
pub(super) struct Collecting<C>(Arc<Mutex<Collected<C>>>);

impl<C> Clone for Collecting<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C> Collecting<C> {
    pub(super) fn new(connection: C) -> Self {
        Self(Arc::new(Mutex::new(Collected { connection, bytes: Vec::new(), sent: 0, flushed: true })))
    }

    pub(super) fn collected(&self) -> MutexGuard<'_, Collected<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Collected<C> {
    connection: C,
    bytes: Vec<u8>,
    /// How many of the bytes the connection has taken.
    sent: usize,
    flushed: bool,
}

impl<C: AsyncWrite + Unpin> Collected<C> {
    /// Gives to the connection what was collected.
    fn hand_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.bytes.len() {
            let taken = ready!(Pin::new(&mut self.connection).poll_write(cx, &self.bytes[self.sent..]))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += taken;
        }
        self.bytes.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }

    /// Gives bytes to the connection, after what was collected. Returns how many of them it took.
    fn pass(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.flushed = false;
        loop {
            let before = &self.bytes[self.sent..];
            let both = [IoSlice::new(before), IoSlice::new(bytes)];
            let taken = ready!(Pin::new(&mut self.connection).poll_write_vectored(cx, &both))?;
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            match taken.checked_sub(before.len()) {
                None => self.sent += taken,
                Some(more) => {
                    self.bytes.clear();
                    self.sent = 0;
                    if more > 0 {
                        return Poll::Ready(Ok(more));
                    }
                }
            }
        }
    }

    /// Sends what was collected. Costs nothing if there is nothing.
    pub(super) fn send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.flushed {
            ready!(self.hand_over(cx))?;
            // Many connections say nothing for long.
            self.bytes = Vec::new();
            ready!(Pin::new(&mut self.connection).poll_flush(cx))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Collecting<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.collected().connection).poll_read(cx, into)
    }
}

impl<C: AsyncWrite + Unpin> AsyncWrite for Collecting<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut collected = self.collected();
        if bytes.len() >= LARGE {
            return collected.pass(cx, bytes);
        }
        if collected.bytes.len() + bytes.len() > COALESCED {
            ready!(collected.hand_over(cx))?;
        }
        collected.bytes.extend_from_slice(bytes);
        collected.flushed = false;
        Poll::Ready(Ok(bytes.len()))
    }

    /// Says yes: the muxer's task sends at the end of its turn.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut collected = self.collected();
        ready!(collected.send(cx))?;
        Pin::new(&mut collected.connection).poll_close(cx)
    }
}
