//! Single promises, one test each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use libp2p_identity::PeerId;
use shoal_addresses::Prefix;

use super::invariants::{check, footprint};
use crate::testing::peer;
use crate::testing::{everything, registration, registry, secs};
use crate::{DiscoveryPage, Registration, Registry, RegistryLimits};
use shoal_wire::rendezvous::{MAX_NAMESPACE, Quota, RendezvousRefusal};
use shoal_wire::tracker::Role;

fn peers(page: &DiscoveryPage) -> BTreeSet<PeerId> {
    page.listings.iter().map(|listing| listing.peer).collect()
}

fn ask(registry: &mut Registry, namespace: &str, limit: u64) -> DiscoveryPage {
    registry.discover(secs(1), Some(namespace), Some(limit), None, None).unwrap()
}

fn filled(count: usize, seeds: usize) -> Registry {
    let mut registry = registry(RegistryLimits::default());
    for n in 0..count {
        let role = if n < seeds { Some(Role::Seed) } else { Some(Role::Downloader) };
        registry.register(secs(1), Registration { role, ..registration(n, "big") }).unwrap();
    }
    registry
}

#[test]
fn a_small_swarm_is_given_whole_and_a_large_one_by_samples() {
    let mut registry = filled(5, 1);
    assert_eq!(ask(&mut registry, "big", 5).listings.len(), 5);
    let mut registry = filled(2_000, 1);
    let (first, second) = (ask(&mut registry, "big", 50), ask(&mut registry, "big", 50));
    assert_eq!((peers(&first).len(), peers(&second).len()), (50, 50));
    assert!(peers(&first).intersection(&peers(&second)).count() < 25, "two questions, two samples");
    for page in [first, second] {
        assert_eq!(
            page.listings.iter().filter(|l| l.role == Some(Role::Seed)).count(),
            1,
            "the only seed is in each"
        );
    }
}

#[test]
fn one_network_hides_nobody() {
    // All that a network may register, in one namespace and first, as whatever hides most; then a few from elsewhere.
    for role in [Some(Role::Seed), Some(Role::Downloader), None] {
        let mut registry = registry(RegistryLimits::default());
        let from = |n: usize, network: u8, role| Registration {
            role,
            prefixes: vec![Prefix::V4([8, 8, network])],
            ..registration(n, "big")
        };
        let most = RegistryLimits::default().per_prefix;
        for n in 0..most {
            registry.register(secs(1), from(n, 0, role)).unwrap();
        }
        for n in 0..5 {
            registry.register(secs(1), from(most + n, n as u8 + 1, role)).unwrap();
        }
        assert_eq!(registry.counts("big").total(), most + 5);
        for _ in 0..20 {
            let page = ask(&mut registry, "big", 50);
            assert_eq!(page.listings.len(), 50);
            let honest: BTreeSet<_> = (0..5).map(|n| peer(most + n)).collect();
            assert!(honest.is_subset(&peers(&page)), "{role:?}");
        }
        // Once its first ones have gone, those of the crowd that renew take their places.
        let renewed = |registry: &mut Registry, n| registry.register(secs(1), from(n, 0, role)).unwrap();
        (0..10).for_each(|n| assert!(registry.unregister(&peer(n), "big")));
        renewed(&mut registry, 20);
        check(&registry);
    }
}

#[test]
fn samples_reach_everybody() {
    let mut registry = filled(500, 100);
    let mut seen = BTreeSet::new();
    for _ in 0..60 {
        seen.extend(peers(&ask(&mut registry, "big", 50)));
    }
    assert!(seen.len() > 490, "{} of 500 in 60 samples of 50", seen.len());
}

#[test]
fn no_limit_makes_an_answer_longer_than_a_page() {
    let mut registry = filled(300, 10);
    for limit in [None, Some(0), Some(250), Some(u64::MAX)] {
        let all = registry.discover(secs(1), None, limit, None, None).unwrap();
        let big = registry.discover(secs(1), Some("big"), limit, None, None).unwrap();
        assert_eq!((all.listings.len(), peers(&big).len()), (100, 100));
    }
}

