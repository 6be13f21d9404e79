//! Events of a node: numbered, for any number of listeners.
//!
//! Each event has a number, one more than the one before. A listener that lags loses the oldest ones and sees the gap.

use std::sync::{Arc, Mutex, PoisonError};

use shoal_content::ContentId;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::job::ContentEvent;

/// Events that a listener may lag behind.
const KEPT: usize = 1024;

/// An event of a node.
#[derive(Debug, Clone)]
pub struct NodeEvent {
    /// Its number; counts up from 1 without gaps.
    pub number: u64,
    /// The content that it is about.
    pub content: ContentId,
    /// What happened.
    pub event: ContentEvent,
}

/// Tells events to all listeners.
#[derive(Clone)]
pub(crate) struct EventHub {
    sender: broadcast::Sender<NodeEvent>,
    last: Arc<Mutex<u64>>,
}

impl EventHub {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(KEPT).0, last: Arc::default() }
    }

    pub(crate) fn tell(&self, content: ContentId, event: ContentEvent) {
        // Numbered and sent under one lock, so that numbers come in their order.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        // Err only says that nobody listens.
        let _ = self.sender.send(NodeEvent { number: *last, content, event });
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        Subscription { receiver: self.sender.subscribe(), last: *last }
    }
}

/// What a listener gets.
#[derive(Debug, Clone)]
pub enum Heard {
    /// An event.
    Event(NodeEvent),
    /// The listener was too slow: so many events before the next one are lost.
    Missed(u64),
}

/// Receives all events of a node from some moment on.
pub struct Subscription {
    receiver: broadcast::Receiver<NodeEvent>,
    last: u64,
}

impl Subscription {
    /// The number of the last event that was heard, or of the last one before the subscription began.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The next event; `None` once the node has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.receiver.recv().await {
            Ok(event) => {
                self.last = event.number;
                Some(Heard::Event(event))
            }
            Err(RecvError::Lagged(missed)) => {
                self.last += missed;
                Some(Heard::Missed(missed))
            }
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shoal_content::Hash;

    fn content() -> ContentId {
        ContentId::from_root_hash(Hash::of(b"x"))
    }

    #[tokio::test]
    async fn numbers_have_no_gaps_and_late_listeners_see_where_they_began() {
        let hub = EventHub::new();
        let mut early = hub.subscribe();
        hub.tell(content(), ContentEvent::Unblocked);
        let mut late = hub.subscribe();
        assert_eq!((early.last(), late.last()), (0, 1));
        hub.tell(content(), ContentEvent::Ended);
        for expected in [1, 2] {
            let Some(Heard::Event(event)) = early.next().await else { panic!("an event is missing") };
            assert_eq!(event.number, expected);
        }
        assert!(matches!(
            late.next().await,
            Some(Heard::Event(NodeEvent { number: 2, event: ContentEvent::Ended, .. }))
        ));
        drop(hub);
        assert!(late.next().await.is_none());
    }

    #[tokio::test]
    async fn a_slow_listener_sees_how_much_it_missed() {
        let hub = EventHub::new();
        let mut slow = hub.subscribe();
        (0..KEPT + 10).for_each(|_| hub.tell(content(), ContentEvent::Unblocked));
        assert!(matches!(slow.next().await, Some(Heard::Missed(10))));
        assert!(matches!(slow.next().await, Some(Heard::Event(NodeEvent { number: 11, .. }))));
    }
}
