//! Which relays are asked to lead to this node. Decisions only: told of events and the time.
//!
//! A relay that the user named is asked in any case. A tracker that offers to relay is asked if nothing else leads here: its
//! view of this node's address is that of a router, or a probe of AutoNAT failed; and it is let go once an address is found
//! at which everybody reaches this node. What always holds: at most [`MAX_NAMED`] and [`MAX_OFFERED`] relays.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::core::transport::ListenerId;
use libp2p::{Multiaddr, PeerId};
use shoal_addresses::{peer_of, without_peer};
use shoal_engine::Backoff;

/// Relays that the user named; further ones are left out.
pub(crate) const MAX_NAMED: usize = 8;
/// Trackers that relay at once.
const MAX_OFFERED: usize = 2;
/// Peers that are remembered because they are trackers, or offer to relay.
const MAX_REMEMBERED: usize = 64;
/// The waits before a relay is asked again.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RelayStep {
    /// Ask the relay at this address, which ends in its peer id, for a reservation.
    Ask(PeerId, Multiaddr),
    /// End this reservation.
    End(ListenerId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To be asked at this time.
    Waiting(Duration),
    /// It is being asked. The listener is known once the Swarm has been told.
    Asked(Option<ListenerId>),
    /// It leads here.
    Stands(ListenerId),
}

#[derive(Debug)]
struct Relay {
    address: Multiaddr,
    named: bool,
    state: State,
    backoff: Backoff,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Relays {
    all: BTreeMap<PeerId, Relay>,
    trackers: BTreeSet<PeerId>,
    /// Peers that offer to relay, and where they are.
    offers: BTreeMap<PeerId, Multiaddr>,
    /// Others see this node at an address that is not its own.
    is_translated: bool,
    /// An address was tried from outside in vain.
    is_shut: bool,
    /// Everybody reaches this node at some address.
    is_public: bool,
}

impl Relays {
    /// With the relays that the user named: addresses that end in a peer id.
    pub(super) fn new(named: &[Multiaddr]) -> Self {
        let named =
            named.iter().filter_map(|address| Some((peer_of(address)?, without_peer(address.clone()))));
        let relay = |(peer, address)| (peer, Relay::new(address, true));
        Self { all: named.map(relay).take(MAX_NAMED).collect(), ..Self::default() }
    }

    /// The relays that the user named.
    pub(super) fn named(&self) -> impl Iterator<Item = PeerId> {
        self.all.iter().filter(|(_, relay)| relay.named).map(|(peer, _)| *peer)
    }

    /// A peer is a tracker that the user named.
    pub(super) fn tracker(&mut self, peer: PeerId) {
        if self.trackers.len() < MAX_REMEMBERED {
            self.trackers.insert(peer);
        }
    }

    /// A peer offers to relay, or not any more.
    pub(super) fn offers(&mut self, peer: PeerId, at: Option<Multiaddr>) {
        match at {
            Some(address) if self.offers.len() < MAX_REMEMBERED || self.offers.contains_key(&peer) => {
                self.offers.insert(peer, without_peer(address));
            }
            Some(_) => {}
            None => drop(self.offers.remove(&peer)),
        }
    }

    /// Where a tracker sees this node.
    pub(super) fn seen(&mut self, peer: &PeerId, at_own_address: bool) {
        if self.trackers.contains(peer) {
            self.is_translated = !at_own_address;
        }
    }

    /// An address was tried from outside in vain.
    pub(super) fn shut(&mut self) {
        self.is_shut = true;
    }

    /// Whether everybody reaches this node at some address.
    pub(super) fn set_public(&mut self, is_public: bool) {
        self.is_public = is_public;
    }

    /// A relay was asked by this listener; `None`: it cannot be.
    pub(super) fn asked(&mut self, now: Duration, peer: &PeerId, listener: Option<ListenerId>) {
        let Some(relay) = self.all.get_mut(peer) else { return };
        match listener {
            Some(listener) => relay.state = State::Asked(Some(listener)),
            None => relay.failed(now),
        }
    }

    /// A relay leads here.
    pub(super) fn accepted(&mut self, peer: &PeerId) {
        if let Some(relay) = self.all.get_mut(peer)
            && let State::Asked(Some(listener)) = relay.state
        {
            relay.state = State::Stands(listener);
            relay.backoff.succeed();
        }
    }

    /// A listener has ended.
    pub(super) fn ended(&mut self, now: Duration, listener: ListenerId) {
        let held = |relay: &Relay| matches!(relay.state, State::Asked(Some(it)) | State::Stands(it) if it == listener);
        if let Some(relay) = self.all.values_mut().find(|relay| held(relay)) {
            relay.failed(now);
        }
    }

    /// Whether each relay that the user named leads here, or has failed to.
    pub(super) fn is_settled(&self) -> bool {
        let settled = |relay: &Relay| matches!(relay.state, State::Stands(_)) || relay.backoff.failures() > 0;
        self.all.values().filter(|relay| relay.named).all(settled)
    }

    /// What to do next.
    pub(super) fn poll(&mut self, now: Duration) -> Option<RelayStep> {
        self.take_offers(now);
        if let Some(step) = self.let_go() {
            return Some(step);
        }
        let due = |relay: &Relay| matches!(relay.state, State::Waiting(at) if at <= now);
        let (peer, relay) = self.all.iter_mut().find(|(_, relay)| due(relay))?;
        relay.state = State::Asked(None);
        Some(RelayStep::Ask(*peer, relay.address.clone()))
    }

