//! Questions in networks of many nodes, floods, and answers that are too long.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use libp2p_identity::PeerId;
use proptest::prelude::*;
use rand::SeedableRng;
use shoal_content::{ContentId, Hash};
use shoal_wire::query::{FindId, FoundClaim, PeerAddresses};

use super::{FindConfig, FindDecision, FindRelay, FoundSet};
use crate::SeededRng;
use crate::testing::peer;

const NOW: Duration = Duration::from_secs(100);

fn id(n: usize) -> FindId {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_le_bytes());
    FindId(bytes)
}

fn relay(seed: u64, config: FindConfig) -> FindRelay {
    FindRelay::new(config, SeededRng::seed_from_u64(seed))
}

/// Asks through a network; returns who was reached at which distance, and how many questions were asked.
fn flood(links: &[(usize, usize)], from: usize, hops: u8) -> (BTreeMap<usize, u8>, usize) {
    let mut near: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (a, b) in links {
        near.entry(*a).or_default().push(*b);
        near.entry(*b).or_default().push(*a);
    }
    let number: BTreeMap<PeerId, usize> = near.keys().map(|n| (peer(*n), *n)).collect();
    let mut relays: BTreeMap<usize, FindRelay> =
        near.keys().map(|n| (*n, relay(*n as u64, FindConfig::default()))).collect();
    relays.get_mut(&from).unwrap().begin(NOW, id(7), hops);
    let mut line: VecDeque<(usize, usize, u8, u8)> =
        near[&from].iter().map(|to| (from, *to, hops, 1)).collect();
    let (mut reached, mut questions) = (BTreeMap::new(), 0);
    while let Some((from, at, hops, distance)) = line.pop_front() {
        questions += 1;
        let neighbours = near[&at].iter().map(|n| peer(*n));
        let decision = relays.get_mut(&at).unwrap().asked(NOW, peer(from), id(7), hops, neighbours);
        match decision {
            FindDecision::Known | FindDecision::Refuse => continue,
            FindDecision::Answer => {}
            FindDecision::Pass { to, hops, .. } => {
                line.extend(to.iter().map(|to| (at, number[to], hops, distance + 1)));
            }
        }
        reached.insert(at, distance);
    }
    (reached, questions)
}

#[test]
fn a_question_goes_as_far_as_it_may() {
    let line: Vec<_> = (0..9).map(|n| (n, n + 1)).collect();
    for hops in 0..=7 {
        let (reached, questions) = flood(&line, 0, hops);
        assert_eq!(reached.len(), hops as usize + 1, "the first one is asked, and passes it on {hops} times");
        assert_eq!(questions, reached.len());
    }
    assert_eq!(flood(&line, 0, 200).0.len(), 8, "more than may be");
}

#[test]
fn in_a_circle_it_comes_to_an_end() {
    let circle: Vec<_> = (0..6).map(|n| (n, (n + 1) % 6)).collect();
    let (reached, questions) = flood(&circle, 0, 7);
    assert_eq!(reached.len(), 5, "everybody else: {reached:?}");
    // Each link carries it once in each direction at most.
    assert!(questions <= 12, "{questions}");
}

proptest! {
    /// Whatever the network, nobody looks twice, and every link carries the question twice at most.
    #[test]
    fn questions_are_bounded_by_the_links(
        links in prop::collection::btree_set((0usize..12, 0usize..12), 1..40), hops in 0u8..9,
    ) {
        let links: Vec<_> = links.into_iter().filter(|(a, b)| a != b).collect();
        prop_assume!(!links.is_empty());
        let (_, questions) = flood(&links, links[0].0, hops);
        prop_assert!(questions <= 2 * links.len() * 2);
    }

    /// Nothing grows without bound, whoever asks what when.
    #[test]
    fn memory_is_bounded(asked in prop::collection::vec((0usize..40, 0usize..60, 0u64..5000, any::<u8>()), 0..300)) {
        let config = FindConfig { most_ids: 16, most_peers: 8, most_under_way: 4, ..FindConfig::default() };
        let mut relay = relay(1, config);
        let mut now = NOW;
        for (from, question, wait, hops) in asked {
            now += Duration::from_millis(wait);
            let decision = relay.asked(now, peer(from), id(question), hops, (0..20).map(peer));
            if let FindDecision::Pass { to, hops, wait } = decision {
                prop_assert!(to.len() <= config.fan_out && !to.contains(&peer(from)));
                prop_assert!(hops < 7 && wait <= config.wait_per_pass * 7);
                if question % 3 != 0 {
                    relay.finished();
                }
            }
            let (ids, askers) = relay.sizes();
            prop_assert!(ids <= 16 && askers <= 8);
        }
    }
}

