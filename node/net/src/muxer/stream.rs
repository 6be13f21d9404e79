//! One stream of a connection.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};

use super::state::{Shared, lock};

/// A stream. When it is dropped without having been closed, the other side's end of it breaks.
pub(in super::super) struct Stream<C: AsyncRead + AsyncWrite + Unpin> {
    id: u32,
    connection: Shared<C>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Stream<C> {
    pub(super) fn new(id: u32, connection: &Shared<C>) -> Self {
        Self { id, connection: connection.clone() }
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> fmt::Debug for Stream<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Drop for Stream<C> {
    fn drop(&mut self) {
        lock(&self.connection).forget(self.id);
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<C> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        lock(&self.connection).read(cx, self.id, into)
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<C> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.connection).write(cx, self.id, bytes)
    }

    /// Says yes: the connection's own task sends at the end of its turn, and was woken for that.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.connection).finish(self.id);
        Poll::Ready(Ok(()))
    }
}
