//! The addresses of one peer: where each came from, and what came of trying it.

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use shoal_addresses::is_circuit;

use super::output::Teller;

/// Tellers that are remembered of one address.
const MAX_TELLERS: usize = 2;
/// Of the addresses to try, those by way of a relay come after so many others.
const DIRECT_FIRST: usize = 6;

/// One address, without a peer id at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KnownAddress {
    pub(super) address: Multiaddr,
    /// The user named it.
    pub(super) named: bool,
    /// A connection that this node began there led to the peer.
    pub(super) worked: bool,
    /// The peer itself says that it listens there.
    pub(super) own: bool,
    /// Some tracker told of it.
    pub(super) tracker: bool,
    /// The others that told of it; attempts are counted against one of them.
    pub(super) tellers: Vec<Teller>,
    /// Failed attempts since the last success.
    pub(super) failures: u32,
    /// The user named it without a peer id: whichever peer answers there is meant.
    pub(super) anybody: bool,
    /// Somebody else answered there.
    pub(super) wrong: bool,
    tried: bool,
}

impl KnownAddress {
    fn new(address: Multiaddr) -> Self {
        Self {
            address,
            named: false,
            worked: false,
            own: false,
            tracker: false,
            tellers: Vec::new(),
            failures: 0,
            anybody: false,
            wrong: false,
            tried: false,
        }
    }

    /// Whether more than somebody's word speaks for it.
    pub(super) fn is_proven(&self) -> bool {
        self.named || self.worked
    }

    /// Lower is better.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self { worked: true, .. } => 0,
            Self { named: true, .. } => 1,
            Self { own: true, .. } => 2,
            Self { tracker: true, .. } => 3,
            _ => 4,
        }
    }

    fn told_by(&mut self, peer: &PeerId, teller: Teller) {
        match teller {
            Teller::User => self.named = true,
            Teller::Tracker(_) => self.tracker = true,
            Teller::Dht | Teller::Lan | Teller::Remembered => {}
            Teller::Peer(who) => self.own |= who == *peer,
        }
        let counts = teller != Teller::User && !self.tellers.contains(&teller);
        if counts && self.tellers.len() < MAX_TELLERS {
            self.tellers.push(teller);
        }
    }
}

/// All that are known of one peer. Always holds: at most as many as may be, each once.
#[derive(Debug, Default)]
pub(super) struct Addresses(Vec<KnownAddress>);

impl Addresses {
    /// Learns an address of `peer`. `true` if it is new.
    pub(super) fn learn(&mut self, peer: &PeerId, address: Multiaddr, teller: Teller, most: usize) -> bool {
        if let Some(known) = self.0.iter_mut().find(|known| known.address == address) {
            known.told_by(peer, teller);
            return false;
        }
        let mut new = KnownAddress::new(address);
        new.told_by(peer, teller);
        self.insert(new, most)
    }

    /// A connection that this node began at an address led to the peer.
    pub(super) fn worked(&mut self, address: &Multiaddr, most: usize) {
        if self.find(address).is_none() {
            let mut new = KnownAddress::new(address.clone());
            new.worked = true;
            self.insert(new, most);
        }
        if let Some(known) = self.find(address) {
            known.worked = true;
            known.wrong = false;
            known.tried = true;
            known.failures = 0;
        }
    }

    /// The peer answered at an address that the user named without a peer id.
    pub(super) fn answered(&mut self, address: &Multiaddr, most: usize) {
        self.worked(address, most);
        if let Some(known) = self.find(address) {
            (known.named, known.anybody) = (true, true);
        }
    }

    /// The user named an address without a peer id.
    pub(super) fn means_anybody(&mut self, address: &Multiaddr) {
        self.find(address).into_iter().for_each(|known| known.anybody = true);
    }

    /// An attempt at an address failed.
    pub(super) fn failed(&mut self, address: &Multiaddr) {
        if let Some(known) = self.find(address) {
            known.tried = true;
            known.failures = known.failures.saturating_add(1);
        }
    }

    /// Somebody else answered at an address. `true` if the user named it without a peer id.
    pub(super) fn wrong(&mut self, address: &Multiaddr) -> bool {
        let Some(known) = self.find(address) else { return false };
        known.tried = true;
        known.worked = false;
        known.wrong = true;
        let anybody = known.anybody;
        // Only the user knows better than the peer that answered, and not if any peer would do.
        self.0.retain(|known| !known.wrong || (known.named && !known.anybody));
        anybody
    }

    /// The addresses to try, best first. Failures count before where an address came from, so that each has its turn; the
    /// first ones have some by way of a relay among them, whatever else there is.
    pub(super) fn to_try(&self) -> Vec<&KnownAddress> {
        // One answer ends a dial, so an address where somebody else answers would hide the others.
        let mut right: Vec<_> = self.0.iter().filter(|known| !known.wrong).collect();
        if right.is_empty() {
            right = self.0.iter().collect();
        }
        right.sort_by_key(|known| (known.failures, known.rank()));
        let (circuits, mut direct): (Vec<_>, Vec<_>) =
            right.into_iter().partition(|it| is_circuit(&it.address));
        // All that are dialled at once are dialled at the same time, so the place does not say which is preferred.
        let at = direct.len().min(DIRECT_FIRST);
        direct.splice(at..at, circuits);
        direct
    }

    /// The addresses that were never tried.
    pub(super) fn untried(&self) -> impl Iterator<Item = &KnownAddress> {
        self.0.iter().filter(|known| !known.tried)
    }

