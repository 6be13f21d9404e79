//! A connection that ends when nothing moves on it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// Fails with [`io::ErrorKind::TimedOut`] where it is waited on while no byte has moved for a time, in either direction.
pub(super) struct Idle<T> {
    inner: T,
    most: Duration,
    end: Pin<Box<Sleep>>,
}

impl<T> Idle<T> {
    pub(super) fn new(inner: T, most: Duration) -> Self {
        Self { inner, most, end: Box::pin(sleep(most)) }
    }

    /// Something moves, or it has not for too long, or that is still to be seen.
    fn judge<R>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if poll.is_ready() {
            self.end.as_mut().reset(Instant::now() + self.most);
            return poll;
        }
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Idle<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.inner).poll_read(cx, buf);
        this.judge(cx, poll)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Idle<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.inner).poll_write(cx, buf);
        this.judge(cx, poll)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    #[tokio::test]
    async fn one_that_neither_sends_nor_takes_anything_is_left() {
        let (near, far) = duplex(16);
        let mut near = Idle::new(near, Duration::from_millis(30));
        let error = near.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let error = near.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(far);
    }

    #[tokio::test]
    async fn what_moves_is_not_left_however_long_it_takes() {
        let (near, mut far) = duplex(1);
        let mut near = Idle::new(near, Duration::from_secs(20));
        let task = tokio::spawn(async move {
            for byte in 0..100 {
                far.write_u8(byte).await.unwrap();
            }
        });
        for byte in 0..100 {
            assert_eq!(near.read_u8().await.unwrap(), byte);
        }
        task.await.unwrap();
    }
}
