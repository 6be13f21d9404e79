//! How many attempts at unproven addresses there may be: at one target, for one teller, in all.
//!
//! Anybody may tell a node that a peer is anywhere. Without these bounds one message would send a multitude of
//! packets to a stranger. An address that led to its peer, or that the user named, is not counted.

// From `core`, which has the addresses but no sockets.
use core::net::{IpAddr, Ipv6Addr};
use std::collections::BTreeMap;
use std::time::Duration;

use multiaddr::Multiaddr;
use shoal_addresses::{Prefix, ip_of};

use super::addresses::KnownAddress;
use super::config::{Allowance, PeerBookConfig};
use super::output::Teller;

/// What attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    All,
    Teller(Teller),
    /// A public host.
    Host(IpAddr),
    /// A public network.
    Network(Prefix),
    /// A host that is not public.
    LocalHost(IpAddr),
    /// All DNS names together.
    Names,
}

/// What one attempt was counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Charge(Vec<Key>);

/// Counts attempts by the generic cell rate algorithm (ITU-T I.371): of each key it is known until when its
/// allowance is used up. Always holds: at most `max_counted` keys; a key that was paused long enough takes no room.
#[derive(Debug)]
pub(super) struct DialBudget {
    used_until: BTreeMap<Key, Duration>,
    config: PeerBookConfig,
}

impl DialBudget {
    pub(super) fn new(config: &PeerBookConfig) -> Self {
        Self { used_until: BTreeMap::new(), config: config.clone() }
    }

    /// Counts an attempt at an address, or says when it may be made.
    pub(super) fn attempt(&mut self, now: Duration, known: &KnownAddress) -> Result<Charge, Duration> {
        if known.is_proven() {
            return Ok(Charge(Vec::new()));
        }
        let mut keys = targets(&known.address);
        keys.push(Key::All);
        // One teller that has not used up its share is enough.
        let tellers = known.tellers.iter().map(|teller| Key::Teller(*teller));
        let tellers = tellers.map(|key| (self.free_at(now, key), key));
        keys.extend(tellers.min().map(|(_, key)| key));
        let free_at = keys.iter().map(|key| self.free_at(now, *key)).max().unwrap_or(now);
        if free_at > now {
            return Err(free_at);
        }
        for key in &keys {
            let every = self.allowance(*key).every;
            let used = self.used_until.entry(*key).or_insert(now);
            *used = (*used).max(now) + every;
        }
        Ok(Charge(keys))
    }

    /// An attempt led to its peer: it bothered nobody, so it does not count.
    pub(super) fn refund(&mut self, now: Duration, charge: &Charge) {
        for key in &charge.0 {
            let every = self.allowance(*key).every;
            if let Some(used) = self.used_until.get_mut(key) {
                *used = used.saturating_sub(every);
                if *used <= now {
                    self.used_until.remove(key);
                }
            }
        }
    }

    /// From when on one more attempt fits.
    fn free_at(&mut self, now: Duration, key: Key) -> Duration {
        let allowance = self.allowance(key);
        match self.used_until.get(&key) {
            Some(used) => used.saturating_sub(allowance.every * allowance.burst.saturating_sub(1)),
            None => self.room_at(now),
        }
    }

    /// From when on there is room for one more key, and for those that come with it.
    fn room_at(&mut self, now: Duration) -> Duration {
        /// The keys of one attempt.
        const AT_ONCE: usize = 4;
        if self.used_until.len() + AT_ONCE <= self.config.max_counted {
            return now;
        }
        self.used_until.retain(|_, used| *used > now);
        if self.used_until.len() + AT_ONCE <= self.config.max_counted {
            return now;
        }
        self.used_until.values().min().copied().unwrap_or(now)
    }