    /// Whether the user named some address, or one led to the peer.
    pub(super) fn is_proven(&self) -> bool {
        self.0.iter().any(KnownAddress::is_proven)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The addresses that speak for themselves: they led to the peer, or the peer said them.
    pub(super) fn to_tell(&self) -> Vec<Multiaddr> {
        let mut told: Vec<_> = self.0.iter().filter(|known| known.worked || known.own).collect();
        told.sort_by_key(|known| known.rank());
        told.into_iter().map(|known| known.address.clone()).collect()
    }

    /// The peer says where it listens: what it no longer says, and nobody else does, is forgotten.
    pub(super) fn own_are(&mut self, peer: &PeerId, own: &[Multiaddr]) {
        let others = |known: &KnownAddress| known.tellers.iter().any(|it| *it != Teller::Peer(*peer));
        self.0.retain(|known| known.is_proven() || others(known) || own.contains(&known.address));
        self.0.iter_mut().for_each(|known| known.own &= own.contains(&known.address));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn find(&mut self, address: &Multiaddr) -> Option<&mut KnownAddress> {
        self.0.iter_mut().find(|known| known.address == *address)
    }

    /// Where there is no room, the worst one gives way if it failed or is worth less: anybody may have made it up.
    fn insert(&mut self, new: KnownAddress, most: usize) -> bool {
        if self.0.len() >= most {
            let by_worth = |(_, known): &(usize, &KnownAddress)| (!known.named, known.failures, known.rank());
            let Some((at, worst)) = self.0.iter().enumerate().max_by_key(by_worth) else { return false };
            if worst.named || (worst.failures == 0 && worst.rank() <= new.rank()) {
                return false;
            }
            self.0.swap_remove(at);
        }
        self.0.push(new);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;

    fn address(port: u16) -> Multiaddr {
        format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()
    }

    fn order(addresses: &Addresses) -> Vec<Multiaddr> {
        addresses.to_try().into_iter().map(|known| known.address.clone()).collect()
    }

    #[test]
    fn what_worked_comes_first_and_hearsay_last() {
        let (it, other) = (peer(1), peer(2));
        let mut all = Addresses::default();
        all.learn(&it, address(5), Teller::Peer(other), 16);
        all.learn(&it, address(4), Teller::Tracker(other), 16);
        all.learn(&it, address(3), Teller::Peer(it), 16);
        all.learn(&it, address(2), Teller::User, 16);
        all.worked(&address(1), 16);
        assert_eq!(order(&all), (1..=5).map(address).collect::<Vec<_>>());
        all.failed(&address(1));
        assert_eq!(order(&all).last(), Some(&address(1)), "each has its turn");
    }

    #[test]
    fn a_relay_is_among_the_first() {
        let (it, relay) = (peer(1), peer(2));
        let mut all = Addresses::default();
        let circuit: Multiaddr = format!("/ip4/8.8.8.8/tcp/1/p2p/{relay}/p2p-circuit").parse().unwrap();
        (1..=10).for_each(|port| _ = all.learn(&it, address(port), Teller::User, 16));
        all.learn(&it, circuit.clone(), Teller::Peer(relay), 16);
        let order = order(&all);
        assert_eq!(order.iter().position(|it| *it == circuit), Some(DIRECT_FIRST));
        assert_eq!(order.len(), 11);
    }

    #[test]
    fn an_address_where_somebody_else_answers_is_the_last_resort() {
        let it = peer(1);
        let mut all = Addresses::default();
        all.learn(&it, address(1), Teller::User, 16);
        all.learn(&it, address(2), Teller::Peer(it), 16);
        all.answered(&address(3), 16);
        assert!(all.wrong(&address(3)), "it is somebody else's now");
        assert!(!all.wrong(&address(1)));
        assert_eq!(order(&all), [address(2)]);
        assert!(!all.wrong(&address(2)));
        assert_eq!(order(&all), [address(1)], "only the user knows better");
    }

    #[test]
    fn a_full_list_keeps_what_is_worth_more() {
        let (it, other) = (peer(1), peer(2));
        let mut all = Addresses::default();
        all.learn(&it, address(1), Teller::User, 3);
        all.worked(&address(2), 3);
        assert!(all.learn(&it, address(3), Teller::Peer(other), 3));
        assert!(!all.learn(&it, address(4), Teller::Peer(other), 3), "no better than what is there");
        assert!(all.learn(&it, address(5), Teller::Tracker(other), 3));
        all.failed(&address(5));
        assert!(all.learn(&it, address(6), Teller::Peer(other), 3));
        let mut kept = order(&all);
        kept.sort_unstable();
        assert_eq!(kept, [address(1), address(2), address(6)]);
    }

    #[test]
    fn only_what_worked_or_the_peer_said_is_told_on() {
        let (it, other) = (peer(1), peer(2));
        let mut all = Addresses::default();
        all.learn(&it, address(1), Teller::Peer(other), 16);
        all.learn(&it, address(2), Teller::Tracker(other), 16);
        all.learn(&it, address(3), Teller::User, 16);
        all.learn(&it, address(4), Teller::Peer(it), 16);
        all.worked(&address(5), 16);
        assert_eq!(all.to_tell(), [address(5), address(4)]);
        all.own_are(&it, &[address(6)]);
        assert_eq!(all.to_tell(), [address(5)]);
        assert!(!order(&all).contains(&address(4)), "nobody says it any more");
    }
}
