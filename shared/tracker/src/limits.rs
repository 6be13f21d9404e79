//! How much a tracker keeps for each peer and in all, for how long, and how often it may be asked.

use std::time::Duration;

use shoal_wire::tracker::MAX_PAYLOAD;

/// What an operator may choose. The defaults hold all of it below some 200 MiB.
///
/// Quotas hold for what is new: what is there may always be renewed.
#[derive(Debug, Clone)]
pub struct ServiceLimits {
    /// Most published entries in all. Each takes some 1.5 KiB when one peer publishes it.
    pub entries: usize,
    /// Most entries of one peer. Each needs a registration too, so the registry's quotas per address prefix
    /// bound what a network may publish.
    pub entries_per_peer: usize,
    /// How long an entry is kept if it is not published again. A node publishes it again with every renewal
    /// of a registration, so that a tracker that has forgotten everything soon knows it again.
    pub entry_ttl: Duration,
    /// Most names that one search looks at before it gives a cursor instead.
    pub scan: usize,
    /// Most publishers that one search looks up in the registry.
    pub lookups: usize,
    /// Longest payload, in bytes; at most 64 KiB.
    pub payload: usize,
    /// Most payloads in all.
    pub payloads: usize,
    /// Most bytes of payloads in all.
    pub payload_bytes: usize,
    /// Most payloads of one peer.
    pub payloads_per_peer: usize,
    /// Most bytes of payloads of one peer.
    pub payload_bytes_per_peer: usize,
    /// Most payloads from one address prefix (/24 or /48): peer ids cost nothing, addresses do.
    pub payloads_per_prefix: usize,
    /// Most bytes of payloads from one address prefix.
    pub payload_bytes_per_prefix: usize,
    /// How long a payload is kept after it was last put. A `get` does not prolong it, so reading never
    /// causes a write, and others cannot keep what its owner has given up.
    pub payload_ttl: Duration,
    /// Requests that one peer may make at once.
    pub burst: u32,
    /// How long until one more request is allowed to it.
    pub interval: Duration,
    /// How many peers' worth of requests one address prefix may make.
    pub peers_per_prefix: u32,
    /// Peers and prefixes whose requests are remembered; further ones replace those with the least to
    /// remember.
    pub askers: usize,
}

impl ServiceLimits {
    /// How much of a payload's time a restart may cost.
    pub(super) fn payload_slack(&self) -> Duration {
        self.payload_ttl / 24
    }
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            entries: 50_000,
            entries_per_peer: 1_000,
            entry_ttl: Duration::from_secs(5 * 60),
            scan: 5_000,
            lookups: 2_000,
            payload: MAX_PAYLOAD,
            payloads: 20_000,
            payload_bytes: 64 << 20,
            payloads_per_peer: 64,
            payload_bytes_per_peer: 1 << 20,
            payloads_per_prefix: 256,
            payload_bytes_per_prefix: 4 << 20,
            payload_ttl: Duration::from_secs(24 * 60 * 60),
            burst: 300,
            interval: Duration::from_millis(50),
            peers_per_prefix: 8,
            askers: 8_192,
        }
    }
}
