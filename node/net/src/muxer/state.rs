//! A connection and its streams, under one lock: each task that needs something of the connection moves it.
//!
//! Three kinds of tasks meet here. A task of the connection's own reads frames when something came, and sends what was
//! collected. A stream's reader takes the bytes of its frame straight from the connection, so that they are copied once; the
//! connection's own task leaves them to it for a turn whenever some have come. A stream's writer gives its bytes straight to the connection. The
//! connection always wakes the task of its own, which lives as long as it does, and that one wakes the others: a
//! reader or writer that went away holds nobody up.
//!
//! What always holds: what is kept of a stream is what it was granted at most; what waits for the connection is two
//! frames at most, and 16 KiB of what the other side caused: then nothing more is read.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::arrival::Arrival;
use super::ends::Ends;
use super::output::Output;
use shoal_yamux::HEADER;
use shoal_yamux::{Session, Side};

/// What comes next on the connection.
pub(super) enum Incoming {
    Header {
        bytes: [u8; HEADER],
        came: usize,
    },
    Body {
        stream: u32,
        left: u32,
        /// Whether the stream's reader was given the chance to take what had come of it.
        offered: bool,
    },
}

impl Incoming {
    pub(super) const NEXT: Self = Self::Header { bytes: [0; HEADER], came: 0 };
}

/// See the module.
pub(super) struct State<C> {
    /// None once it has ended.
    pub(super) output: Option<Output<C>>,
    pub(super) session: Session,
    pub(super) incoming: Incoming,
    pub(super) ends: BTreeMap<u32, Ends>,
    /// Streams of the other side that wait to be taken.
    pub(super) waiting: VecDeque<u32>,
    /// Streams whose writers wait for the connection, in their order.
    pub(super) blocked: VecDeque<u32>,
    /// Those of them that were woken and have not come yet.
    pub(super) woken: VecDeque<u32>,
    /// The end of the connection is being written.
    pub(super) closing: bool,
    /// Why it ended, until the Swarm has been told.
    failure: Option<io::Error>,
    /// The Swarm's task.
    pub(super) swarm: Option<Waker>,
    /// Whether that wants to open a stream as soon as one more is allowed.
    pub(super) opening: bool,
    /// The connection's own task.
    pub(super) mover: Option<Waker>,
    /// Whether that was woken and has not come yet.
    pub(super) called: bool,
    pub(super) arrival: Arc<Arrival>,
    /// Whether something came before this turn of the connection's own task, and no reader has been woken for it.
    pub(super) came: bool,
    started: Instant,
}

/// What a connection's tasks share.
pub(super) type Shared<C> = Arc<Mutex<State<C>>>;

pub(super) fn lock<C>(shared: &Shared<C>) -> MutexGuard<'_, State<C>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C: AsyncRead + AsyncWrite + Unpin> State<C> {
    pub(super) fn new(connection: C, side: Side) -> Self {
        Self {
            output: Some(Output::new(connection)),
            session: Session::new(side),
            incoming: Incoming::NEXT,
            ends: BTreeMap::new(),
            waiting: VecDeque::new(),
            blocked: VecDeque::new(),
            woken: VecDeque::new(),
            closing: false,
            failure: None,
            swarm: None,
            opening: false,
            mover: None,
            called: false,
            arrival: Arc::default(),
            came: false,
            started: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Wakes the connection's own task, once.
    pub(super) fn call(&mut self) {
        if let Some(mover) = &self.mover
            && !std::mem::replace(&mut self.called, true)
        {
            mover.wake_by_ref();
        }
    }

    /// Passes on what the session has to say. Returns whether that was anything.
    pub(super) fn collect(&mut self) -> bool {
        let control = self.session.control();
        let some = !control.is_empty();
        if let Some(output) = &mut self.output
            && some
        {
            output.collect(control);
            control.clear();
        }
        some
    }

    /// Passes on what the session has to say, and has it sent.
    pub(super) fn speak(&mut self) {
        if self.collect() {
            self.call();
        }
    }

    /// Whether nothing more is read or written.
    pub(super) fn is_over(&self) -> bool {
        self.output.is_none() || self.closing
    }

    /// One more stream may be allowed.
    pub(super) fn may_open(&mut self) {
        if std::mem::take(&mut self.opening) {
            self.swarm.take().into_iter().for_each(Waker::wake);
        }
    }

    /// The connection is gone.
    pub(super) fn end(&mut self, failure: Option<io::Error>) {
        (self.output, self.failure) = (None, failure);
        self.swarm.take().into_iter().for_each(Waker::wake);
        self.wake_all();
        self.call();
    }

    pub(super) fn wake_all(&mut self) {
        self.ends.values_mut().for_each(Ends::wake);
    }

    /// Why there are no streams any more.
    pub(super) fn failure(&mut self) -> io::Error {
        self.failure.take().unwrap_or_else(gone)
    }
}

/// The connection is gone.
pub(super) fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection is closed")
}

/// Has a task woken later.
pub(super) fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}