    /// When [`poll`](Self::poll) next has something that no event brings.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        let waits = |relay: &Relay| match relay.state {
            State::Waiting(at) => Some(at),
            State::Asked(_) | State::Stands(_) => None,
        };
        self.all.values().filter_map(waits).min()
    }

    fn needs_offers(&self) -> bool {
        !self.is_public && (self.is_translated || self.is_shut)
    }

    fn take_offers(&mut self, now: Duration) {
        if !self.needs_offers() {
            return;
        }
        for (peer, address) in &self.offers {
            let taken = self.all.values().filter(|relay| !relay.named).count();
            if taken < MAX_OFFERED && self.trackers.contains(peer) && !self.all.contains_key(peer) {
                let relay = Relay { state: State::Waiting(now), ..Relay::new(address.clone(), false) };
                self.all.insert(*peer, relay);
            }
        }
    }

    /// Lets a tracker go that is not needed any more, or does not offer it any more.
    fn let_go(&mut self) -> Option<RelayStep> {
        let needed = self.needs_offers();
        let useless = |peer: &PeerId, relay: &Relay| {
            let gone = matches!(relay.state, State::Waiting(_)) && !self.offers.contains_key(peer);
            !relay.named && (!needed || gone)
        };
        while let Some(peer) = self.all.iter().find(|(peer, it)| useless(peer, it)).map(|(peer, _)| *peer) {
            let relay = self.all.remove(&peer)?;
            if let State::Asked(Some(listener)) | State::Stands(listener) = relay.state {
                return Some(RelayStep::End(listener));
            }
        }
        None
    }
}

impl Relay {
    fn new(address: Multiaddr, named: bool) -> Self {
        let backoff = Backoff::new(RETRY.0, RETRY.1);
        Self { address, named, state: State::Waiting(Duration::ZERO), backoff }
    }

    fn failed(&mut self, now: Duration) {
        self.state = State::Waiting(now + self.backoff.fail());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn place() -> Multiaddr {
        "/ip4/9.9.9.9/tcp/1".parse().unwrap()
    }

    #[test]
    fn a_relay_that_was_named_is_asked_until_it_leads_here() {
        let peer = PeerId::random();
        let mut relays = Relays::new(&[place().with_p2p(peer).unwrap(), place()]);
        assert_eq!(relays.poll(secs(0)), Some(RelayStep::Ask(peer, place())));
        assert_eq!((relays.poll(secs(0)), relays.is_settled()), (None, false));
        let listener = ListenerId::next();
        relays.asked(secs(0), &peer, Some(listener));
        relays.ended(secs(1), listener);
        assert!(relays.is_settled(), "it has failed once");
        assert_eq!((relays.poll(secs(1)), relays.next_timeout()), (None, Some(secs(3))));
        assert_eq!(relays.poll(secs(3)), Some(RelayStep::Ask(peer, place())));
        let listener = ListenerId::next();
        relays.asked(secs(3), &peer, Some(listener));
        relays.accepted(&peer);
        relays.set_public(true);
        assert_eq!((relays.poll(secs(100)), relays.next_timeout()), (None, None), "the user wants it");
        relays.ended(secs(200), listener);
        assert_eq!(relays.next_timeout(), Some(secs(202)), "the waits begin anew");
    }

    #[test]
    fn a_tracker_relays_while_nothing_else_leads_here() {
        let [tracker, stranger] = [(); 2].map(|()| PeerId::random());
        let mut relays = Relays::new(&[]);
        assert!(relays.is_settled());
        relays.tracker(tracker);
        relays.offers(tracker, Some(place().with_p2p(tracker).unwrap()));
        relays.offers(stranger, Some(place()));
        relays.seen(&tracker, true);
        assert_eq!(relays.poll(secs(0)), None, "it is not known to be needed");
        relays.seen(&stranger, false);
        assert_eq!(relays.poll(secs(0)), None, "a stranger's word");
        relays.seen(&tracker, false);
        assert_eq!(relays.poll(secs(0)), Some(RelayStep::Ask(tracker, place())));
        assert_eq!(relays.poll(secs(0)), None, "nor a stranger's relay");
        let listener = ListenerId::next();
        relays.asked(secs(0), &tracker, Some(listener));
        relays.accepted(&tracker);
        relays.set_public(true);
        assert_eq!(relays.poll(secs(9)), Some(RelayStep::End(listener)));
        assert_eq!(relays.poll(secs(9)), None);
        relays.set_public(false);
        assert_eq!(relays.poll(secs(10)), Some(RelayStep::Ask(tracker, place())));
        relays.asked(secs(10), &tracker, None);
        relays.offers(tracker, None);
        assert_eq!((relays.poll(secs(100)), relays.next_timeout()), (None, None), "it relays no more");
    }

    #[test]
    fn a_failed_probe_is_a_reason_too_and_few_relays_are_enough() {
        let mut relays = Relays::new(&[]);
        for _ in 0..200 {
            let tracker = PeerId::random();
            relays.tracker(tracker);
            relays.offers(tracker, Some(place()));
        }
        relays.shut();
        let asked = std::iter::from_fn(|| relays.poll(secs(0))).count();
        assert_eq!(asked, MAX_OFFERED);
    }
}
