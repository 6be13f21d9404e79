//! Which peers are dialled, and when.

use super::*;

#[test]
fn nobody_is_dialled_that_no_content_seeks() {
    let mut world = World::new(PeerBookConfig::default());
    (1..50).for_each(|n| world.learn(n, USER));
    assert_eq!((world.drain(), world.book.next_timeout()), (vec![], None));
    world.seek(1, 5);
    world.book.release(world.now, 1, peer(5));
    assert_eq!((world.drain(), world.book.next_timeout()), (vec![], None));
}

#[test]
fn all_contents_wait_after_a_failure() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, Teller::Tracker(peer(9)));
    world.seek(1, 1);
    let (id, _) = world.dials().remove(0);
    world.book.dial_failed(world.now, id, DialFailure::Unreachable);
    let told = world.drain();
    let [Output::Unreachable { content: 1, retry_at: Some(retry_at), .. }] = told[..] else {
        panic!("{told:?}")
    };
    assert!((750..=1250).contains(&(retry_at - world.now).as_millis()));
    world.seek(2, 1);
    assert_eq!(world.drain(), [], "not yet");
    assert_eq!(world.book.next_timeout(), Some(retry_at));
    world.now = retry_at;
    let (id, _) = world.dials().remove(0);
    world.book.dial_failed(world.now, id, DialFailure::Unreachable);
    world.drain();
    world.now += secs(2);
    for _ in 0..4 {
        world.seek(1, 1);
        let (id, _) = world.dials().remove(0);
        world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        let told = world.drain();
        let [Output::Unreachable { retry_at: Some(at), .. }] = told[..] else { panic!("{told:?}") };
        world.seek(2, 1);
        let told = world.drain();
        assert_eq!(
            told,
            [Output::Unreachable { content: 2, peer: peer(1), retry_at: Some(at) }],
            "told at once"
        );
        world.now = at;
    }
}

#[test]
fn what_the_user_named_is_tried_again_soon() {
    let mut world = World::new(PeerBookConfig::default());
    let most = world.book.config.retry_named_most;
    world.learn(1, USER);
    world.book.name_address(world.now, 1, address(2));
    for _ in 0..20 {
        world.seek(1, 1);
        for (id, _) in world.dials() {
            world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        }
        world.drain();
        world.wait(most * 5 / 4);
        world.seek(1, 1);
        assert!(world.book.dials.queue.first_named(world.now).is_some());
    }
}

/// The relay's own address, and the peer behind it.
fn circuit(n: usize) -> Multiaddr {
    format!("/ip4/9.9.9.{n}/tcp/1/p2p/{}/p2p-circuit", peer(90)).parse().unwrap()
}

#[test]
fn a_relay_leads_to_a_peer_whoever_told_of_it() {
    for teller in [USER, Teller::Tracker(peer(9)), Teller::Peer(peer(1)), Teller::Peer(peer(2))] {
        let mut world = World::new(PeerBookConfig::default());
        let no_place: Multiaddr = format!("/p2p/{}/p2p-circuit", peer(90)).parse().unwrap();
        let somebody_elses = circuit(3).with_p2p(peer(2)).unwrap();
        let own = circuit(1).with_p2p(peer(1)).unwrap();
        let told = [address(1), own, circuit(2), no_place, somebody_elses];
        world.book.learn(world.now, peer(1), told, teller);
        world.seek(1, 1);
        world.wait(secs(2));
        let dials = world.dials();
        assert_eq!(dials[0].1.addresses, [address(1), circuit(1), circuit(2)], "{teller:?}");
    }
}

#[test]
fn a_relay_in_a_network_that_the_teller_is_not_in_leads_nowhere() {
    let mut world = World::new(PeerBookConfig::default());
    let near: Multiaddr = format!("/ip4/10.0.0.1/tcp/22/p2p/{}/p2p-circuit", peer(90)).parse().unwrap();
    world.book.learn(world.now, peer(1), [near], Teller::Tracker(peer(9)));
    world.seek(1, 1);
    assert_eq!(world.dialled(), []);
}

#[test]
fn somewhere_else_nobody_is_put_off_for_long() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, Teller::Tracker(peer(9)));
    for _ in 0..6 {
        world.seek(1, 1);
        let (id, _) = world.dials().remove(0);
        world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        world.drain();
        world.now = world.book.retry_at(&peer(1)).unwrap();
    }
    world.seek(1, 1);
    let (id, _) = world.dials().remove(0);
    world.book.dial_failed(world.now, id, DialFailure::Unreachable);
    world.drain();
    assert!(world.book.retry_at(&peer(1)).unwrap() > world.now + secs(5));
    world.book.addresses_changed(world.now);
    world.seek(1, 1);
    world.wait(secs(2));
    assert_eq!(world.dialled(), [peer(1)]);
}

#[test]
fn a_peer_that_hangs_up_at_once_is_dialled_ever_later() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, Teller::Tracker(peer(9)));
    let mut waits = vec![];
    for _ in 0..5 {
        let retry_at = world.book.retry_at(&peer(1)).unwrap();
        waits.push(retry_at.saturating_sub(world.now));
        world.now = world.now.max(retry_at);
        world.seek(1, 1);
        let (id, _) = world.dials().remove(0);
        let connection = world.answer(id, 1);
        world.book.disconnected(world.now, peer(1), &connection);
        world.drain();
    }
    assert!(waits.is_sorted() && waits[4] > secs(5), "{waits:?}");
}

