//! Peers that may have the content, and which of them to connect to next.
//!
//! Each source has its turn: were the longest waiting always next, a tracker or a peer that tells of hundreds that do
//! not exist would keep those waiting that others told of.
//!
//! What always holds: at most [`MAX_CANDIDATES`] peers, of one source at most [`MOST_OF_ONE_SOURCE`]; a peer that the
//! user named is never forgotten; what a less trusted source tells never displaces what a more trusted one told.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;

use super::candidate::{Candidate, Pick, State};
use super::messages::PeerSource;
use super::sources::Sources;
use crate::{PeerName, SeededRng};

/// The most peers that are remembered of one content.
pub(super) const MAX_CANDIDATES: usize = 256;
/// Of those, the most that one source told of. One that tells of more displaces its own.
pub(super) const MOST_OF_ONE_SOURCE: usize = MAX_CANDIDATES / 2;
/// Tries in a row after which a candidate that only others told of is forgotten by a member that needs nothing.
const TRIES_OF_COMPLETE: u32 = 2;

/// All of them.
#[derive(Debug)]
pub(super) struct Candidates<P> {
    pub(super) all: BTreeMap<P, Candidate>,
    sources: Sources<P>,
    /// Connections that were asked for and do not stand yet.
    sought: usize,
    /// Peers that the user named that are connected or sought.
    named_taken: usize,
    /// No candidate is due before this time; `None`: none waits.
    due: Option<Duration>,
    /// The same of promising ones.
    promising_due: Option<Duration>,
    /// The same of those that the user named.
    named_due: Option<Duration>,
}

impl<P> Default for Candidates<P> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            sources: Sources::default(),
            sought: 0,
            named_taken: 0,
            due: None,
            promising_due: None,
            named_due: None,
        }
    }
}