#[test]
fn the_same_seed_gives_the_same_answers() {
    let (mut one, mut other) = (filled(500, 10), filled(500, 10));
    for _ in 0..5 {
        assert_eq!(ask(&mut one, "big", 20), ask(&mut other, "big", 20));
    }
}

#[test]
fn the_asker_is_left_out_and_takes_nobodys_place() {
    let mut registry = filled(6, 1);
    let page = registry.discover(secs(1), Some("big"), Some(5), None, Some(peer(3))).unwrap();
    assert_eq!(peers(&page), [0, 1, 2, 4, 5].map(peer).into());
    let page = registry.discover(secs(1), None, Some(5), None, Some(peer(3))).unwrap();
    assert_eq!(peers(&page), [0, 1, 2, 4, 5].map(peer).into());
}

#[test]
fn without_a_namespace_each_peer_is_given_once_with_its_newest_record() {
    let mut registry = registry(RegistryLimits::default());
    for (at, name) in ["a", "b", "c"].iter().enumerate() {
        let record = Arc::from(vec![at as u8]);
        registry.register(secs(0), Registration { record, ..registration(1, name) }).unwrap();
    }
    let record = Arc::from(vec![9]);
    registry.register(secs(0), Registration { record, sequence: 2, ..registration(1, "b") }).unwrap();
    for name in [None, Some("")] {
        let page = registry.discover(secs(1), name, None, None, None).unwrap();
        assert_eq!(page.listings.len(), 1);
        assert_eq!((&*page.listings[0].namespace, &*page.listings[0].record), ("b", &[9][..]));
    }
}

#[test]
fn cookies_page_through_what_is_new() {
    let mut registry = filled(30, 1);
    let mut cookie = ask(&mut registry, "big", 10).cookie;
    (100..125).for_each(|n| assert!(registry.register(secs(1), registration(n, "big")).is_ok()));
    let mut pages = vec![];
    for _ in 0..4 {
        let page = registry.discover(secs(1), Some("big"), Some(10), Some(&cookie), None).unwrap();
        pages.push(peers(&page));
        cookie = page.cookie;
    }
    assert_eq!(pages.iter().map(BTreeSet::len).collect::<Vec<_>>(), [10, 10, 5, 0]);
    assert_eq!(pages.into_iter().flatten().collect::<BTreeSet<_>>(), (100..125).map(peer).collect());
}

#[test]
fn only_other_addresses_make_a_renewal_news() {
    let mut registry = filled(3, 1);
    let cookie = ask(&mut registry, "big", 10).cookie;
    let renewal = Registration { sequence: 2, record: Arc::from([7]), ..registration(1, "big") };
    registry.register(secs(1), renewal.clone()).unwrap();
    let new = |registry: &mut Registry| {
        peers(&registry.discover(secs(1), Some("big"), None, Some(&cookie), None).unwrap())
    };
    assert_eq!(new(&mut registry), [].into());
    registry.register(secs(1), Registration { addresses: 99, ..renewal }).unwrap();
    assert_eq!(new(&mut registry), [peer(1)].into());
}

#[test]
fn cookies_of_an_earlier_start_are_unknown() {
    let cookie = ask(&mut filled(3, 1), "big", 10).cookie;
    let mut restarted = Registry::new(RegistryLimits::default(), rand::SeedableRng::seed_from_u64(2));
    let answer = restarted.discover(secs(1), Some("big"), None, Some(&cookie), None);
    assert_eq!(answer, Err(RendezvousRefusal::Cookie));
    assert_eq!(restarted.counters().discover_refused, 1);
}

#[test]
fn namespaces_have_1_to_255_bytes() {
    let mut registry = registry(RegistryLimits::default());
    for (len, result) in [
        (0, Err(RendezvousRefusal::Namespace)),
        (1, Ok(60)),
        (MAX_NAMESPACE, Ok(60)),
        (256, Err(RendezvousRefusal::Namespace)),
    ] {
        assert_eq!(registry.register(secs(0), registration(1, &"n".repeat(len))), result, "{len}");
    }
    let long = "n".repeat(256);
    assert_eq!(registry.discover(secs(0), Some(&long), None, None, None), Err(RendezvousRefusal::Namespace));
    assert!(!registry.unregister(&peer(1), &long));
}

