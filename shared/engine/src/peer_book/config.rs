//! The bounds of a peer book, each with its unit.

use std::time::Duration;

use crate::Backoff;

/// How often something may happen: `burst` times at once, and after that once in `every`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Times at once after a pause; at least 1.
    pub burst: u32,
    /// The time in which one more is gained.
    pub every: Duration,
}

impl Allowance {
    /// `burst` at once, then one in `every`.
    pub const fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every }
    }
}

/// The bounds of a [`PeerBook`](super::PeerBook). The defaults are for a node with one Swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerBookConfig {
    /// Peers that are remembered while they are not connected.
    pub max_peers: usize,
    /// Addresses that are remembered of one peer.
    pub max_addresses: usize,
    /// Peers that are remembered because of one teller.
    pub max_peers_per_teller: usize,
    /// Addresses without a peer id that users named.
    pub max_named_addresses: usize,
    /// Peers that are banned; a further ban ends the oldest one.
    pub max_banned: usize,

    /// Dials under way at once.
    pub max_dialing: usize,
    /// Of those, kept for what the user named.
    pub dialing_kept_for_named: usize,
    /// Addresses that one dial tries.
    pub max_addresses_per_dial: usize,

    /// Connections at once, both ways together. Below the limits that the Swarm enforces: what the Swarm refuses
    /// cannot be weighed against what is there.
    pub max_connections: usize,
    /// Connections at once with one public network (/24 of IPv4, /48 of IPv6).
    pub max_connections_per_network: usize,
    /// Of [`max_connections`](Self::max_connections), kept for peers that dial this node: what they do not need is
    /// left empty.
    pub kept_for_newcomers: usize,
    /// Of [`max_connections`](Self::max_connections), kept for peers that this node dials.
    pub kept_for_dials: usize,
    /// Of those that this node may dial, kept for what the user named.
    pub kept_for_named: usize,
    /// A content with more connected peers than this gives one up for a content that has none.
    pub enough: usize,

    /// The wait after the first failure; it doubles with each further one.
    pub retry_first: Duration,
    /// The longest wait between dials of a peer.
    pub retry_most: Duration,
    /// The longest wait between dials of what the user named, so that a seed that was restarted is not missing for a minute.
    pub retry_named_most: Duration,
    /// A connection that ends before this time counts as a failed dial.
    pub settled: Duration,
    /// How long a connection stays after its last use.
    pub grace: Duration,
    /// A peer that used this node within this time does not lose its connection to a dial.
    pub busy: Duration,

    /// Attempts at unproven addresses, all together.
    pub attempts: Allowance,
    /// Attempts at unproven addresses that one peer told of.
    pub attempts_per_peer: Allowance,
    /// Attempts at unproven addresses that one tracker told of.
    pub attempts_per_tracker: Allowance,
    /// Attempts at unproven addresses that the DHT named.
    pub attempts_by_dht: Allowance,
    /// Attempts at unproven addresses of one public host (an IPv4 address, a /64 of IPv6).
    pub attempts_per_host: Allowance,
    /// Attempts at unproven addresses of one public network (/24 of IPv4, /48 of IPv6).
    pub attempts_per_network: Allowance,
    /// Attempts at unproven addresses of one host that is not public.
    pub attempts_per_local_host: Allowance,
    /// Attempts at unproven DNS names, all together: one owner may have any number of names for one target.
    pub attempts_at_names: Allowance,
    /// Hosts, networks and tellers that are counted at once, each.
    pub max_counted: usize,
}

impl PeerBookConfig {
    /// The waits between dials of a peer, before they are [jittered](crate::jittered).
    pub fn backoff(&self) -> Backoff {
        Backoff::new(self.retry_first, self.retry_most)
    }
}

impl PeerBookConfig {
    /// The default bounds as far as so many connections at once allow; where they are fewer, what is kept for each use
    /// shrinks alike. At least 8 are taken for granted.
    pub fn for_connections(connections: usize) -> Self {
        let all = Self::default();
        let most = connections.clamp(8, all.max_connections);
        let part = |of: usize| (of * most / all.max_connections).max(1);
        Self {
            max_dialing: part(all.max_dialing).max(2),
            dialing_kept_for_named: part(all.dialing_kept_for_named),
            max_connections: most,
            max_connections_per_network: part(all.max_connections_per_network),
            kept_for_newcomers: part(all.kept_for_newcomers),
            kept_for_dials: part(all.kept_for_dials),
            kept_for_named: part(all.kept_for_named),
            ..all
        }
    }
}

impl Default for PeerBookConfig {
    fn default() -> Self {
        let secs = Duration::from_secs;
        Self {
            max_peers: 4096,
            max_addresses: 16,
            max_peers_per_teller: 512,
            max_named_addresses: 1024,
            max_banned: 8192,
            max_dialing: 16,
            dialing_kept_for_named: 4,
            max_addresses_per_dial: 8,
            max_connections: 224,
            max_connections_per_network: 64,
            kept_for_newcomers: 48,
            kept_for_dials: 48,
            kept_for_named: 16,
            enough: 4,
            retry_first: secs(1),
            retry_most: secs(60),
            retry_named_most: secs(4),
            settled: secs(10),
            grace: secs(30),
            busy: secs(10),
            attempts: Allowance::new(128, Duration::from_millis(250)),
            attempts_per_peer: Allowance::new(64, secs(2)),
            attempts_per_tracker: Allowance::new(128, secs(1)),
            attempts_by_dht: Allowance::new(64, Duration::from_millis(500)),
            attempts_per_host: Allowance::new(8, secs(10)),
            attempts_per_network: Allowance::new(16, secs(5)),
            attempts_per_local_host: Allowance::new(64, secs(1)),
            attempts_at_names: Allowance::new(8, secs(10)),
            max_counted: 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_connections_leave_each_use_its_part() {
        let all = PeerBookConfig::default();
        assert_eq!(PeerBookConfig::for_connections(usize::MAX), all);
        assert_eq!(PeerBookConfig::for_connections(all.max_connections), all);
        for connections in 0..all.max_connections {
            let few = PeerBookConfig::for_connections(connections);
            assert_eq!(few.max_connections, connections.max(8));
            assert!(few.kept_for_newcomers + few.kept_for_dials < few.max_connections, "{few:?}");
            assert!((1..=few.kept_for_dials).contains(&few.kept_for_named), "{few:?}");
            assert!((1..few.max_dialing).contains(&few.dialing_kept_for_named), "{few:?}");
            assert!(few.max_connections_per_network >= 1);
        }
    }
}
