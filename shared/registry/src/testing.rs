//! What the registry's tests share.

use std::time::Duration;

use rand::SeedableRng;

use super::{Registration, Registry, RegistryLimits};
use libp2p_identity::PeerId;
use rand_chacha::ChaCha8Rng;
use shoal_engine::numbered_peer;

/// The `n`th of many different peer ids.
pub(crate) fn peer(n: usize) -> PeerId {
    numbered_peer(n as u32)
}

pub(super) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn registry(limits: RegistryLimits) -> Registry {
    Registry::new(limits, ChaCha8Rng::seed_from_u64(1))
}

/// A plain registration of the `n`th peer for a minute.
pub(super) fn registration(n: usize, namespace: &str) -> Registration {
    Registration {
        peer: peer(n),
        namespace: namespace.to_owned(),
        record: vec![n as u8; 300].into(),
        sequence: 1,
        addresses: n as u64,
        prefixes: vec![],
        observed: None,
        ttl: Some(60),
        role: None,
    }
}

/// All that is registered at a time, in no particular order.
pub(super) fn everything(registry: &Registry, now: Duration) -> Vec<Registration> {
    let alive = registry.entries.iter().filter(|(_, entry)| entry.expires > now);
    alive.map(|(_, entry)| registry.registration_of(now, entry)).collect()
}
