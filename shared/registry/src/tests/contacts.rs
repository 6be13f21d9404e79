//! What is told of a peer: its newest record, and a registration as it stands.

use super::invariants::check;
use crate::testing::{peer, registration, registry, secs};
use crate::{Contact, Registration, Registry, RegistryLimits};

/// Registers the first peer with a record of its own.
fn register(registry: &mut Registry, now: u64, namespace: &str, record: u8) {
    let record = vec![record].into();
    let new = Registration { record, sequence: now, addresses: 7, ..registration(1, namespace) };
    registry.register(secs(now), new).unwrap();
    check(registry);
}

fn newest(registry: &Registry) -> Option<u8> {
    registry.contact(&peer(1)).map(|Contact { record, .. }| record[0])
}

#[test]
fn the_newest_record_stays_so_when_an_older_one_goes() {
    let mut registry = registry(RegistryLimits::default());
    assert_eq!(newest(&registry), None);
    for (now, namespace) in [(1, "a"), (2, "b"), (3, "c")] {
        register(&mut registry, now, namespace, now as u8);
        assert_eq!(newest(&registry), Some(now as u8));
    }
    register(&mut registry, 4, "a", 4);
    assert!(registry.unregister(&peer(1), "b"));
    assert_eq!(newest(&registry), Some(4), "another one went");
    assert!(registry.unregister(&peer(1), "a"));
    assert_eq!(newest(&registry), Some(3));
    check(&registry);
    registry.expire(secs(63));
    assert_eq!(newest(&registry), None);
}

#[test]
fn a_registration_is_told_with_the_rest_of_its_time_until_that_is_over() {
    let mut registry = registry(RegistryLimits::default());
    register(&mut registry, 10, "a", 5);
    let told = |now| registry.registration(secs(now), &peer(1), "a");
    for (now, left) in [(10, 60), (11, 59), (69, 1)] {
        let told = told(now).unwrap();
        assert_eq!((told.peer, told.namespace.as_str(), told.ttl), (peer(1), "a", Some(left)));
        assert_eq!((told.record.as_ref(), told.sequence, told.addresses), (&[5][..], 10, 7));
    }
    assert_eq!([told(70), told(71)], [None, None]);
    assert!(registry.registration(secs(10), &peer(1), "b").is_none());
    assert!(registry.registration(secs(10), &peer(2), "a").is_none());
}

/// The addresses of a peer are those of its newest record, also when an older one is renewed just as it was.
#[test]
fn what_is_renewed_as_it_was_may_be_news_of_the_peer() {
    let mut registry = registry(RegistryLimits::default());
    let with =
        |n: usize, namespace: &str, addresses| Registration { addresses, ..registration(n, namespace) };
    for (n, namespace, addresses) in [(1, "a", 1), (1, "b", 2), (2, "b", 3), (1, "a", 1)] {
        registry.register(secs(1), with(n, namespace, addresses)).unwrap();
        check(&registry);
    }
}