impl<P: PeerName> Candidates<P> {
    /// Connections that were asked for and do not stand yet.
    pub(super) fn sought(&self) -> usize {
        self.sought
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// When the next candidate may be due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// When the next promising candidate may be due.
    pub(super) fn promising_due(&self) -> Option<Duration> {
        self.not_before_any(self.promising_due)
    }

    /// Whether a promising candidate is due.
    pub(super) fn is_promising_due(&mut self, now: Duration) -> bool {
        if self.promising_due.is_none_or(|due| now < due) {
            return false;
        }
        let due = |c: &Candidate| c.is_promising() && c.waits_until().is_some_and(|at| at <= now);
        let is_due = self.all.values().any(due);
        if !is_due {
            self.reckon_due(now, Pick::Promising);
        }
        is_due
    }

    /// When the next one that the user named may be due.
    pub(super) fn named_due(&self) -> Option<Duration> {
        self.not_before_any(self.named_due)
    }

    /// The one that was due may have been taken as one of all. Where nobody is due before some time, none of a kind is either,
    /// and who waits for an earlier one would wait for nothing, again and again.
    fn not_before_any(&self, due: Option<Duration>) -> Option<Duration> {
        Some(due?.max(self.due?))
    }

    /// Whether this member connected to the peer on its own account.
    pub(super) fn is_connected(&self, peer: &P) -> bool {
        self.all.get(peer).is_some_and(|c| c.state == State::Connected)
    }

    /// Whether the user named the peer.
    pub(super) fn is_named(&self, peer: &P) -> bool {
        self.all.get(peer).is_some_and(|c| c.is_named)
    }

    /// Peers that the user named that are connected or sought.
    pub(super) fn named_taken(&self) -> usize {
        self.named_taken
    }

    /// Whether a connection to the peer was asked for and does not stand yet.
    pub(super) fn is_sought(&self, peer: &P) -> bool {
        self.all.get(peer).is_some_and(|c| c.state == State::Sought)
    }

    /// Peers to which a connection was asked for that does not stand yet.
    pub(super) fn sought_peers(&self) -> impl Iterator<Item = P> {
        self.all.iter().filter(|(_, c)| c.state == State::Sought).map(|(peer, _)| *peer)
    }

    /// Learns of a peer.
    pub(super) fn add(&mut self, now: Duration, peer: P, source: PeerSource<P>, rng: &mut SeededRng) {
        if let Some(known) = self.all.get_mut(&peer) {
            let (trust, _) = self.sources.weight(known.source);
            if source.trust() > trust {
                self.sources.lose(known.source);
                known.source = self.sources.gain(source);
                known.is_named = source == PeerSource::User;
                let waits = known.waits_until();
                self.named_taken += usize::from(known.is_named && waits.is_none());
                waits.into_iter().for_each(|at| self.wait_until(&peer, at));
            }
            return;
        }
        if !self.make_room(source) {
            return;
        }
        let candidate = Candidate {
            state: State::Waiting(now),
            source: self.sources.gain(source),
            is_named: source == PeerSource::User,
            tried: false,
            failures: 0,
            complete: false,
            lot: rng.random(),
        };
        self.all.insert(peer, candidate);
        self.wait_until(&peer, now);
    }

    /// The next one to connect to; it counts as sought from now on.
    pub(super) fn next(&mut self, now: Duration, pick: Pick) -> Option<P> {
        let due = match pick {
            Pick::Any | Pick::Incomplete => self.due,
            Pick::Promising => self.promising_due,
            Pick::Named => self.named_due,
        };
        if due.is_none_or(|due| now < due) {
            return None;
        }
        // The user's own come first, then those of the source whose turn is longest ago, and of those the one that has
        // waited longest, so that many dead peers cannot keep a living one waiting.
        let all = self.all.iter().filter(|(_, c)| pick.includes(c));
        let all = all.filter_map(|(peer, c)| Some((c.waits_until().filter(|at| *at <= now)?, *peer, c)));
        let next = all.min_by_key(|(at, _, c)| (!c.is_named, self.sources.turn(c.source), *at, c.lot));
        let Some((source, peer)) = next.map(|(_, peer, c)| (c.source, peer)) else {
            self.reckon_due(now, pick);
            return None;
        };
        self.sources.takes_turn(source);
        self.set(&peer, State::Sought);
        Some(peer)
    }

    pub(super) fn connected(&mut self, peer: &P) {
        if let Some(candidate) = self.set(peer, State::Connected) {
            candidate.failures = 0;
        }
    }

    /// What was tried with a peer led to nothing. Not before `retry_at` again.
    pub(super) fn failed(&mut self, peer: &P, retry_at: Duration, complete: bool) {
        let Some(candidate) = self.set(peer, State::Waiting(retry_at)) else { return };
        candidate.failures += 1;
        if complete && candidate.failures >= TRIES_OF_COMPLETE && !candidate.is_named {
            self.remove(peer);
        } else {
            self.wait_until(peer, retry_at);
        }
    }

    /// A connection that stood has ended.
    pub(super) fn ended(&mut self, peer: &P, retry_at: Duration) {
        if self.set(peer, State::Waiting(retry_at)).is_some() {
            self.wait_until(peer, retry_at);
        }
    }

    /// This node is somewhere else now: what led to nothing before may lead somewhere.
    pub(super) fn path_changed(&mut self, now: Duration) {
        let later = |c: &Candidate| c.waits_until().is_some_and(|at| at > now);
        let waiting: Vec<P> = self.all.iter().filter(|(_, c)| later(c)).map(|(peer, _)| *peer).collect();
        for peer in waiting {
            if let Some(candidate) = self.all.get_mut(&peer) {
                candidate.state = State::Waiting(now);
            }
            self.wait_until(&peer, now);
        }
    }

    /// A peer has everything, or not any more.
    pub(super) fn set_complete(&mut self, peer: &P, complete: bool) {
        if let Some(candidate) = self.all.get_mut(peer) {
            candidate.complete = complete;
            let waits = candidate.waits_until();
            waits.into_iter().for_each(|at| self.wait_until(peer, at));
        }
    }

    /// Forgets a peer.
    pub(super) fn remove(&mut self, peer: &P) {
        let Some(gone) = self.all.remove(peer) else { return };
        self.sources.lose(gone.source);
        self.sought -= usize::from(gone.state == State::Sought);
        self.named_taken -= usize::from(gone.is_named && gone.waits_until().is_none());
    }

    fn set(&mut self, peer: &P, state: State) -> Option<&mut Candidate> {
        let candidate = self.all.get_mut(peer)?;
        let takes = |c: &Candidate| usize::from(c.is_named && c.waits_until().is_none());
        self.named_taken -= takes(candidate);
        self.sought -= usize::from(candidate.state == State::Sought);
        self.sought += usize::from(state == State::Sought);
        candidate.state = state;
        self.named_taken += takes(candidate);
        candidate.tried = true;
        Some(candidate)
    }

    /// A candidate waits until a time.
    fn wait_until(&mut self, peer: &P, at: Duration) {
        let Some(candidate) = self.all.get(peer) else { return };
        let sooner = |due: &mut Option<Duration>| *due = Some(due.map_or(at, |due| due.min(at)));
        sooner(&mut self.due);
        if candidate.is_promising() {
            sooner(&mut self.promising_due);
        }
        if candidate.is_named {
            sooner(&mut self.named_due);
        }
    }

    /// Nobody of these was due.
    fn reckon_due(&mut self, now: Duration, pick: Pick) {
        let waiting = self.all.values().filter(|c| pick.includes(c)).filter_map(Candidate::waits_until);
        let due = waiting.filter(|at| *at > now).min();
        match pick {
            Pick::Any | Pick::Incomplete => self.due = due,
            Pick::Promising => self.promising_due = due,
            Pick::Named => self.named_due = due,
        }
    }

    /// Makes room for one more of a source, if it takes that: of the least trusted kind the source gives way of which
    /// there are most, and of its peers the one that failed most often, ties by lot.
    fn make_room(&mut self, source: PeerSource<P>) -> bool {
        let only_own = source != PeerSource::User && self.sources.told_by(&source) >= MOST_OF_ONE_SOURCE;
        if !only_own && self.all.len() < MAX_CANDIDATES {
            return true;
        }
        // Those that may go, and the least of them goes.
        let rank = |c: &Candidate| {
            let (trust, count) = self.sources.weight(c.source);
            let less = if only_own { self.sources.is(c.source, &source) } else { trust <= source.trust() };
            let may_go = less && !c.is_named && c.waits_until().is_some();
            may_go.then_some((trust, Reverse(count), Reverse(c.failures), c.lot))
        };
        let worst = self.all.iter().filter_map(|(peer, c)| Some((rank(c)?, *peer))).min();
        let Some((_, worst)) = worst else { return false };
        self.remove(&worst);
        true
    }
}
