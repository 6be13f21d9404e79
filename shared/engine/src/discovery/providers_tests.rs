//! Who floods the table, and what is kept of the others.

use proptest::prelude::*;
use rand::SeedableRng;

use super::*;
use crate::testing::peer;

fn key(n: u32) -> Vec<u8> {
    let mut key = vec![0x12, 0x20];
    key.extend([0; 28]);
    key.extend(n.to_be_bytes());
    key
}

fn table(limits: ProviderLimits) -> ProviderTable {
    ProviderTable::new(limits, SeededRng::seed_from_u64(3))
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn small() -> ProviderLimits {
    ProviderLimits { records: 50, per_key: 5, per_provider: 10, addresses: 2, ttl: secs(100) }
}

#[test]
fn own_keys_are_never_refused_however_full_it_is() {
    let mut table = table(small());
    (0..10_000).for_each(|n| table.add(secs(0), key(n as u32), peer(n), vec![]).unwrap());
    (0..2000).for_each(|n| table.own(key(n)));
    assert_eq!(table.counts(), (2000, 50));
    assert!(table.owns(&key(1999)));
    table.disown(&key(0));
    assert_eq!(table.owned().count(), 1999);
}

#[test]
fn a_record_ends_and_is_renewed_by_its_peer() {
    let mut table = table(small());
    table.add(secs(0), key(1), peer(1), vec![]).unwrap();
    assert_eq!(table.providers(secs(99), &key(1)).len(), 1);
    assert!(table.providers(secs(100), &key(1)).is_empty());
    table.add(secs(99), key(1), peer(1), vec![]).unwrap();
    assert_eq!(table.providers(secs(198), &key(1)).len(), 1);
    table.expire(secs(199));
    assert_eq!(table.counts(), (0, 0));
    assert!(table.places.is_empty() && table.per_provider.is_empty());
}

#[test]
fn whoever_floods_a_key_does_not_own_it() {
    let mut kept_honest = 0;
    for seed in 0..200 {
        let mut table = ProviderTable::new(ProviderLimits::default(), SeededRng::seed_from_u64(seed));
        (0..20).for_each(|n| table.add(secs(0), key(1), peer(n), vec![]).unwrap());
        // The honest one comes last; a store that is full for whoever comes late would not have it.
        table.add(secs(1), key(1), peer(1000), vec![]).unwrap();
        let all = table.providers(secs(2), &key(1));
        assert_eq!(all.len(), 20);
        kept_honest += usize::from(all.iter().any(|it| it.provider == peer(1000)));
    }
    assert_eq!(kept_honest, 200);
}

#[test]
fn a_provider_of_many_contents_takes_no_room_from_others() {
    let mut table = table(small());
    (0..20).for_each(|n| table.add(secs(0), key(n), peer(1), vec![]).unwrap());
    table.add(secs(0), key(0), peer(2), vec![]).unwrap();
    let named = |by: PeerId| {
        let has = |n: &u32| table.places.get(&key(*n)).is_some_and(|it| it.contains_key(&by));
        (0..20).filter(has).count()
    };
    assert_eq!((named(peer(1)), named(peer(2))), (10, 1));
    assert!(table.places[&key(19)].contains_key(&peer(1)), "what it said last is kept");
}

#[test]
fn only_keys_of_contents_and_few_addresses_are_kept() {
    let mut table = table(small());
    for bad in [vec![], vec![0x12, 0x20, 1], vec![0; 34], vec![0x12; 4000]] {
        assert_eq!(table.add(secs(0), bad, peer(1), vec![]), Err(NotKept::NoContent));
    }
    let many = (1..50).map(|port| format!("/ip4/8.8.8.8/tcp/{port}").parse().unwrap()).collect();
    table.add(secs(0), key(1), peer(1), many).unwrap();
    assert_eq!(table.providers(secs(1), &key(1))[0].addresses.len(), 2);
}

proptest! {
    #[test]
    fn all_bounds_hold_and_the_indices_agree(
        steps in prop::collection::vec((0u8..4, 0u32..12, 0usize..12, 0u64..40), 0..300),
    ) {
        let mut table = table(small());
        let mut now = secs(0);
        for (what, k, p, wait) in steps {
            now += secs(wait);
            match what {
                0 => table.remove(&key(k), &peer(p)),
                1 => table.expire(now),
                _ => table.add(now, key(k), peer(p), vec![]).unwrap(),
            }
            prop_assert!(table.records.len() <= 50);
            for (at, (key, entry)) in table.records.iter().enumerate() {
                prop_assert_eq!(table.places[key][&entry.provider], at);
            }
            prop_assert_eq!(table.places.values().map(BTreeMap::len).sum::<usize>(), table.records.len());
            prop_assert!(table.places.values().all(|it| !it.is_empty() && it.len() <= 5));
            prop_assert!(table.per_provider.values().all(|it| *it <= 10));
            prop_assert_eq!(table.per_provider.values().sum::<usize>(), table.records.len());
        }
    }
}