    fn allowance(&self, key: Key) -> Allowance {
        match key {
            Key::All => self.config.attempts,
            Key::Teller(Teller::Peer(_)) => self.config.attempts_per_peer,
            Key::Teller(Teller::Dht) => self.config.attempts_by_dht,
            Key::Teller(_) => self.config.attempts_per_tracker,
            Key::Host(_) => self.config.attempts_per_host,
            Key::Network(_) => self.config.attempts_per_network,
            Key::LocalHost(_) => self.config.attempts_per_local_host,
            Key::Names => self.config.attempts_at_names,
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.used_until.len()
    }
}

/// The host that an address leads to at first, and its network.
fn targets(address: &Multiaddr) -> Vec<Key> {
    let Some(ip) = ip_of(address) else { return vec![Key::Names] };
    match Prefix::of(ip) {
        Some(network) => vec![Key::Host(host(ip)), Key::Network(network)],
        None => vec![Key::LocalHost(ip)],
    }
}

/// One host has a whole /64 of IPv6 addresses.
fn host(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::addresses::Addresses;
    use super::*;
    use crate::testing::peer;

    fn told(address: &str, teller: Teller) -> KnownAddress {
        let mut addresses = Addresses::default();
        addresses.learn(&peer(0), address.parse().unwrap(), teller, 1);
        addresses.to_try()[0].clone()
    }

    /// How many of many different addresses may be tried now, and when the next.
    fn attempts(
        budget: &mut DialBudget,
        now: Duration,
        teller: impl Fn(u32) -> Teller,
        address: impl Fn(u32) -> String,
    ) -> (u32, Duration) {
        for n in 0.. {
            if let Err(at) = budget.attempt(now, &told(&address(n), teller(n))) {
                return (n, at);
            }
        }
        unreachable!("there is a bound")
    }

    const START: Duration = Duration::from_secs(100);

    fn somebody(n: u32) -> Teller {
        Teller::Peer(peer(n as usize + 1))
    }

    #[test]
    fn a_host_a_network_and_all_names_are_tried_a_few_times_and_then_now_and_then() {
        let config = PeerBookConfig::default();
        let cases: [(&dyn Fn(u32) -> String, Allowance); 4] = [
            (&|n| format!("/ip4/8.8.8.8/tcp/{}", n + 1), config.attempts_per_host),
            (&|n| format!("/ip6/2a00::1:{n:x}/udp/1/quic-v1"), config.attempts_per_host),
            (&|n| format!("/ip4/8.8.8.{}/tcp/1", n + 1), config.attempts_per_network),
            (&|n| format!("/dns/n{n}.example.org/tcp/1"), config.attempts_at_names),
        ];
        for (address, allowance) in cases {
            let mut budget = DialBudget::new(&config);
            let (first, at) = attempts(&mut budget, START, somebody, address);
            assert_eq!((first, at), (allowance.burst, START + allowance.every));
            let (then, _) = attempts(&mut budget, at, somebody, address);
            assert_eq!(then, 1);
        }
    }

    #[test]
    fn a_teller_has_a_share_and_all_together_have_one() {
        let config = PeerBookConfig::default();
        let everywhere = |n: u32| format!("/ip4/{}.8.8.8/tcp/1", 11 + n);
        let (tracker, all) = (Teller::Tracker(peer(1)), config.attempts.burst);
        let one = |_| Teller::Peer(peer(1));
        let told = attempts(&mut DialBudget::new(&config), START, one, everywhere);
        assert_eq!(told.0, config.attempts_per_peer.burst);
        let told = attempts(&mut DialBudget::new(&config), START, |_| tracker, everywhere);
        assert_eq!(told.0, all.min(config.attempts_per_tracker.burst));
        assert_eq!(attempts(&mut DialBudget::new(&config), START, somebody, everywhere).0, all);
    }

    #[test]
    fn an_attempt_that_led_to_its_peer_does_not_count() {
        let config = PeerBookConfig::default();
        let mut budget = DialBudget::new(&config);
        for n in 0..1000 {
            let charge = budget.attempt(START, &told(&format!("/ip4/8.8.8.8/tcp/{}", n + 1), somebody(n)));
            budget.refund(START, &charge.expect("nothing is used up"));
        }
        assert_eq!(budget.len(), 0);
    }

    #[test]
    fn what_is_proven_is_not_counted() {
        let mut budget = DialBudget::new(&PeerBookConfig::default());
        for _ in 0..1000 {
            budget.attempt(START, &told("/ip4/8.8.8.8/tcp/1", Teller::User)).unwrap();
        }
        assert_eq!(budget.len(), 0);
    }

    #[test]
    fn the_table_is_bounded_and_forgets_what_is_over() {
        let free = Allowance::new(1, Duration::from_secs(10));
        let config = PeerBookConfig {
            attempts: Allowance::new(1000, free.every),
            max_counted: 64,
            ..Default::default()
        };
        let mut budget = DialBudget::new(&config);
        let everywhere = |n: u32| format!("/ip4/{}.8.8.8/tcp/1", 11 + n);
        let (first, again) = attempts(&mut budget, START, somebody, everywhere);
        assert!(first > 10 && budget.len() <= 64, "{first}");
        let (then, _) = attempts(&mut budget, again, |n| somebody(n + 100), |n| everywhere(n + 100));
        assert!(then > 0 && budget.len() <= 64, "{then}");
    }
}
