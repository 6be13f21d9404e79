//! The peers to be dialled next: first come, first served.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;

/// What a dial is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    Peer(PeerId),
    /// An address without a peer id.
    Address(Multiaddr),
}

/// A place in the line: since when somebody waits, then a lot, so that not everybody dials the same ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) since: Duration,
    pub(super) lot: u64,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    place: Place,
    /// Whether the user named it.
    named: bool,
    /// When it may be dialled, as long as that is not now.
    later: Option<Duration>,
}

/// Subjects that are to be dialled, each once.
#[derive(Debug, Default)]
pub(super) struct DialQueue {
    all: BTreeMap<Subject, Waiting>,
    later: BTreeSet<(Duration, Subject)>,
    named: BTreeSet<(Place, Subject)>,
    others: BTreeSet<(Place, Subject)>,
}

impl DialQueue {
    /// Adds a subject that may be dialled at a time, or brings forward one that waits already.
    pub(super) fn add(&mut self, subject: Subject, at: Duration, mut place: Place, mut named: bool) {
        if let Some(before) = self.remove(&subject) {
            place = place.min(before.place);
            named |= before.named;
        }
        self.put(subject, Waiting { place, named, later: Some(at) });
    }

    /// Lets a subject wait until a time, without losing its place.
    pub(super) fn postpone(&mut self, subject: &Subject, until: Duration) {
        if let Some(waiting) = self.remove(subject) {
            self.put(subject.clone(), Waiting { later: Some(until), ..waiting });
        }
    }

    pub(super) fn take(&mut self, subject: &Subject) {
        self.remove(subject);
    }

    /// The first one that may be dialled now and that the user named.
    pub(super) fn first_named(&mut self, now: Duration) -> Option<Subject> {
        self.advance(now);
        self.named.first().map(|(_, subject)| subject.clone())
    }

    /// The first one that may be dialled now.
    pub(super) fn first(&mut self, now: Duration) -> Option<Subject> {
        self.advance(now);
        self.named.first().into_iter().chain(self.others.first()).min().map(|(_, subject)| subject.clone())
    }

    /// Those that may be dialled already, those that the user named first; each in its order.
    pub(super) fn ready(&self) -> impl Iterator<Item = &Subject> {
        self.named.iter().chain(&self.others).map(|(_, subject)| subject)
    }

    pub(super) fn is_named(&self, subject: &Subject) -> bool {
        self.all.get(subject).is_some_and(|waiting| waiting.named)
    }

    /// When the next one of those that may not be dialled yet may be.
    pub(super) fn next_later(&self) -> Option<Duration> {
        self.later.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.all.len(), self.later.len() + self.named.len() + self.others.len());
        self.all.len()
    }

    fn advance(&mut self, now: Duration) {
        while let Some((at, _)) = self.later.first()
            && *at <= now
            && let Some((_, subject)) = self.later.pop_first()
        {
            if let Some(waiting) = self.all.get_mut(&subject) {
                waiting.later = None;
                let line = if waiting.named { &mut self.named } else { &mut self.others };
                line.insert((waiting.place, subject));
            }
        }
    }

    fn put(&mut self, subject: Subject, waiting: Waiting) {
        match waiting.later {
            Some(at) => drop(self.later.insert((at, subject.clone()))),
            None if waiting.named => drop(self.named.insert((waiting.place, subject.clone()))),
            None => drop(self.others.insert((waiting.place, subject.clone()))),
        }
        self.all.insert(subject, waiting);
    }

    fn remove(&mut self, subject: &Subject) -> Option<Waiting> {
        let waiting = self.all.remove(subject)?;
        let place = (waiting.place, subject.clone());
        match waiting.later {
            Some(at) => drop(self.later.remove(&(at, place.1))),
            None if waiting.named => drop(self.named.remove(&place)),
            None => drop(self.others.remove(&place)),
        }
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn subject(n: usize) -> Subject {
        Subject::Peer(peer(n))
    }

    fn add(queue: &mut DialQueue, n: usize, secs: u64, named: bool) {
        queue.add(subject(n), at(secs), Place { since: at(secs), lot: n as u64 }, named);
    }

    #[test]
    fn the_longest_waiting_is_first_and_keeps_its_place_when_it_is_put_off() {
        let mut queue = DialQueue::default();
        add(&mut queue, 1, 1, false);
        add(&mut queue, 2, 2, false);
        assert_eq!(queue.first(at(0)), None);
        assert_eq!(queue.first(at(5)), Some(subject(1)));
        queue.postpone(&subject(1), at(10));
        assert_eq!(queue.first(at(5)), Some(subject(2)));
        assert_eq!(queue.first(at(10)), Some(subject(1)));
        queue.take(&subject(1));
        queue.take(&subject(2));
        assert_eq!((queue.first(at(10)), queue.next_later()), (None, None));
    }

    #[test]
    fn named_ones_can_be_asked_for_alone() {
        let mut queue = DialQueue::default();
        add(&mut queue, 1, 1, false);
        add(&mut queue, 2, 2, true);
        assert_eq!(queue.first(at(5)), Some(subject(1)));
        assert_eq!(queue.first_named(at(5)), Some(subject(2)));
        add(&mut queue, 1, 5, true);
        assert_eq!(queue.first_named(at(5)), Some(subject(1)), "named later, in its old place");
        assert!(queue.is_named(&subject(1)) && queue.ready().count() == 2);
    }
}
