//! What lies between the frames and the connection: small ones are collected until they are sent, and large bodies
//! pass by without a copy.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::AsyncWrite;

/// Bytes that are collected before a stream has to wait.
const COLLECTED: usize = 64 << 10;
/// As many bytes at once are not collected, which would copy them: they go straight to the connection, together with
/// what was collected before.
pub(super) const LARGE: usize = 16 << 10;

/// The writing side of a connection.
pub(super) struct Output<C> {
    pub(super) connection: C,
    bytes: Vec<u8>,
    /// How many of the bytes the connection has taken.
    sent: usize,
    flushed: bool,
}

impl<C: AsyncWrite + Unpin> Output<C> {
    pub(super) fn new(connection: C) -> Self {
        Self { connection, bytes: Vec::new(), sent: 0, flushed: true }
    }

    /// Waits until there is room for one more frame.
    pub(super) fn room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.has_room() { Poll::Ready(Ok(())) } else { self.hand_over(cx) }
    }

    pub(super) fn has_room(&self) -> bool {
        self.waiting() < COLLECTED
    }

    /// Bytes that the connection has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Takes a frame for which there is [`room`](Self::room). What the connection does not take at once is kept.
    pub(super) fn frame(&mut self, cx: &mut Context<'_>, header: &[u8], body: &[u8]) -> io::Result<()> {
        self.collect(header);
        if body.len() < LARGE {
            self.collect(body);
            return Ok(());
        }
        let passed = match self.pass(cx, body) {
            Poll::Ready(passed) => passed?,
            Poll::Pending => 0,
        };
        self.collect(&body[passed..]);
        Ok(())
    }

    /// Keeps bytes until they are sent.
    pub(super) fn collect(&mut self, bytes: &[u8]) {
        if self.sent >= COLLECTED {
            // A connection that takes little at a time may never have taken all.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.extend_from_slice(bytes);
        self.flushed = false;
    }

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

    /// Sends what was collected, and ends the connection's writing side.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send(cx))?;
        Pin::new(&mut self.connection).poll_close(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a little each second time.
    struct Slow {
        taken: usize,
        ready: bool,
    }

    impl AsyncWrite for Slow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.ready = !self.ready;
            if !self.ready {
                return Poll::Pending;
            }
            let taken = bytes.len().min(1000);
            self.taken += taken;
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn what_was_sent_is_not_kept_although_something_always_waits() {
        let mut output = Output::new(Slow { taken: 0, ready: false });
        let mut cx = Context::from_waker(futures::task::noop_waker_ref());
        output.collect(&[7; 5000]);
        let mut written = 5000;
        for _ in 0..2000 {
            output.frame(&mut cx, &[0; 12], &[7; 988]).unwrap();
            written += 1000;
            assert!(output.send(&mut cx).is_pending());
            assert!(output.bytes.len() < 2 * COLLECTED, "{}", output.bytes.len());
        }
        assert_eq!(output.connection.taken + output.waiting(), written);
    }
}
