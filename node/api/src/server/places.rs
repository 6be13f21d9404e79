//! How many connections there may be at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at once.
const ALL: usize = 64;
/// Those among them that only the Unix socket may have, so that no crowd on TCP shuts the user out.
const UNIX_ONLY: usize = 8;

/// Places for connections; cheap to clone.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    tcp: Arc<Semaphore>,
}

/// A place for one connection; given back when dropped.
pub(super) struct Held {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), tcp: Arc::new(Semaphore::new(ALL - UNIX_ONLY)) }
    }
}

impl Places {
    /// Waits for a place. Cancel-safe.
    pub(super) async fn take(&self, tcp: bool) -> Held {
        let tcp = if tcp { self.tcp.clone().acquire_owned().await.ok() } else { None };
        Held { _permits: [tcp, self.all.clone().acquire_owned().await.ok()] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_crowd_on_tcp_leaves_places_for_the_user() {
        let places = Places::default();
        let take = |tcp| places.take(tcp).now_or_never();
        let crowd: Vec<_> = std::iter::from_fn(|| take(true)).collect();
        assert_eq!(crowd.len(), ALL - UNIX_ONLY);
        let own: Vec<_> = std::iter::from_fn(|| take(false)).collect();
        assert_eq!(own.len(), UNIX_ONLY);
        drop(crowd);
        let own: Vec<_> = std::iter::from_fn(|| take(false)).collect();
        assert_eq!(own.len(), ALL - UNIX_ONLY);
        assert!(take(true).is_none(), "no more than all");
    }
}
