//! Probes: whether peers that were reported dead are alive. Decisions only: the caller pings, dials and tells what
//! came of it.
//!
//! A connected peer is pinged; if its connection breaks, and for one without a connection, it is dialled. Any
//! answer from the peer is a sign of life, also a refusal of the protocol. What gives none in time is dead.
//! At most [`MAX_PROBES`] are under way, each for at most [`PATIENCE`].

use std::collections::BTreeMap;
use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

/// Probes under way at once.
pub(crate) const MAX_PROBES: usize = 64;
/// How long a peer has for a sign of life.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What to do next about a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Ping it on its connection.
    Ping,
    /// Dial it at these addresses.
    Dial(Vec<Multiaddr>),
    /// The probe is over, with this result.
    Over {
        /// Whether the peer lives, as far as can be known.
        alive: bool,
    },
    /// Wait for something else.
    Wait,
}

#[derive(Debug)]
struct Probe {
    deadline: Duration,
    /// Where to dial, unless that was tried.
    addresses: Option<Vec<Multiaddr>>,
}

/// Peers that are being looked for.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    underway: BTreeMap<PeerId, Probe>,
}

impl Probes {
    /// Whether no other probe may begin.
    pub(crate) fn full(&self) -> bool {
        self.underway.len() >= MAX_PROBES
    }

    /// Begins. `addresses` are those where the peer may be dialled.
    pub(crate) fn start(
        &mut self,
        now: Duration,
        peer: PeerId,
        connected: bool,
        addresses: Vec<Multiaddr>,
    ) -> Step {
        if self.full() || self.underway.contains_key(&peer) {
            return Step::Wait;
        }
        self.underway.insert(peer, Probe { deadline: now + PATIENCE, addresses: Some(addresses) });
        if connected { Step::Ping } else { self.unreachable(&peer) }
    }

    /// The peer gave a sign of life.
    pub(crate) fn alive(&mut self, peer: &PeerId) -> Step {
        self.end(peer, true)
    }

    /// What was tried last failed at once, or its connection broke.
    pub(crate) fn unreachable(&mut self, peer: &PeerId) -> Step {
        let Some(probe) = self.underway.get_mut(peer) else { return Step::Wait };
        match probe.addresses.take() {
            // Nothing that can be dialled: it cannot be known to be dead.
            Some(addresses) if addresses.is_empty() => self.end(peer, true),
            Some(addresses) => Step::Dial(addresses),
            None => self.end(peer, false),
        }
    }

    /// The peer let the time pass.
    pub(crate) fn silent(&mut self, peer: &PeerId) -> Step {
        self.end(peer, false)
    }

    /// Peers whose time is up; they are dead.
    pub(crate) fn expire(&mut self, now: Duration) -> Vec<PeerId> {
        let late = self.underway.iter().filter(|(_, probe)| probe.deadline <= now);
        let late: Vec<PeerId> = late.map(|(peer, _)| *peer).collect();
        late.iter().for_each(|peer| drop(self.underway.remove(peer)));
        late
    }

    /// When [`expire`](Self::expire) next has something to do.
    pub(crate) fn next_timeout(&self) -> Option<Duration> {
        self.underway.values().map(|probe| probe.deadline).min()
    }

    fn end(&mut self, peer: &PeerId, alive: bool) -> Step {
        if self.underway.remove(peer).is_some() { Step::Over { alive } } else { Step::Wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn home() -> Vec<Multiaddr> {
        vec!["/ip4/8.8.8.8/tcp/1".parse().unwrap()]
    }

    #[test]
    fn a_connected_peer_is_pinged_then_dialled_and_then_dead() {
        let (mut probes, peer) = (Probes::default(), PeerId::random());
        assert_eq!(probes.start(secs(0), peer, true, home()), Step::Ping);
        assert_eq!(probes.start(secs(0), peer, true, home()), Step::Wait, "one at a time");
        assert_eq!(probes.unreachable(&peer), Step::Dial(home()));
        assert_eq!(probes.unreachable(&peer), Step::Over { alive: false });
        assert_eq!(probes.unreachable(&peer), Step::Wait, "it is over");
    }

    #[test]
    fn any_sign_of_life_ends_it() {
        let (mut probes, peer) = (Probes::default(), PeerId::random());
        assert_eq!(probes.alive(&peer), Step::Wait, "nobody asked");
        assert_eq!(probes.start(secs(0), peer, false, home()), Step::Dial(home()));
        assert_eq!(probes.alive(&peer), Step::Over { alive: true });
        assert_eq!(probes.next_timeout(), None);
    }

    #[test]
    fn silence_is_death_and_ignorance_is_not() {
        let (mut probes, peer) = (Probes::default(), PeerId::random());
        probes.start(secs(1), peer, true, home());
        assert_eq!(probes.next_timeout(), Some(secs(6)));
        assert_eq!(probes.expire(secs(5)), []);
        assert_eq!(probes.expire(secs(6)), [peer]);
        assert_eq!(probes.start(secs(7), peer, false, vec![]), Step::Over { alive: true });
    }

    #[test]
    fn probes_are_bounded() {
        let mut probes = Probes::default();
        for _ in 0..MAX_PROBES {
            assert!(!probes.full());
            assert_eq!(probes.start(secs(0), PeerId::random(), true, home()), Step::Ping);
        }
        assert!(probes.full());
        assert_eq!(probes.start(secs(0), PeerId::random(), true, home()), Step::Wait);
        assert_eq!(probes.expire(secs(5)).len(), MAX_PROBES);
    }
}
