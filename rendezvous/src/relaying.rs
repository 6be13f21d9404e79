//! Relaying for peers that reach each other in no other way, and dialling them back to see whether that is so.
//!
//! Both are libp2p's (circuit relay v2, AutoNAT v2). What this adds: the limits that an operator sets, and that nobody has the
//! tracker dial where the asker does not stand ([`DialBack`](shoal_guard::DialBack)). What always holds: a reservation, a
//! circuit and what it carries are bounded by [`RelaySettings`]; what goes over a circuit is encrypted between
//! its ends.

use std::num::NonZeroU32;
use std::time::Duration;

use libp2p::swarm::NetworkBehaviour;
use libp2p::{PeerId, Swarm, relay};
use shoal_addresses::{Scope, is_dialable};

use crate::settings::RelaySettings;

/// How long a reservation lasts before it is renewed.
const RESERVATION: Duration = Duration::from_secs(3600);
/// Reservations of one peer: one for each connection.
const RESERVATIONS_PER_PEER: usize = 4;
/// What a circuit may last where there is no limit: the protocol has no word for that, and 32 bits for seconds.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);
/// How often one peer, and one address, may ask for a reservation or a circuit: so many at once, and one more each time
/// that this has passed. A peer that comes back after a change of its network asks anew.
const ASKS: (u32, Duration) = (60, Duration::from_secs(10));
/// Peers behind one router have one address.
const ASKS_PER_ADDRESS: (u32, Duration) = (600, Duration::from_secs(1));

/// The behaviour of a relay.
pub(crate) fn behaviour(local: PeerId, settings: &RelaySettings) -> relay::Behaviour {
    let unlimited = settings.circuit_time.is_zero();
    let config = relay::Config {
        max_reservations: settings.reservations,
        max_reservations_per_peer: RESERVATIONS_PER_PEER,
        reservation_duration: RESERVATION,
        reservation_rate_limiters: vec![],
        max_circuits: settings.circuits,
        max_circuits_per_peer: settings.circuits_per_peer,
        max_circuit_duration: if unlimited { FOR_EVER } else { settings.circuit_time },
        max_circuit_bytes: settings.circuit_bytes,
        circuit_src_rate_limiters: vec![],
    };
    let times = |n: u32| NonZeroU32::new(n).expect("a constant above zero");
    let config = config
        .reservation_rate_per_peer(times(ASKS.0), ASKS.1)
        .reservation_rate_per_ip(times(ASKS_PER_ADDRESS.0), ASKS_PER_ADDRESS.1)
        .circuit_src_per_peer(times(ASKS.0), ASKS.1)
        .circuit_src_per_ip(times(ASKS_PER_ADDRESS.0), ASKS_PER_ADDRESS.1);
    relay::Behaviour::new(local, config)
}

/// Announces where the tracker listens: a relay that knows no address of its own takes nobody in. Loopback addresses only if
/// there are no others.
pub(crate) fn announce<B: NetworkBehaviour>(swarm: &mut Swarm<B>) {
    let listening: Vec<_> = swarm.listeners().filter(|address| is_dialable(address)).cloned().collect();
    let is_loopback = |address: &libp2p::Multiaddr| Scope::of(address) == Some(Scope::Loopback);
    let only_loopback = listening.iter().all(is_loopback);
    for address in listening.into_iter().filter(|address| only_loopback || !is_loopback(address)) {
        swarm.add_external_address(address);
    }
}
