mod model;
mod properties;
mod scenarios;

use std::time::Duration;

use libp2p_identity::PeerId;
use multiaddr::Multiaddr;
use rand::SeedableRng;

use super::{Asker, ServiceLimits, Services};
use rand_chacha::ChaCha8Rng;
use shoal_addresses::Prefix;
use shoal_content::{ContentId, Hash};
use shoal_engine::numbered_peer;
use shoal_registry::{self as registry, Registration, Registry};
use shoal_wire::swarm_namespace;
use shoal_wire::tracker::IndexEntry;

/// The `n`th of many different peer ids.
pub(crate) fn peer(n: usize) -> PeerId {
    numbered_peer(n as u32)
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn content(n: usize) -> ContentId {
    ContentId::from_root_hash(Hash::of(&n.to_be_bytes()))
}

fn entry(n: usize, name: &str) -> IndexEntry {
    IndexEntry { name: name.to_owned(), size: 7, files: 1, content: content(n) }
}

/// A peer that connects from the network 8.8.`network`.0/24.
fn from(peer: PeerId, network: u8) -> Asker {
    Asker { peer, ip: Some([8, 8, network, 1].into()) }
}

fn prefix(network: u8) -> Prefix {
    Prefix::of([8, 8, network, 1].into()).unwrap()
}

/// Records of these tests are addresses as text, one on each line.
fn addresses_in(record: &[u8]) -> Vec<Multiaddr> {
    String::from_utf8_lossy(record).lines().filter_map(|line| line.parse().ok()).collect()
}

fn registry() -> Registry {
    Registry::new(registry::RegistryLimits::default(), ChaCha8Rng::seed_from_u64(1))
}

fn services(limits: ServiceLimits) -> Services {
    Services::new(secs(0), limits, "1.2.3", addresses_in)
}

/// Registers for 100 s.
fn register(registry: &mut Registry, now: Duration, peer: PeerId, content: ContentId, addresses: &str) {
    let registration = Registration {
        peer,
        namespace: swarm_namespace(&content),
        record: addresses.as_bytes().into(),
        sequence: 1,
        addresses: 1,
        prefixes: vec![],
        ttl: Some(100),
        role: None,
        observed: None,
    };
    registry.register(now, registration).unwrap();
}
