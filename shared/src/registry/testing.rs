//! What the registry's tests share.

use std::time::Duration;

use rand::SeedableRng;

use super::{Limits, Registration, Registry, Role};
use crate::engine::SeededRng;
use crate::engine::testing::peer;

pub(super) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(super) fn registry(limits: Limits) -> Registry {
    Registry::new(limits, SeededRng::seed_from_u64(1))
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
        role: Role::Unknown,
    }
}
