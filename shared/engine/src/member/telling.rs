//! Which neighbour is told of which chunks when.
//!
//! A neighbour that lacks a new chunk is told of it at once, and so is one that is complete: what it still does is to
//! see that the chunks spread. One that has the chunk needs the news only to know how rare it is, so it is told together
//! with the next one that it lacks, or after [`MemberConfig::announce_after`](super::MemberConfig::announce_after):
//! that is half of the messages, since of two neighbours one has each chunk first.
//!
//! What always holds: no chunk is withheld for longer than that, nor from a complete neighbour; a message names at most
//! [`MOST_WITHHELD`] chunks that were withheld or are known to its receiver.

use std::sync::Arc;
use std::time::Duration;

use shoal_content::{ChunkIndex, ChunkSet};

use super::neighbours::Neighbour;
use super::{Member, MemberOutput, Phase};
use crate::PeerName;

/// So many chunks are withheld from a neighbour at most. Few, so that news stays short.
pub(super) const MOST_WITHHELD: usize = 4;

/// New chunks of which some neighbours have not been told. [`Neighbour::heard`] says how many each has been told of.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// In the order in which they were announced.
    chunks: Vec<ChunkIndex>,
    /// When all have to be told; `None`: all have been.
    due: Option<Duration>,
}

impl Recent {
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What comes after the first `heard`, as a set of a content of so many chunks.
    fn since(&self, heard: usize, chunks: usize) -> ChunkSet {
        let mut set = ChunkSet::with_capacity(chunks);
        self.chunks[heard..].iter().for_each(|chunk| set.insert(*chunk as usize));
        set
    }
}

impl<P: PeerName> Member<P> {
    pub(super) fn told(&mut self, peer: P, lost: Option<&ChunkSet>) {
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        neighbour.told(lost);
        self.tell_what_is_owed(peer);
    }

    pub(super) fn announce_if_due(&mut self, now: Duration) {
        let last = self.download().is_none_or(|download| download.is_complete());
        let listeners = self.neighbours.len();
        let Phase::Downloading(_, announcing) = &mut self.phase else { return };
        if let Some(chunks) = announcing.take(now, listeners, last) {
            self.recent.chunks.extend(chunks.ones().map(|chunk| chunk as ChunkIndex));
            self.tell_all(now, &chunks);
        }
        if last || self.recent.due.is_some_and(|due| now >= due) {
            self.tell_the_rest();
        }
    }

    /// Tells every neighbour of new chunks that has to know of them; those that cannot be told now, later.
    fn tell_all(&mut self, now: Duration, new: &ChunkSet) {
        let (announced, chunks) = (self.recent.chunks.len(), self.neighbours.chunks());
        let has_to_know = |neighbour: &Neighbour| {
            announced - neighbour.heard() > MOST_WITHHELD
                || neighbour.is_complete(chunks)
                || !new.is_subset(&neighbour.have)
        };
        if self.tell_those(has_to_know) {
            self.recent.due.get_or_insert(now + self.config.announce_after);
        } else {
            self.all_have_heard();
        }
    }

    /// Tells every neighbour what was withheld from it.
    fn tell_the_rest(&mut self) {
        if self.recent.due.is_some() {
            self.tell_those(|_| true);
            self.all_have_heard();
        }
    }

    fn all_have_heard(&mut self) {
        (self.recent.chunks, self.recent.due) = (Vec::new(), None);
        self.neighbours.iter_mut().for_each(|(_, neighbour)| neighbour.has_heard(0));
    }

    /// Tells those that have to know what is new to them. Returns whether anything is withheld from anybody.
    fn tell_those(&mut self, has_to_know: impl Fn(&Neighbour) -> bool) -> bool {
        let (announced, chunks) = (self.recent.chunks.len(), self.neighbours.chunks());
        let mut at_once = Vec::new();
        let mut least_heard = announced;
        let mut later = Vec::new();
        let mut withheld = false;
        for (peer, neighbour) in self.neighbours.iter_mut() {
            let heard = neighbour.heard();
            if heard == announced {
                continue;
            }
            if !neighbour.is_up_to_date() {
                if neighbour.listens() {
                    neighbour.owe(&self.recent.since(heard, chunks));
                    later.push(peer);
                }
            } else if has_to_know(neighbour) {
                at_once.push(peer);
                least_heard = least_heard.min(heard);
            } else {
                withheld = true;
                continue;
            }
            neighbour.has_heard(announced);
        }
        if !at_once.is_empty() {
            // One message for all: to name a chunk or two that some of them know costs less than another message.
            let chunks = Arc::new(self.recent.since(least_heard, chunks));
            self.outputs.push_back(MemberOutput::Tell { peers: at_once, chunks });
        }
        later.into_iter().for_each(|peer| self.tell_what_is_owed(peer));
        withheld
    }

    /// A neighbour has become complete: it has to know what was withheld from it while it was not.
    pub(super) fn catch_up(&mut self, peer: P) {
        let (announced, chunks) = (self.recent.chunks.len(), self.neighbours.chunks());
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        let heard = neighbour.heard();
        if heard < announced && neighbour.listens() {
            neighbour.owe(&self.recent.since(heard, chunks));
            neighbour.has_heard(announced);
            self.tell_what_is_owed(peer);
        }
    }

    /// A neighbour is being told by a join all that is here.
    pub(super) fn tells_all_by_join(&mut self, peer: &P) {
        let announced = self.recent.chunks.len();
        if let Some(neighbour) = self.neighbours.get_mut(peer) {
            neighbour.told_all();
            neighbour.has_heard(announced);
        }
    }

    pub(super) fn tell_what_is_owed(&mut self, peer: P) {
        let Some(neighbour) = self.neighbours.get_mut(&peer) else { return };
        let Some((chunks, on_stream)) = neighbour.take_untold() else { return };
        let chunks = Arc::new(chunks);
        self.outputs.push_back(if on_stream {
            MemberOutput::Tell { peers: vec![peer], chunks }
        } else {
            MemberOutput::TellByQuery { peer, chunks }
        });
    }
}
