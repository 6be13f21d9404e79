//! Candidates that wait, are sought, fail and are told of.

use super::candidate::{Pick, State};
use super::candidates::*;
use super::messages::PeerSource;
use super::*;
use proptest::prelude::*;
use rand::SeedableRng;

const NOW: Duration = Duration::from_secs(1);

fn rng() -> SeededRng {
    SeededRng::seed_from_u64(1)
}

fn with(peers: impl IntoIterator<Item = u32>, source: PeerSource<u32>) -> Candidates<u32> {
    let (mut all, mut rng) = (Candidates::default(), rng());
    peers.into_iter().for_each(|peer| all.add(NOW, peer, source, &mut rng));
    all
}

#[test]
fn each_is_sought_once_and_again_after_its_time() {
    let mut all = with([7], PeerSource::Tracker(0));
    assert_eq!(all.next(NOW, Pick::Any), Some(7));
    assert_eq!((all.next(NOW, Pick::Any), all.sought()), (None, 1));
    let later = NOW + Duration::from_secs(5);
    all.failed(&7, later, false);
    assert_eq!((all.next(NOW, Pick::Any), all.due(), all.sought()), (None, Some(later), 0));
    assert_eq!(all.next(later, Pick::Any), Some(7));
}

#[test]
fn somewhere_else_all_are_worth_a_try_again() {
    let mut all = with([1, 2], PeerSource::Tracker(0));
    assert!(all.next(NOW, Pick::Any).is_some() && all.next(NOW, Pick::Any).is_some());
    all.failed(&1, NOW + Duration::from_secs(60), false);
    assert_eq!(all.next(NOW, Pick::Any), None);
    all.path_changed(NOW);
    assert_eq!((all.next(NOW, Pick::Any), all.next(NOW, Pick::Any)), (Some(1), None), "2 is being sought");
}

#[test]
fn what_the_user_named_comes_first_and_stays() {
    let mut all = with(0..100, PeerSource::Tracker(0));
    all.add(NOW, 1000, PeerSource::User, &mut rng());
    assert_eq!(all.next(NOW, Pick::Any), Some(1000));
    all.failed(&1000, NOW, true);
    let mut rng = rng();
    (2000..4000).for_each(|peer| all.add(NOW, peer, PeerSource::User, &mut rng));
    assert!(all.all.contains_key(&1000) && all.all.len() <= MAX_CANDIDATES);
}

#[test]
fn told_by_peers_never_displaces_told_by_trackers() {
    let half = MOST_OF_ONE_SOURCE as u32;
    let mut all = with(0..half, PeerSource::Tracker(0));
    let mut rng = rng();
    (half..2 * half).for_each(|peer| all.add(NOW, peer, PeerSource::Tracker(1), &mut rng));
    (1000..2000).for_each(|peer| all.add(NOW, peer, PeerSource::Peer(1), &mut rng));
    assert!(all.all.keys().all(|peer| *peer < 1000));
    all.add(NOW, 5000, PeerSource::Tracker(0), &mut rng);
    assert!(all.all.contains_key(&5000) && all.all.len() == MAX_CANDIDATES);
}

#[test]
fn a_member_that_needs_nothing_seeks_no_complete_peer() {
    let mut all = with([1, 2], PeerSource::Tracker(0));
    all.set_complete(&1, true);
    assert_eq!((all.next(NOW, Pick::Incomplete), all.next(NOW, Pick::Incomplete)), (Some(2), None));
    all.failed(&2, NOW, true);
    assert_eq!(all.next(NOW, Pick::Incomplete), Some(2));
    all.failed(&2, NOW, true);
    assert_eq!(all.next(NOW, Pick::Incomplete), None, "forgotten after the second try");
    all.set_complete(&1, true);
    assert_eq!(all.next(NOW, Pick::Any), Some(1));
}

