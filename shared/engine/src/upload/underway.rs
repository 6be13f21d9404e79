//! The chunks under way, and whether their peers take them.
//!
//! A slot is for a peer that takes what it is sent. One that takes nothing for [`SLOT_PATIENCE`] keeps its chunk but
//! not its slot, so a peer that never reads costs the others a second. Its chunk stays in memory, of which there is
//! room for so many; where all of that is used up and others wait, the chunk that is stuck for longest, and for
//! [`STUCK`], goes with its stream, and else the slowest one, if it would need longer than [`SLOWEST`]. A peer that
//! takes its bytes however slowly is left alone as long as there is room.
//!
//! What this is not: it knows no requests and chooses none. What always holds: time that passes while this node has
//! nothing to offer (it reads its disk, or keeps to a limit) is not the peer's.

use std::collections::BTreeMap;
use std::time::Duration;

use shoal_addresses::Network;

use super::SessionId;

/// A peer that takes nothing for this long does without its slot.
const SLOT_PATIENCE: Duration = Duration::from_secs(1);
/// A peer that takes nothing for this long may lose its stream.
const STUCK: Duration = Duration::from_secs(4);
/// A chunk that would need longer than this may lose its stream.
const SLOWEST: Duration = Duration::from_secs(120);
/// How fast a peer is shows after this time.
const SHOWN: Duration = Duration::from_secs(10);

/// A chunk that is under way.
#[derive(Debug)]
struct Chunk {
    network: Option<Network>,
    since: Duration,
    /// Bytes, and how many of them the peer has taken.
    len: u64,
    taken: u64,
    /// Since when bytes wait for the peer to take them.
    offered: Option<Duration>,
}

impl Chunk {
    /// How long the peer has taken nothing.
    fn idle(&self, now: Duration) -> Duration {
        self.offered.map_or(Duration::ZERO, |since| now.saturating_sub(since))
    }

    /// How long it would take from now on, once that shows.
    fn remaining(&self, now: Duration) -> Option<Duration> {
        let ran = now.saturating_sub(self.since);
        let left = self.len.saturating_sub(self.taken) as f64;
        (ran >= SHOWN)
            .then(|| Duration::try_from_secs_f64(left / self.taken as f64 * ran.as_secs_f64()))?
            .ok()
    }
}

/// See the module. At most one chunk per session.
#[derive(Debug, Default)]
pub(super) struct Underway(BTreeMap<SessionId, Chunk>);

impl Underway {
    /// A session is given a slot for a chunk of `len` bytes.
    pub(super) fn begin(&mut self, now: Duration, session: SessionId, network: Option<Network>, len: u32) {
        self.0.insert(session, Chunk { network, since: now, len: len.into(), taken: 0, offered: None });
    }

    /// The chunk of a session was sent, or could not be. `false` if there was none.
    pub(super) fn end(&mut self, session: SessionId) -> bool {
        self.0.remove(&session).is_some()
    }

    /// Bytes are there for the peer to take.
    pub(super) fn offered(&mut self, now: Duration, session: SessionId) {
        if let Some(chunk) = self.0.get_mut(&session) {
            chunk.offered.get_or_insert(now);
        }
    }

