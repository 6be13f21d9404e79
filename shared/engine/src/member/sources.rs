//! Who told of candidates, how many of those are remembered, and whose turn was when.
//!
//! What always holds: a source is known as long as a candidate is remembered that it told of, and no longer; so there are
//! never more sources than candidates.

use super::messages::PeerSource;
use crate::PeerName;

/// A source's place in the table. Kept with each candidate: a name would take up to eighty bytes, and a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourceIndex(u16);

#[derive(Debug)]
struct Entry<P> {
    source: PeerSource<P>,
    /// Remembered candidates that it told of; 0: the place is free.
    candidates: usize,
    /// The number of its last turn.
    turn: u64,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Sources<P> {
    entries: Vec<Entry<P>>,
    /// The number of the last turn of all.
    turn: u64,
}

impl<P> Default for Sources<P> {
    fn default() -> Self {
        Self { entries: Vec::new(), turn: 0 }
    }
}

impl<P: PeerName> Sources<P> {
    fn find(&self, source: &PeerSource<P>) -> Option<usize> {
        self.entries.iter().position(|entry| entry.candidates > 0 && entry.source == *source)
    }

    /// How many candidates a source told of that are remembered.
    pub(super) fn told_by(&self, source: &PeerSource<P>) -> usize {
        self.find(source).map_or(0, |at| self.entries[at].candidates)
    }

    /// One more candidate of a source. A new source waits for its turn like all others.
    pub(super) fn gain(&mut self, source: PeerSource<P>) -> SourceIndex {
        let known = self.find(&source);
        let at = known.or_else(|| self.entries.iter().position(|entry| entry.candidates == 0));
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry { source, candidates: 0, turn: 0 });
            self.entries.len() - 1
        });
        if known.is_none() {
            self.entries[at] = Entry { source, candidates: 0, turn: self.turn };
        }
        self.entries[at].candidates += 1;
        SourceIndex(at as u16)
    }

    /// One candidate less. After its last one a source is not known any more.
    pub(super) fn lose(&mut self, index: SourceIndex) {
        self.entries[usize::from(index.0)].candidates -= 1;
    }

    /// The next turn is a source's.
    pub(super) fn takes_turn(&mut self, index: SourceIndex) {
        self.turn += 1;
        self.entries[usize::from(index.0)].turn = self.turn;
    }

    /// The number of a source's last turn.
    pub(super) fn turn(&self, index: SourceIndex) -> u64 {
        self.entries[usize::from(index.0)].turn
    }

    /// How far a source is trusted, and how many candidates of it are remembered.
    pub(super) fn weight(&self, index: SourceIndex) -> (u8, usize) {
        let entry = &self.entries[usize::from(index.0)];
        (entry.source.trust(), entry.candidates)
    }

    /// Whether this is the source with an index.
    pub(super) fn is(&self, index: SourceIndex, source: &PeerSource<P>) -> bool {
        self.entries[usize::from(index.0)].source == *source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_known_while_it_told_of_somebody_and_places_are_used_again() {
        let mut sources = Sources::default();
        let first = sources.gain(PeerSource::Peer(1));
        assert_eq!(sources.gain(PeerSource::Peer(1)), first);
        let tracker = sources.gain(PeerSource::Tracker(0));
        sources.takes_turn(first);
        assert!(sources.turn(first) > sources.turn(tracker) && sources.is(tracker, &PeerSource::Tracker(0)));
        sources.lose(first);
        assert_eq!((sources.told_by(&PeerSource::Peer(1)), sources.weight(first)), (1, (0, 1)));
        sources.lose(first);
        assert_eq!(sources.told_by(&PeerSource::Peer(1)), 0);
        assert_eq!(sources.gain(PeerSource::Peer(2)), first);
        assert_eq!(sources.turn(first), 1, "behind all that have had no turn since");
        assert_eq!(sources.told_by(&PeerSource::Peer(1)), 0);
    }
}