/// A tracker that tells of hundreds that nobody ever reaches delays no other source.
#[test]
fn each_source_has_its_turn() {
    let (flood, honest) = (PeerSource::Tracker(0), [PeerSource::Tracker(1), PeerSource::Peer(7)]);
    let mut all = with(0..5000, flood);
    assert_eq!(all.all.len(), MOST_OF_ONE_SOURCE, "it displaces its own");
    let (mut rng, later) = (rng(), NOW + Duration::from_secs(1));
    for (n, source) in honest.into_iter().enumerate() {
        (0..5).for_each(|peer| all.add(later, 10_000 + 10 * n as u32 + peer, source, &mut rng));
    }
    let next: Vec<u32> = (0..15).filter_map(|_| all.next(later, Pick::Any)).collect();
    assert_eq!(next.iter().filter(|peer| **peer < 5000).count(), 5, "{next:?}");
    // A flood that comes later displaces none of them, and none of those that it displaced had a turn for nothing.
    (20_000..30_000).for_each(|peer| all.add(later, peer, PeerSource::Peer(8), &mut rng));
    (30_000..40_000).for_each(|peer| all.add(later, peer, flood, &mut rng));
    assert!(next.iter().all(|peer| all.all.contains_key(peer)) && all.all.len() <= MAX_CANDIDATES);
}

#[test]
fn promising_are_those_that_were_never_tried_were_complete_or_are_named() {
    let mut all = with([1, 2, 3], PeerSource::Tracker(0));
    while all.next(NOW, Pick::Any).is_some() {}
    [1, 2, 3].iter().for_each(|peer| all.failed(peer, NOW, false));
    assert_eq!(all.next(NOW, Pick::Promising), None);
    all.set_complete(&2, true);
    all.add(NOW, 4, PeerSource::Peer(9), &mut rng());
    all.add(NOW, 3, PeerSource::User, &mut rng());
    assert_eq!((all.named_due(), all.next(NOW, Pick::Promising)), (Some(NOW), Some(3)));
    let mut others = [all.next(NOW, Pick::Promising), all.next(NOW, Pick::Promising)];
    others.sort_unstable();
    assert_eq!((others, all.next(NOW, Pick::Promising)), ([Some(2), Some(4)], None));
    assert_eq!(all.next(NOW, Pick::Any), Some(1));
}

proptest! {
    /// Whatever happens, `due` never lies after the time at which somebody is due.
    #[test]
    fn nobody_is_overlooked(steps in prop::collection::vec((0u8..7, 0u32..8, 0u64..50), 0..100)) {
        let mut all = Candidates::default();
        let mut rng = rng();
        let mut now = Duration::ZERO;
        for (what, peer, millis) in steps {
            now += Duration::from_millis(millis);
            match what {
                0 => all.add(now, peer, PeerSource::Tracker(0), &mut rng),
                1 => drop(all.next(now, Pick::Any)),
                2 => all.connected(&peer),
                3 => all.add(now, peer, PeerSource::User, &mut rng),
                4 => all.remove(&peer),
                5 => all.ended(&peer, now + Duration::from_millis(millis)),
                _ => all.failed(&peer, now + Duration::from_millis(millis), false),
            }
            let sought = all.all.values().filter(|c| c.state == State::Sought).count();
            prop_assert_eq!(all.sought(), sought);
            let taken = all.all.values().filter(|c| c.is_named && c.waits_until().is_none()).count();
            prop_assert_eq!(all.named_taken(), taken);
            let waiting = all.all.values().filter_map(|c| match c.state {
                State::Waiting(at) => Some(at),
                _ => None,
            });
            if let Some(at) = waiting.min() {
                prop_assert!(all.due().is_some_and(|due| due <= at.max(now)), "{at:?} {:?}", all.due());
            }
            let promising = all.all.values().filter(|c| c.is_promising()).filter_map(|c| c.waits_until());
            if let Some(at) = promising.min() {
                let due = all.promising_due();
                prop_assert!(due.is_some_and(|due| due <= at.max(now)), "{at:?} {due:?}");
            }
        }
    }
}

#[test]
fn none_of_a_kind_is_due_before_any_is() {
    let (mut all, mut rng) = (Candidates::default(), rng());
    all.add(Duration::ZERO, 1, PeerSource::User, &mut rng);
    // It is taken as one of all, and waits again.
    assert_eq!(all.next(Duration::ZERO, Pick::Any), Some(1));
    all.failed(&1, Duration::from_secs(100), false);
    assert_eq!(all.next(Duration::ZERO, Pick::Any), None);
    let due = [all.due(), all.named_due(), all.promising_due()];
    assert_eq!(due, [Some(Duration::from_secs(100)); 3]);
    assert_eq!(all.next(Duration::from_secs(100), Pick::Named), Some(1));
}