#[test]
fn records_have_a_size() {
    let mut registry = registry(RegistryLimits::default());
    for (len, result) in [
        (0, Err(RendezvousRefusal::RecordSize)),
        (2_048, Ok(60)),
        (2_049, Err(RendezvousRefusal::RecordSize)),
    ] {
        let record = vec![0; len].into();
        assert_eq!(registry.register(secs(0), Registration { record, ..registration(1, "a") }), result);
    }
}

#[test]
fn an_old_record_is_refused_and_changes_nothing() {
    let mut registry = registry(RegistryLimits::default());
    let with = |sequence, ttl| Registration { sequence, ttl: Some(ttl), ..registration(1, "a") };
    registry.register(secs(0), with(5, 60)).unwrap();
    assert_eq!(registry.register(secs(10), with(4, 60)), Err(RendezvousRefusal::StaleRecord));
    assert_eq!(registry.next_expiry(), Some(secs(60)));
    assert_eq!(registry.register(secs(10), with(5, 60)), Ok(60), "an equal one is a renewal");
    assert_eq!(registry.next_expiry(), Some(secs(70)));
    assert_eq!(registry.register(secs(10), with(6, 20)), Ok(20), "the new time replaces the old one");
    assert_eq!(registry.next_expiry(), Some(secs(30)));
}

#[test]
fn every_quota_keeps_newcomers_out_and_lets_renewals_in() {
    let base = RegistryLimits {
        total: 4,
        per_namespace: 4,
        per_peer: 4,
        per_prefix: 4,
        ..RegistryLimits::default()
    };
    let home = vec![Prefix::V4([8, 8, 8])];
    let from_home = |n, name| Registration { prefixes: home.clone(), ..registration(n, name) };
    for (limits, newcomer, quota) in [
        (RegistryLimits { total: 2, ..base.clone() }, registration(3, "c"), Quota::Total),
        (RegistryLimits { per_namespace: 1, ..base.clone() }, registration(3, "a"), Quota::Namespace),
        (RegistryLimits { per_peer: 1, ..base.clone() }, registration(1, "c"), Quota::Peer),
        (RegistryLimits { per_prefix: 2, ..base.clone() }, from_home(3, "c"), Quota::Prefix),
    ] {
        let mut registry = registry(limits);
        registry.register(secs(0), from_home(1, "a")).unwrap();
        registry.register(secs(0), from_home(2, "b")).unwrap();
        assert_eq!(registry.register(secs(1), newcomer.clone()), Err(RendezvousRefusal::Full(quota)));
        assert_eq!(registry.register(secs(1), from_home(1, "a")), Ok(60), "{quota:?}");
        assert_eq!(registry.register(secs(1), registration(2, "b")), Ok(60), "{quota:?}");
        assert!(registry.unregister(&peer(1), "a"));
        assert_eq!(registry.register(secs(1), newcomer), Ok(60), "{quota:?}: room again");
        assert_eq!(registry.counters().refused, 1);
    }
}

#[test]
fn a_renewal_from_elsewhere_stays_charged_where_it_began() {
    let mut registry = registry(RegistryLimits { per_prefix: 1, ..RegistryLimits::default() });
    let [home, away] = [1, 2].map(|n| vec![Prefix::V4([n; 3])]);
    let from = |n, prefixes: &Vec<_>| Registration { prefixes: prefixes.clone(), ..registration(n, "a") };
    registry.register(secs(0), from(1, &home)).unwrap();
    registry.register(secs(0), from(2, &away)).unwrap();
    registry.register(secs(0), from(1, &away)).unwrap();
    assert_eq!(registry.register(secs(0), from(3, &home)), Err(RendezvousRefusal::Full(Quota::Prefix)));
    check(&registry);
}

#[test]
fn one_registration_counts_once_per_prefix() {
    let mut registry = registry(RegistryLimits { per_prefix: 2, ..RegistryLimits::default() });
    let prefixes = vec![Prefix::V4([8; 3]), Prefix::V4([9; 3]), Prefix::V4([8; 3])];
    for n in 1..=2 {
        let twice = Registration { prefixes: prefixes.clone(), ..registration(n, "a") };
        assert_eq!(registry.register(secs(0), twice), Ok(60));
    }
    check(&registry);
}

