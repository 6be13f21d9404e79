//! What will happen when.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;
use std::time::Duration;

use super::id::{Number, TransferId};
use super::inbox::News;
use shoal_content::{ChunkIndex, ChunkSet, Hash};
use shoal_engine::{ChunkNews, RequestId};
use shoal_wire::chunks::ChunkRefusal;
use shoal_wire::query::Load;

/// What one peer says to another on a connection. What is large and rare lies elsewhere, so that all others are small.
#[derive(Debug, Clone)]
pub(super) enum Message {
    Get {
        id: RequestId,
        chunk: ChunkIndex,
    },
    Any {
        id: RequestId,
    },
    Cancel {
        id: RequestId,
    },
    Refused {
        id: RequestId,
        why: ChunkRefusal,
    },
    Join {
        have: Arc<ChunkSet>,
    },
    Welcome {
        have: Arc<ChunkSet>,
        load: Load,
    },
    Leave,
    AskForPeers,
    Peers(Arc<[Number]>),
    OpenStream,
    StreamOpened,
    AskForBlock(Box<Hash>),
    /// A manifest block; `None`: the peer does not have it.
    Block(Box<(Hash, Option<Arc<[u8]>>)>),
}

/// News of chunks on its way to many.
#[derive(Debug, Clone)]
pub(super) struct Broadcast {
    pub(super) from: Number,
    pub(super) chunks: ChunkNews,
    /// The receivers, and the numbers of the links to them.
    pub(super) to: Vec<(Number, u32)>,
}

#[derive(Debug, Clone)]
pub(super) enum Event {
    /// A peer comes.
    Start(Number),
    /// A peer that has come is ready.
    Begin(Number),
    /// A connection stands.
    Connected {
        a: Number,
        b: Number,
        link: u32,
    },
    /// A peer finds that another one cannot be connected to.
    Unreachable {
        by: Number,
        peer: Number,
    },
    /// A peer's engine wants to be woken.
    Timer(Number),
    /// A piece has left a peer's uplink.
    Left {
        node: Number,
        transfer: TransferId,
        bytes: u32,
    },
    /// A piece has passed the receiver's downlink.
    Arrived {
        transfer: TransferId,
        bytes: u32,
    },
    Message {
        from: Number,
        to: Number,
        link: u32,
        message: Message,
    },
    /// News of chunks reaches all that it was sent to; all delays are equal, so one event does.
    News(Box<Broadcast>),
    /// News that was lost on its way to one of them.
    LateNews {
        to: Number,
        link: u32,
        news: News,
    },
    /// A peer goes before it is complete.
    Leave {
        node: Number,
        crash: bool,
    },
    /// A peer is killed.
    Kill(Number),
    /// Many members fall silent.
    Vanish,
    /// A neighbour notices that a peer is gone.
    Noticed {
        gone: Number,
        by: Number,
        link: u32,
    },
    /// The network falls apart.
    Cut,
    /// It is whole again.
    Heal,
    /// Progress is noted.
    Sample,
}

#[derive(Debug)]
struct Entry {
    at: Duration,
    sequence: u64,
    event: Event,
}