#[test]
fn an_address_without_a_peer_becomes_the_peer_that_answers() {
    let mut world = World::new(PeerBookConfig::default());
    world.book.name_address(world.now, 1, address(1));
    world.book.name_address(world.now, 2, address(1));
    let dials = world.dials();
    assert_eq!(dials[0].1, Dial { peer: None, addresses: vec![address(1)] });
    world.book.dial_failed(world.now, dials[0].0, DialFailure::Unreachable);
    let unreachable = |content| Output::AddressUnreachable { content, address: address(1) };
    assert_eq!(world.drain(), [unreachable(1), unreachable(2)]);
    world.wait(secs(2));
    let (id, _) = world.dials().remove(0);
    world.answer(id, 1);
    let answered = |content| Output::AddressAnswered { content, address: address(1), peer: peer(1) };
    assert_eq!(world.drain(), [answered(1), answered(2)]);
    world.seek(1, 1);
    assert_eq!(world.drain(), [Output::Connected { content: 1, peer: peer(1) }]);
    assert_eq!(world.book.named.len(), 0);
}

#[test]
fn a_peer_that_was_named_by_its_address_may_come_back_as_another() {
    let mut world = World::new(PeerBookConfig::default());
    world.book.name_address(world.now, 1, address(1));
    let (id, _) = world.dials().remove(0);
    let connection = world.answer(id, 1);
    world.seek(1, 1);
    world.drain();
    world.book.disconnected(world.now, peer(1), &connection);
    world.wait(secs(2));
    world.seek(1, 1);
    let (id, _) = world.dials().remove(0);
    let failure = DialFailure::WrongPeer { address: address(1), obtained: peer(2) };
    world.book.dial_failed(world.now, id, failure);
    let told = world.drain();
    assert!(
        told.contains(&Output::AddressAnswered { content: 1, address: address(1), peer: peer(2) }),
        "{told:?}"
    );
    world.seek(1, 2);
    assert_eq!(world.dialled(), [peer(2)]);
}

#[test]
fn addresses_that_had_no_turn_are_dialled_before_a_peer_is_given_up() {
    let mut world = World::new(PeerBookConfig { max_addresses_per_dial: 2, ..Default::default() });
    world.book.learn(world.now, peer(1), (1..=5).map(address), USER);
    world.seek(1, 1);
    let mut tried = vec![];
    for _ in 0..3 {
        let (id, dial) = world.dials().remove(0);
        tried.extend(dial.addresses);
        world.book.dial_failed(world.now, id, DialFailure::Unreachable);
    }
    tried.sort_unstable();
    assert_eq!(tried, (1..=5).map(address).collect::<Vec<_>>());
    assert!(matches!(world.drain()[..], [Output::Unreachable { content: 1, retry_at: Some(_), .. }]));
}

#[test]
fn an_address_where_somebody_else_answers_does_not_hide_the_right_one() {
    let mut world = World::new(PeerBookConfig { max_addresses_per_dial: 1, ..Default::default() });
    world.book.learn(world.now, peer(1), [address(1)], Teller::Tracker(peer(9)));
    world.book.learn(world.now, peer(1), [address(2)], Teller::Peer(peer(8)));
    world.seek(1, 1);
    let (id, dial) = world.dials().remove(0);
    assert_eq!(dial.addresses, [address(1)]);
    let failure = DialFailure::WrongPeer { address: address(1), obtained: peer(7) };
    world.book.dial_failed(world.now, id, failure);
    let (id, dial) = world.dials().remove(0);
    assert_eq!(dial.addresses, [address(2)]);
    world.answer(id, 2);
}

#[test]
fn a_new_address_is_tried_at_once() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, Teller::Tracker(peer(9)));
    for _ in 0..6 {
        world.now = world.now.max(world.book.retry_at(&peer(1)).unwrap());
        world.seek(1, 1);
        let (id, _) = world.dials().remove(0);
        world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        world.drain();
    }
    world.book.learn(world.now, peer(1), [address(77)], Teller::Tracker(peer(9)));
    world.seek(1, 1);
    assert!(world.dials().remove(0).1.addresses.contains(&address(77)));
}

#[test]
fn where_nothing_could_be_tried_nobody_is_blamed() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, USER);
    world.seek(1, 1);
    for _ in 0..10 {
        let (id, _) = world.dials().remove(0);
        world.book.dial_failed(world.now, id, DialFailure::NotTried);
        assert_eq!(world.drain(), []);
        world.wait(secs(2));
    }
}

#[test]
fn nothing_private_is_dialled_because_a_public_peer_says_so() {
    let mut world = World::new(PeerBookConfig::default());
    let private: Multiaddr = "/ip4/192.168.1.1/tcp/1".parse().unwrap();
    let loopback: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
    let all = [private.clone(), loopback.clone(), address(1)];
    world.come_in(2);
    world.book.learn(world.now, peer(1), all.clone(), Teller::Peer(peer(2)));
    world.seek(1, 1);
    assert_eq!(world.dials()[0].1.addresses, [address(1)]);
    let near = connection(None, "/ip4/192.168.1.9/tcp/1".parse().unwrap());
    world.book.connected(world.now, peer(3), near);
    world.book.learn(world.now, peer(4), all.clone(), Teller::Peer(peer(3)));
    world.seek(1, 4);
    assert_eq!(world.dials()[0].1.addresses, [private, address(1)]);
    world.book.learn(world.now, peer(5), [loopback.clone()], Teller::Peer(peer(6)));
    world.seek(1, 5);
    assert_eq!(world.dialled(), [], "nobody knows where that one stands");
    world.book.learn(world.now, peer(5), [loopback.clone()], USER);
    world.seek(1, 5);
    assert_eq!(world.dials()[0].1.addresses, [loopback]);
}
