//! The way of events to the job of a content.
//!
//! The sender of an event must not wait: it reads a stream that other contents use too. What does not fit into the
//! channel of a job that lags waits here, in order. What always holds: that is one event for each stream
//! that the job has opened and one for each request that it has given and takes for open; the rest is left out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio_util::sync::CancellationToken;

use super::messages::FetchEvent;

/// See the module.
#[derive(Debug)]
pub(super) struct Outlet {
    events: mpsc::Sender<FetchEvent>,
    /// Cancelled when the content is detached: nobody reads any more.
    gone: CancellationToken,
    behind: Mutex<Behind>,
}

#[derive(Debug, Default)]
struct Behind {
    events: VecDeque<FetchEvent>,
    /// Whether a task brings them to the job.
    forwarding: bool,
}

impl Outlet {
    pub(super) fn new(events: mpsc::Sender<FetchEvent>, gone: CancellationToken) -> Arc<Self> {
        Arc::new(Self { events, gone, behind: Mutex::default() })
    }

    /// Tells what the job has to know.
    pub(super) fn tell(self: &Arc<Self>, event: FetchEvent) {
        let mut behind = self.behind();
        if behind.forwarding {
            behind.events.push_back(event);
        } else if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            // Without a runtime, the node is being taken down.
            let Ok(runtime) = Handle::try_current() else { return };
            behind.events.push_back(event);
            behind.forwarding = true;
            runtime.spawn(self.clone().forward());
        }
    }

    /// Tells what the job can do without. `false` if it lags.
    pub(super) fn hint(&self, event: FetchEvent) -> bool {
        !self.behind().forwarding && self.events.try_send(event).is_ok()
    }

    async fn forward(self: Arc<Self>) {
        loop {
            let next = {
                let mut behind = self.behind();
                let next = behind.events.pop_front();
                behind.forwarding = next.is_some();
                next
            };
            let Some(event) = next else { return };
            tokio::select! {
                // Err only says that the job has ended; then the rest goes the same way.
                _ = self.events.send(event) => {}
                () = self.gone.cancelled() => {}
            }
        }
    }

    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