impl Entry {
    fn key(&self) -> (Duration, u64) {
        (self.at, self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// How long a slice of time is, in nanoseconds: less than almost everything takes, so that few events are made for the
/// current slice, and long enough that most of what comes next is [known](EventQueue::upcoming).
const SLICE: u128 = 5_000_000;

/// Events in the order of their time, and of their making where times are equal.
///
/// Only those of the current slice of time stand in order; those of later ones are put in order when their slice
/// comes (a calendar queue: Brown, "Calendar Queues", 1988). So a hundred thousand events to come do not slow down
/// the next.
#[derive(Debug, Default)]
pub(super) struct EventQueue {
    slice: u128,
    /// Those of the current slice that were there when it began; the next is the last.
    current: Vec<Reverse<Entry>>,
    /// Those of the current slice that came since, and of times before it.
    added: BinaryHeap<Reverse<Entry>>,
    later: BTreeMap<u128, Vec<Reverse<Entry>>>,
    made: u64,
}

impl EventQueue {
    pub(super) fn push(&mut self, at: Duration, event: Event) {
        let slice = at.as_nanos() / SLICE;
        let entry = Reverse(Entry { at, sequence: self.made, event });
        self.made += 1;
        if slice <= self.slice {
            self.added.push(entry);
        } else {
            self.later.entry(slice).or_default().push(entry);
        }
    }

    pub(super) fn pop(&mut self) -> Option<(Duration, Event)> {
        if self.current.is_empty() && self.added.is_empty() {
            (self.slice, self.current) = self.later.pop_first()?;
            self.current.sort_unstable();
        }
        // Reversed, so that the greater one is the earlier one.
        let next =
            if self.added.peek() > self.current.last() { self.added.pop() } else { self.current.pop() };
        next.map(|Reverse(entry)| (entry.at, entry.event))
    }

    /// What probably happens after so many other events; nothing may depend on it.
    pub(super) fn upcoming(&self, others: usize) -> Option<&Event> {
        let place = self.current.len().checked_sub(others + 1)?;
        Some(&self.current[place].0.event)
    }
}

/// A running hash (FNV-1a, by words) over all that happens: equal for equal traces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trace(pub(super) u64);

impl Trace {
    pub(super) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(super) fn add(&mut self, at: Duration, event: &Event) {
        let (kind, a, b) = match event {
            Event::Start(n) => (0, u64::from(*n), 0),
            Event::Begin(n) => (1, u64::from(*n), 0),
            Event::Unreachable { by, peer } => (12, u64::from(*by), u64::from(*peer)),
            Event::Connected { a, b, .. } => (2, u64::from(*a), u64::from(*b)),
            Event::Timer(n) => (3, u64::from(*n), 0),
            Event::Left { node, transfer, .. } => (4, u64::from(*node), u64::from(*transfer)),
            Event::Arrived { transfer, bytes } => (5, u64::from(*transfer), u64::from(*bytes)),
            Event::Message { from, to, message, .. } => {
                (message_word(message), u64::from(*from), u64::from(*to))
            }
            Event::News(news) => (7, u64::from(news.from), news.chunks.count() as u64),
            Event::LateNews { to, news, .. } => (8, u64::from(news.from), u64::from(*to)),
            Event::Leave { node, crash } => (9, u64::from(*node), u64::from(*crash)),
            Event::Noticed { gone, by, .. } => (10, u64::from(*gone), u64::from(*by)),
            Event::Sample => (11, 0, 0),
            Event::Kill(n) => (13, u64::from(*n), 0),
            Event::Vanish => (14, 0, 0),
            Event::Cut => (15, 0, 0),
            Event::Heal => (15, 1, 0),
        };
        for word in [at.as_nanos() as u64, kind, a << 32 | b] {
            self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
    }
}

fn message_word(message: &Message) -> u64 {
    let (kind, id, chunk) = match message {
        Message::Get { id, chunk } => (16, *id, u64::from(*chunk)),
        Message::Any { id } => (17, *id, 0),
        Message::Cancel { id } => (18, *id, 0),
        Message::Refused { id, .. } => (19, *id, 0),
        Message::Join { have } => (20, have.count_ones(..) as u64, 0),
        Message::Welcome { have, .. } => (21, have.count_ones(..) as u64, 0),
        Message::Leave => (22, 0, 0),
        Message::AskForPeers => (23, 0, 0),
        Message::Peers(peers) => (24, peers.len() as u64, 0),
        Message::OpenStream => (25, 0, 0),
        Message::StreamOpened => (26, 0, 0),
        Message::AskForBlock(_) => (27, 0, 0),
        Message::Block(block) => (28, block.1.as_ref().map_or(0, |block| block.len() as u64), 0),
    };
    kind | id << 8 | chunk << 40
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is pushed when, the next is the earliest, and of equal ones the oldest. What is said to come is there.
        #[test]
        fn events_come_in_their_order(steps in prop::collection::vec((any::<bool>(), 0u64..20_000), 0..200)) {
            let mut queue = EventQueue::default();
            let mut model: Vec<(Duration, u32)> = Vec::new();
            let mut now = Duration::ZERO;
            for (n, (push, micros)) in (0..).zip(steps) {
                if push {
                    let at = now + Duration::from_micros(micros);
                    queue.push(at, Event::Start(n));
                    model.push((at, n));
                    continue;
                }
                let known = queue.upcoming(0).is_none_or(|event| {
                    model.iter().any(|(_, n)| matches!(event, Event::Start(other) if other == n))
                });
                prop_assert!(known);
                let next = model.iter().copied().min();
                let popped = queue.pop().map(|(at, event)| match event {
                    Event::Start(n) => (at, n),
                    other => panic!("{other:?}"),
                });
                prop_assert_eq!(popped, next);
                model.retain(|entry| Some(*entry) != next);
                now = next.map_or(now, |(at, _)| at);
            }
        }
    }
}
