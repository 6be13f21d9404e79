//! What the connection's own task and the Swarm do with a connection.

use std::io;
use std::task::{Context, Poll, ready};

use futures::{AsyncRead, AsyncWrite};

use super::ends::Ends;
use super::state::{State, remember};
use shoal_yamux::Unopened;

impl<C: AsyncRead + AsyncWrite + Unpin> State<C> {
    /// What the connection's own task does when it is woken.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        remember(&mut self.mover, cx);
        self.arrival.wakes(cx.waker());
        self.called = false;
        self.came = self.arrival.take();
        if self.output.is_none() {
            return Poll::Ready(());
        }
        if self.closing {
            return Poll::Pending;
        }
        self.session.measure(self.now());
        self.speak();
        let received = self.receive(None).map_ok(|_| ());
        let sent = self.send(cx);
        for done in [received, sent] {
            if let Poll::Ready(Err(error)) = done {
                self.end(Some(error));
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Opens a stream.
    pub(super) fn open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        if self.is_over() {
            return Poll::Ready(Err(self.failure()));
        }
        match self.session.open(self.now()) {
            Ok(id) => {
                self.ends.insert(id, Ends::default());
                Poll::Ready(Ok(id))
            }
            Err(error @ Unopened::NoNumbers) => Poll::Ready(Err(io::Error::other(error))),
            Err(Unopened::TooMany | Unopened::Unacknowledged) => {
                remember(&mut self.swarm, cx);
                self.opening = true;
                Poll::Pending
            }
        }
    }

    /// The next stream of the other side.
    pub(super) fn accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        if let Some(id) = self.waiting.pop_front() {
            return Poll::Ready(Ok(id));
        }
        self.stand(cx).map(Err)
    }

    /// Waits for the end of the connection.
    pub(super) fn stand(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        remember(&mut self.swarm, cx);
        if self.output.is_some() { Poll::Pending } else { Poll::Ready(self.failure()) }
    }

    /// Nothing more is written to a stream.
    pub(super) fn finish(&mut self, id: u32) {
        self.session.close(id);
        self.speak();
    }

    /// A stream is not used any more.
    pub(super) fn forget(&mut self, id: u32) {
        self.session.forget(id);
        self.ends.remove(&id);
        self.may_open();
        self.speak();
    }

    /// Ends the connection, after what was written.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !std::mem::replace(&mut self.closing, true) {
            self.session.go_away();
            self.speak();
            self.wake_all();
        }
        let Some(output) = &mut self.output else { return Poll::Ready(Ok(())) };
        let closed = ready!(output.close(cx));
        self.end(None);
        Poll::Ready(closed)
    }
}
