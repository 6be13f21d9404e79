//! Which neighbours are of use, and which give way to others.
//!
//! A neighbour **is of use** to a member that fetches as long as something can be hoped of it: it has something that is
//! missing and has not been asked in vain (`hopes_in` of the download and of the fetch of the manifest). When all
//! places are taken and a promising candidate waits, the neighbour of no use that had nothing new for the longest time
//! gives way: after [`GIVE_WAY_AFTER`] where nobody is of use, one after the other in that time; where somebody is,
//! after [`NEWCOMERS_STAY`], so that those that have just begun are not put out.
//!
//! A neighbour is of use to a complete member as long as it takes something: one that lacks something and has not got
//! anything new for [`TAKES_WITHIN`] does not count, so that others are sought.
//!
//! What always holds: a peer that the user named never gives way, nor one that sought this member.

use std::time::Duration;

use super::connecting::USELESS_FOR;
use super::neighbours::Neighbour;
use super::{MOST_DIALLING, Member, Phase, SOUGHT_BY_COMPLETE};
use crate::PeerName;

/// How long a neighbour may be of no use before it gives way where nobody is of use, and the time from one to the next.
const GIVE_WAY_AFTER: Duration = Duration::from_secs(2);
/// The same where somebody is of use.
const NEWCOMERS_STAY: Duration = Duration::from_secs(10);
/// A neighbour of a complete member that has not got anything new within this time takes nothing.
const TAKES_WITHIN: Duration = Duration::from_secs(10);
/// So many neighbours that it sought may a complete member have that lack something, whether they take something or not.
const MOST_TAKERS: usize = 4 * SOUGHT_BY_COMPLETE;

impl<P: PeerName> Member<P> {
    /// When a neighbour that is of no use may next be looked for.
    pub(super) fn next_look(&self) -> Duration {
        self.looked_at + GIVE_WAY_AFTER
    }

    /// Whether a promising candidate waits, and it is time to look for a neighbour that gives way.
    pub(super) fn may_look(&mut self, now: Duration) -> bool {
        let may_dial = self.candidates.sought() < MOST_DIALLING;
        may_dial && now >= self.next_look() && self.candidates.is_promising_due(now)
    }

    /// Parts with the neighbour that is of least use, if one is of none.
    pub(super) fn give_way(&mut self, now: Duration) -> bool {
        self.looked_at = now;
        let starves = !self.neighbours.iter().any(|(peer, _)| self.hopes_in(now, &peer));
        let pause = if starves { GIVE_WAY_AFTER } else { NEWCOMERS_STAY };
        if now < self.gave_way_at + pause {
            return false;
        }
        let may_go = |peer: &P, neighbour: &Neighbour| {
            now >= neighbour.worth_at + pause
                && self.candidates.is_connected(peer)
                && !self.candidates.is_named(peer)
                && !self.hopes_in(now, peer)
        };
        let useless = self.neighbours.iter().filter(|(peer, neighbour)| may_go(peer, neighbour));
        let Some(peer) = useless.min_by_key(|(peer, n)| (n.worth_at, *peer)).map(|(peer, _)| peer) else {
            return false;
        };
        self.gave_way_at = now;
        self.disconnect(now, peer, USELESS_FOR);
        true
    }

    /// Whether something that is missing may come from a neighbour.
    fn hopes_in(&self, now: Duration, peer: &P) -> bool {
        match &self.phase {
            Phase::Manifest(fetch) => fetch.hopes_in(peer),
            Phase::Downloading(download, _) => download.hopes_in(now, peer),
            Phase::Opening => true,
            Phase::Complete | Phase::Ended => false,
        }
    }

    /// Whether a neighbour has every chunk.
    pub(super) fn has_all(&self, neighbour: &Neighbour) -> bool {
        neighbour.is_complete(self.neighbours.chunks())
    }

    /// Until when each neighbour counts that lacks something.
    fn takers_until(&self) -> impl Iterator<Item = (P, Duration)> {
        let lacking = self.neighbours.iter().filter(|(_, neighbour)| !self.has_all(neighbour));
        lacking.map(|(peer, neighbour)| (peer, neighbour.worth_at + TAKES_WITHIN))
    }

    /// Neighbours of a complete member that lack something and take something at a time.
    pub(super) fn takers(&self, at: Duration) -> usize {
        self.takers_until().filter(|(_, until)| *until > at).count()
    }

    /// From when on a complete member has too few neighbours that take something; `None`: as many as it needs are on
    /// their way.
    pub(super) fn takers_lack_at(&self) -> Option<Duration> {
        let needed = self.takers_sought().checked_sub(self.candidates.sought() + 1)?;
        // The latest times, in falling order: of those that are needed, the earliest is the last one.
        let mut latest = [Duration::ZERO; SOUGHT_BY_COMPLETE];
        for (_, mut until) in self.takers_until() {
            for place in &mut latest[..=needed] {
                if until > *place {
                    std::mem::swap(place, &mut until);
                }
            }
        }
        Some(latest[needed])
    }

    /// A complete member that has sought many which take nothing parts with those that got nothing for the longest time.
    pub(super) fn make_room_for_takers(&mut self, now: Duration) {
        let sought = self.takers_until().filter(|(peer, _)| self.candidates.is_connected(peer));
        let mut sought: Vec<(Duration, P)> = sought.map(|(peer, until)| (until, peer)).collect();
        let many = (sought.len() + SOUGHT_BY_COMPLETE).saturating_sub(MOST_TAKERS);
        sought.sort_unstable();
        let useless =
            sought.into_iter().filter(|(until, peer)| *until <= now && !self.candidates.is_named(peer));
        let useless: Vec<P> = useless.map(|(_, peer)| peer).take(many).collect();
        useless.into_iter().for_each(|peer| self.disconnect(now, peer, USELESS_FOR));
    }

    /// How many that lack something a complete member seeks.
    pub(super) fn takers_sought(&self) -> usize {
        if self.have.is_clear() { 0 } else { SOUGHT_BY_COMPLETE }
    }
}