    /// The peer has taken bytes.
    pub(super) fn taken(&mut self, session: SessionId, bytes: u64) {
        if let Some(chunk) = self.0.get_mut(&session) {
            chunk.taken += bytes;
            chunk.offered = None;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many have a slot.
    pub(super) fn in_slots(&self, now: Duration) -> usize {
        self.0.values().filter(|chunk| chunk.idle(now) < SLOT_PATIENCE).count()
    }

    /// How many are under way to a network, with and without a slot.
    pub(super) fn of(&self, network: Network) -> usize {
        self.0.values().filter(|chunk| chunk.network == Some(network)).count()
    }

    /// The next time after `now` at which a slot comes free although nothing happens.
    pub(super) fn next_free(&self, now: Duration) -> Option<Duration> {
        self.deadlines(SLOT_PATIENCE).filter(|at| *at > now).min()
    }

    /// The session that goes for others that wait, where there is no room for them.
    pub(super) fn hindmost(&self, now: Duration) -> Option<SessionId> {
        let idle = self.0.iter().map(|(session, chunk)| (chunk.idle(now), *session));
        let stuck = idle.max().filter(|(idle, _)| *idle >= STUCK);
        let slow = || self.0.iter().filter_map(|(session, chunk)| Some((chunk.remaining(now)?, *session)));
        stuck
            .or_else(|| slow().max().filter(|(remaining, _)| *remaining > SLOWEST))
            .map(|(_, session)| session)
    }

    /// When to ask for the [`hindmost`](Self::hindmost) again.
    pub(super) fn next_hindmost(&self, now: Duration) -> Option<Duration> {
        let stuck = self.deadlines(STUCK).filter(|at| *at > now).min();
        stuck.into_iter().chain((self.len() > 0).then_some(now + SLOT_PATIENCE)).min()
    }

    fn deadlines(&self, patience: Duration) -> impl Iterator<Item = Duration> {
        self.0.values().filter_map(move |chunk| Some(chunk.offered? + patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(100);

    fn secs(secs: u64) -> Duration {
        START + Duration::from_secs(secs)
    }

    fn of(sessions: u64) -> Underway {
        let mut underway = Underway::default();
        (0..sessions).for_each(|session| underway.begin(START, session, None, 1000));
        underway
    }

    #[test]
    fn a_peer_that_takes_nothing_has_no_slot_until_it_does() {
        let mut underway = of(2);
        underway.offered(START, 0);
        underway.offered(START, 1);
        underway.taken(1, 10);
        assert_eq!((underway.in_slots(START), underway.next_free(START)), (2, Some(secs(1))));
        assert_eq!((underway.in_slots(secs(1)), underway.next_free(secs(1)), underway.len()), (1, None, 2));
        underway.taken(0, 10);
        assert_eq!(underway.in_slots(secs(1)), 2);
    }

    #[test]
    fn time_without_anything_to_take_is_not_the_peers() {
        let mut underway = of(1);
        assert_eq!((underway.in_slots(secs(60)), underway.hindmost(secs(9))), (1, None));
        underway.offered(secs(60), 0);
        underway.offered(secs(61), 0);
        assert_eq!(underway.in_slots(secs(61)), 0, "what was offered first counts");
    }

    #[test]
    fn the_longest_stuck_goes_first_and_then_the_slowest() {
        let mut underway = of(4);
        underway.offered(secs(1), 1);
        underway.offered(secs(2), 2);
        underway.taken(0, 10);
        underway.taken(3, 900);
        assert_eq!((underway.hindmost(secs(4)), underway.next_hindmost(secs(4))), (None, Some(secs(5))));
        assert_eq!(underway.hindmost(secs(6)), Some(1));
        assert!(underway.end(1) && underway.end(2) && !underway.end(2));
        // 990 of 1000 bytes at one byte a second.
        assert_eq!((underway.hindmost(secs(9)), underway.hindmost(secs(10))), (None, Some(0)));
        underway.end(0);
        assert_eq!(underway.hindmost(secs(10)), None, "fast enough");
    }

    #[test]
    fn a_chunk_of_which_nothing_was_taken_is_not_slow_but_stuck_or_not_offered() {
        let mut underway = of(2);
        underway.taken(1, 1);
        assert_eq!(underway.hindmost(secs(20)), Some(1));
        underway.end(1);
        assert_eq!(underway.hindmost(secs(20)), None);
    }

    #[test]
    fn networks_are_counted() {
        let network = |ip: &str| Network::of(ip.parse().unwrap());
        let mut underway = Underway::default();
        underway.begin(START, 0, Some(network("8.8.8.8")), 1);
        underway.begin(START, 1, Some(network("8.8.8.9")), 1);
        underway.begin(START, 2, None, 1);
        assert_eq!((underway.of(network("8.8.8.7")), underway.of(network("9.9.9.9"))), (2, 0));
    }
}
