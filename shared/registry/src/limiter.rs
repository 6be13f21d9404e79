//! How often peers may ask, each for itself and all from one network together.

// From `core`, which has the addresses but no sockets.
use core::net::IpAddr;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_addresses::Prefix;

use super::{Throttle, WhenFull};

/// A [`Throttle`] of peers and one of the networks that they are seen in: peer ids cost nothing, addresses do.
/// Private networks have no bound, see [`Prefix::of`].
#[derive(Debug)]
pub struct RequestLimiter {
    peers: Throttle<PeerId>,
    prefixes: Throttle<Prefix>,
}

impl RequestLimiter {
    /// A peer may ask `burst` times at once and once more each `interval`; a network as often as
    /// `peers_per_prefix` (at least one) peers. Of either `most` are remembered; further ones replace those with the
    /// least to remember.
    pub fn new(burst: u32, interval: Duration, peers_per_prefix: u32, most: usize) -> Self {
        let many = peers_per_prefix.max(1);
        Self {
            peers: Throttle::new(burst, interval, most, WhenFull::Replace),
            prefixes: Throttle::new(burst.saturating_mul(many), interval / many, most, WhenFull::Replace),
        }
    }

    /// Whether `peer`, seen at `ip`, may ask now; if so, that is counted.
    pub fn allow(&mut self, now: Duration, peer: PeerId, ip: Option<IpAddr>) -> bool {
        let prefix = ip.and_then(Prefix::of);
        self.peers.allow(now, peer) && prefix.is_none_or(|prefix| self.prefixes.allow(now, prefix))
    }

    /// Peers that are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::peer;
    use crate::testing::secs;

    #[test]
    fn many_identities_in_one_network_are_like_a_few_peers() {
        let mut limiter = RequestLimiter::new(2, secs(10), 3, 100);
        let mut allowed = |now, ip: [u8; 4], from: usize| {
            (from..from + 20).filter(|n| limiter.allow(secs(now), peer(*n), Some(ip.into()))).count()
        };
        assert_eq!(allowed(0, [8, 8, 8, 1], 0), 6);
        assert_eq!(allowed(0, [8, 8, 8, 2], 20), 0, "the same network");
        assert_eq!(allowed(0, [8, 8, 9, 1], 40), 6, "another one");
        assert_eq!(allowed(0, [192, 168, 1, 1], 60), 20, "a private one");
        assert_eq!(allowed(10, [8, 8, 8, 1], 80), 3);
    }

    #[test]
    fn each_peer_has_its_own_bound_too() {
        let mut limiter = RequestLimiter::new(2, secs(10), 3, 100);
        let ip = Some([8, 8, 8, 8].into());
        assert_eq!((0..9).filter(|_| limiter.allow(secs(0), peer(1), ip)).count(), 2);
        assert_eq!((0..9).filter(|_| limiter.allow(secs(0), peer(2), None)).count(), 2);
    }
}
