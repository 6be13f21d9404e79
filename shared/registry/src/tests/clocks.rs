//! Peers with a clock that was set back.

use crate::testing::{everything, peer, registration, registry, secs};
use crate::{Registration, RegistryLimits};
use shoal_wire::rendezvous::RendezvousRefusal;

/// Numbers of records come from the peer's clock.
#[test]
fn a_peer_with_its_clock_set_back_is_stale_until_what_stands_is_over_or_taken_back_or_lost() {
    let registered = || {
        let mut registry = registry(RegistryLimits::default());
        registry.register(secs(0), Registration { sequence: 1_000, ..registration(1, "a") }).unwrap();
        registry
    };
    let back = |sequence| Registration { sequence, ..registration(1, "a") };
    let mut waits = registered();
    for now in [1, 30, 59] {
        assert_eq!(waits.register(secs(now), back(10 + now)), Err(RendezvousRefusal::StaleRecord), "{now}");
    }
    let elsewhere = Registration { sequence: 10, ..registration(1, "b") };
    assert_eq!(waits.register(secs(59), elsewhere), Ok(60), "it holds where it was said alone");
    assert_eq!(waits.register(secs(60), back(70)), Ok(60), "refusals do not prolong it");
    assert_eq!(waits.register(secs(61), back(71)), Ok(60), "it renews like any other");
    let mut leaves = registered();
    assert!(leaves.unregister(&peer(1), "a"));
    assert_eq!(leaves.register(secs(1), back(10)), Ok(60));
    let mut goes = registered();
    assert_eq!(goes.remove_peer(&peer(1)), 1);
    assert_eq!(goes.register(secs(1), back(10)), Ok(60));
    let before = everything(&registered(), secs(20));
    let mut restarted = registry(RegistryLimits::default());
    before.into_iter().for_each(|it| restarted.restore(secs(0), it).unwrap());
    assert_eq!(restarted.register(secs(39), back(10)), Err(RendezvousRefusal::StaleRecord));
    assert_eq!(restarted.register(secs(40), back(10)), Ok(60), "a restart of the tracker prolongs nothing");
}