#[test]
fn what_has_run_out_is_not_given_even_if_nobody_called_expire() {
    let mut registry = registry(RegistryLimits::default());
    registry.register(secs(0), registration(1, "a")).unwrap();
    let ttl = |registry: &mut Registry, at| {
        let page = registry.discover(at, Some("a"), None, None, None).unwrap();
        page.listings.first().map(|listing| listing.ttl)
    };
    assert_eq!(ttl(&mut registry, secs(20)), Some(40));
    assert_eq!(ttl(&mut registry, secs(60) - Duration::from_nanos(1)), Some(1));
    assert_eq!(ttl(&mut registry, secs(60)), None);
    assert_eq!((registry.counters().expired, registry.next_expiry()), (1, None));
    assert_eq!(registry.register(secs(60), Registration { sequence: 0, ..registration(1, "a") }), Ok(60));
}

#[test]
fn one_peer_that_renews_for_ever_takes_no_memory() {
    let mut registry = filled(10, 2);
    let renew = |registry: &mut Registry, n: u64| {
        let role = if n.is_multiple_of(2) { Some(Role::Seed) } else { Some(Role::Downloader) };
        let prefixes = vec![Prefix::V4((n as u32).to_be_bytes()[1..].try_into().unwrap())];
        let mut renewal =
            Registration { sequence: n, addresses: n, role, prefixes, ..registration(1, "big") };
        renewal.record = n.to_be_bytes().to_vec().into();
        registry.register(secs(1 + n / 10_000), renewal).unwrap();
        registry.discover(secs(1 + n / 10_000), Some("big"), None, None, None).unwrap();
    };
    renew(&mut registry, 1);
    let before = footprint(&registry);
    (2..=100_000).for_each(|n| renew(&mut registry, n));
    assert_eq!(footprint(&registry), before);
    assert_eq!((registry.len(), registry.counters().renewed), (10, 100_000));
    check(&registry);
}

#[test]
fn peers_that_come_and_go_leave_nothing() {
    let mut registry = registry(RegistryLimits::default());
    for round in 0..50u64 {
        for n in 0..40 {
            let prefixes = vec![Prefix::V6([round as u8; 6])];
            let name = format!("{round} {}", n % 7);
            registry
                .register(secs(round * 100), Registration { prefixes, ..registration(n, &name) })
                .unwrap();
        }
    }
    check(&registry);
    assert_eq!(footprint(&registry)[..3], [40, 40, 7]);
    registry.expire(secs(10_000));
    assert_eq!((registry.len(), registry.peers(), registry.namespaces()), (0, 0, 0));
    assert_eq!(footprint(&registry)[3..], [0; 5]);
}

#[test]
fn equal_records_of_a_peer_are_kept_once() {
    let mut registry = registry(RegistryLimits::default());
    for name in ["a", "b", "c"] {
        registry.register(secs(0), registration(1, name)).unwrap();
        registry.register(secs(0), Registration { sequence: 2, ..registration(1, name) }).unwrap();
    }
    let records: Vec<_> = everything(&registry, secs(1)).into_iter().map(|r| r.record).collect();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| Arc::ptr_eq(record, &records[0])));
}

#[test]
fn a_restored_table_is_the_same() {
    let mut old = filled(20, 3);
    let prefixes = vec![Prefix::V4([8; 3])];
    old.register(secs(10), Registration { ttl: Some(20), prefixes, ..registration(1, "short") }).unwrap();
    let now = secs(25);
    let mut new = registry(RegistryLimits::default());
    everything(&old, now)
        .into_iter()
        .for_each(|registration| assert!(new.restore(now, registration).is_ok()));
    let sorted = |registry: &Registry| {
        let mut all = everything(registry, now);
        all.sort_by_key(|r| (r.peer, r.namespace.clone()));
        all
    };
    assert_eq!(sorted(&old), sorted(&new));
    assert_eq!(new.len(), 21);
    assert_eq!(new.next_expiry(), Some(secs(30)));
}