#[test]
fn who_asks_too_often_is_refused_and_forgiven() {
    let config = FindConfig::default();
    let mut it = relay(1, config);
    let mut ask = |now, from, n| it.asked(now, peer(from), id(n), 0, []) == FindDecision::Refuse;
    let refused = (0..100).filter(|n| ask(NOW, 1, *n)).count();
    assert_eq!(refused, 100 - config.burst as usize);
    assert!(!ask(NOW, 2, 200), "others are not held back");
    assert!(!ask(NOW + config.interval, 1, 300) && ask(NOW + config.interval, 1, 301));
}

#[test]
fn what_is_passed_on_in_all_is_bounded_whoever_asks() {
    let config = FindConfig { most_under_way: usize::MAX, ..FindConfig::default() };
    let mut it = relay(1, config);
    let passed = (0..900).map(|n| match it.asked(NOW, peer(n), id(n), 7, (0..50).map(peer)) {
        FindDecision::Pass { to, .. } => to.len(),
        FindDecision::Answer => 0,
        other => panic!("{other:?}"),
    });
    assert_eq!(passed.sum::<usize>(), config.passes as usize);
}

#[test]
fn no_more_wait_than_may() {
    let config = FindConfig::default();
    let mut it = relay(1, config);
    let mut ask = |n: usize, end: bool| {
        if end {
            it.finished();
        }
        it.asked(NOW, peer(n), id(n), 3, [peer(1000)])
    };
    let passed = (0..100).filter(|n| matches!(ask(*n, false), FindDecision::Pass { .. })).count();
    assert_eq!(passed, config.most_under_way);
    assert!(matches!(ask(500, true), FindDecision::Pass { .. }));
}

#[test]
fn a_question_is_known_for_its_time() {
    let config = FindConfig::default();
    let mut it = relay(1, config);
    assert_eq!(it.asked(NOW, peer(1), id(1), 0, []), FindDecision::Answer);
    assert_eq!(it.asked(NOW, peer(2), id(1), 0, []), FindDecision::Known);
    assert_eq!(it.asked(NOW + config.remember, peer(2), id(1), 0, []), FindDecision::Answer);
    let mut it = relay(1, config);
    it.begin(NOW, id(2), 3);
    assert_eq!(it.asked(NOW, peer(2), id(2), 3, [peer(3)]), FindDecision::Known, "one's own comes back");
}

/// Who passes a question on must answer before whoever asked it has given up.
#[test]
fn who_is_nearer_waits_longer() {
    let mut waits = vec![relay(1, FindConfig::default()).begin(NOW, id(1), 7)];
    for hops in (1..=7).rev() {
        match relay(1, FindConfig::default()).asked(NOW, peer(1), id(1), hops, [peer(2)]) {
            FindDecision::Pass { wait, .. } => waits.push(wait),
            other => panic!("{other:?}"),
        }
    }
    assert!(waits.is_sorted_by(|near, far| near > far), "{waits:?}");
}

fn claim(n: usize, who: &[usize]) -> FoundClaim {
    let peers = who.iter().map(|n| PeerAddresses::new(peer(*n), &[])).collect();
    let content = ContentId::from_root_hash(Hash::of(&n.to_le_bytes()));
    FoundClaim { name: format!("n{n}"), size: n as u64, files: 1, peers, content }
}

#[test]
fn an_answer_with_ten_thousand_results_is_cut_and_takes_nobodys_place() {
    let mut found = FoundSet::new();
    found.add((0..10_000).map(|n| claim(n, &[1])));
    found.add([claim(20_000, &[2]), claim(20_001, &[2])]);
    assert_eq!(found.len(), 52);
    let result = found.finish();
    assert_eq!(result.len(), 50);
    for honest in [20_000, 20_001] {
        assert!(result.contains(&claim(honest, &[2])), "{honest}");
    }
}

#[test]
fn claims_of_one_content_are_one_and_those_that_differ_are_not() {
    let mut found = FoundSet::new();
    found.add([claim(1, &[1, 2])]);
    found.add([claim(1, &[2, 3, 4, 5, 6]), FoundClaim { name: "forged".into(), ..claim(1, &[7]) }]);
    let result = found.finish();
    assert_eq!(result.len(), 2);
    assert_eq!(result[0], claim(1, &[1, 2, 3, 4]), "no more peers than may be");
    assert_eq!(result[1].name, "forged");
}
