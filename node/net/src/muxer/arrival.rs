//! How the connection says that something has come.
//!
//! It wakes the connection's own task, whichever task asked for it. That one is also woken for what is to be sent; with
//! the mark made here it can tell, and leaves bytes that a stream's reader waits for to that reader, piece by piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};

use futures::task::AtomicWaker;

/// See the module.
#[derive(Default)]
pub(super) struct Arrival {
    came: AtomicBool,
    /// The connection's own task.
    mover: AtomicWaker,
}

impl Arrival {
    /// Which task is woken from now on.
    pub(super) fn wakes(&self, mover: &Waker) {
        self.mover.register(mover);
    }

    /// Whether something has come since this was asked last.
    pub(super) fn take(&self) -> bool {
        self.came.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Arrival {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.came.store(true, Ordering::Release);
        self.mover.wake();
    }
}
