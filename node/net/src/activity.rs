//! What a node does, one thing after another, for a log.
//!
//! Everything that passes between the node and others is told here: each connection, question and chunk. There is a lot
//! of it, so while nobody listens nothing is built, and a listener that lags loses the oldest and sees how much.
//!
//! What this is not: the events that a person should hear of are those of [`Node::subscribe`](crate::Node::subscribe). What always
//! holds: numbers go up by one; memory is bounded by [`KEPT`] entries, and there is none before somebody listens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use libp2p::{Multiaddr, PeerId};
use shoal_content::{ChunkIndex, ContentId};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::QueryErrorCode;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Entries that a listener may lag behind: at 1 GB/s of small chunks half a second.
const KEPT: usize = 4096;

/// Something that a node did, or that happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its number; goes up by one from 1, counting only what is told while somebody listens.
    pub number: u64,
    /// When, by the wall clock.
    pub time: SystemTime,
    /// With which peer, if with one.
    pub peer: Option<PeerId>,
    /// For which content, if that is known and for one.
    pub content: Option<ContentId>,
    /// What.
    pub what: ActivityKind,
}

/// What a node did, or what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActivityKind {
    /// A connection to the peer stands.
    Connected {
        /// Its other end.
        address: Multiaddr,
        /// Whether this node began it.
        outbound: bool,
    },
    /// A connection to the peer is gone.
    Disconnected {
        /// Its other end.
        address: Multiaddr,
    },
    /// A tracker has registered this node for the content, for the first time or anew.
    Registered {
        /// Where the tracker is.
        tracker: Multiaddr,
    },
    /// A tracker has taken this node out for the content.
    Deregistered {
        /// Where the tracker is.
        tracker: Multiaddr,
    },
    /// A tracker has named peers.
    Discovered {
        /// Where the tracker is.
        tracker: Multiaddr,
        /// How many.
        peers: usize,
    },
    /// This node asks the peer a question.
    Asked {
        /// The kind of question, as on the wire.
        kind: &'static str,
    },
    /// This node has answered a question of the peer, or refused it.
    Answered {
        /// The kind of question, as on the wire; `unknown` for one that is not known.
        kind: &'static str,
        /// Why it was refused, if it was.
        refused: Option<QueryErrorCode>,
    },
    /// This node asks the peer for a chunk.
    ChunkRequested {
        /// Which; none leaves the choice to the peer.
        chunk: Option<ChunkIndex>,
    },
    /// A chunk came from the peer, and its hash is right.
    ChunkReceived {
        /// Which.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u64,
        /// Whether it was here already.
        duplicate: bool,
    },
    /// A chunk came from the peer, and its hash or length is wrong.
    ChunkRejected {
        /// Which.
        chunk: ChunkIndex,
    },
    /// A chunk was sent to the peer.
    ChunkSent {
        /// Which.
        chunk: ChunkIndex,
        /// Its length.
        bytes: u64,
    },
    /// This node has refused a request of the peer for a chunk.
    ChunkRefused {
        /// Why.
        why: ChunkRefusal,
    },
    /// The content was added to the node.
    Added,
    /// The content is complete: fetched, and in its place.
    Complete,
    /// The content has failed.
    Failed {
        /// Why, in words.
        why: String,
    },
    /// The content was paused.
    Paused,
    /// The content goes on.
    Resumed,
    /// The content was removed from the node.
    Removed,
    /// The peer was banned.
    Banned {
        /// The chunk that it sent and that was wrong, if it was for one.
        chunk: Option<ChunkIndex>,
    },
}

/// Tells what the node does; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActivityHub(Arc<Hub>);

#[derive(Debug, Default)]
struct Hub {
    /// Made when somebody listens for the first time.
    sender: OnceLock<broadcast::Sender<Activity>>,
    listeners: Arc<AtomicUsize>,
    last: Mutex<u64>,
}

impl ActivityHub {
    /// Tells something, if anybody listens; it is built only then.
    pub(crate) fn tell(
        &self,
        peer: Option<PeerId>,
        content: Option<ContentId>,
        what: impl FnOnce() -> ActivityKind,
    ) {
        if self.0.listeners.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Some(sender) = self.0.sender.get() else { return };
        let what = what();
        // Numbered and sent under one lock, so that numbers come in their order.
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let time = SystemTime::now();
        // Err only says that nobody listens any more.
        let _ = sender.send(Activity { number: *last, time, peer, content, what });
    }

    pub(crate) fn subscribe(&self) -> ActivityStream {
        let receiver = self.0.sender.get_or_init(|| broadcast::channel(KEPT).0).subscribe();
        self.0.listeners.fetch_add(1, Ordering::Relaxed);
        ActivityStream { receiver, listening: Listening(self.0.listeners.clone()) }
    }
}

/// Counts as a listener until it is dropped. It does not keep the sender, so that streams end with their node.
#[derive(Debug)]
struct Listening(Arc<AtomicUsize>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a listener of an [`ActivityStream`] gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeardActivity {
    /// What happened next.
    Activity(Activity),
    /// The listener was too slow: so many entries before the next one are lost.
    Missed(u64),
}

/// Receives all that a node does from some moment on.
#[derive(Debug)]
pub struct ActivityStream {
    receiver: broadcast::Receiver<Activity>,
    #[expect(dead_code, reason = "it counts")]
    listening: Listening,
}

impl ActivityStream {
    /// The next entry; `None` once the node has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<HeardActivity> {
        match self.receiver.recv().await {
            Ok(activity) => Some(HeardActivity::Activity(activity)),
            Err(RecvError::Lagged(missed)) => Some(HeardActivity::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_built_while_nobody_listens() {
        let hub = ActivityHub::default();
        let built = AtomicUsize::new(0);
        let tell = || {
            hub.tell(None, None, || {
                built.fetch_add(1, Ordering::Relaxed);
                ActivityKind::Added
            });
        };
        tell();
        assert!(hub.0.sender.get().is_none(), "and there is no memory for it");
        let mut heard = hub.subscribe();
        tell();
        drop(hub.subscribe());
        assert!(matches!(heard.next().await, Some(HeardActivity::Activity(Activity { number: 1, .. }))));
        drop(heard);
        tell();
        assert_eq!(built.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_slow_listener_sees_how_much_it_missed_and_the_end() {
        let hub = ActivityHub::default();
        let mut slow = hub.subscribe();
        (0..KEPT + 10).for_each(|_| hub.tell(None, None, || ActivityKind::Paused));
        assert_eq!(slow.next().await, Some(HeardActivity::Missed(10)));
        drop(hub);
        for number in 11..=KEPT as u64 + 10 {
            let Some(HeardActivity::Activity(next)) = slow.next().await else {
                panic!("{number} is missing")
            };
            assert_eq!(next.number, number);
        }
        assert_eq!(slow.next().await, None);
    }
}
