//! What is bounded, and what gives way.

use super::*;

#[test]
fn dials_at_once_are_bounded_and_some_are_kept_for_what_the_user_named() {
    let mut world = World::new(PeerBookConfig::default());
    let (most, kept) = (world.book.config.max_dialing, world.book.config.dialing_kept_for_named);
    for n in 1..=40 {
        world.learn(n, Teller::Tracker(peer(99)));
        world.seek(1, n);
    }
    let first = world.dials();
    assert_eq!(first.len(), most - kept);
    for n in 41..=80 {
        world.learn(n, USER);
        world.seek(1, n);
    }
    assert_eq!(world.dials().len(), kept);
    world.answer(first[0].0, 1);
    let then = world.dials();
    assert_eq!(then.len(), 1);
    assert!(then[0].1.peer.is_some_and(|it| (41..=80).any(|n| it == peer(n))));
}

#[test]
fn a_teller_cannot_make_this_node_bother_one_host() {
    let mut world = World::new(PeerBookConfig::default());
    let target = |n: usize| -> Multiaddr { format!("/ip4/9.9.9.9/udp/{n}/quic-v1").parse().unwrap() };
    for n in 1..=50 {
        let told = (0..16).map(|port| target(1000 + 16 * n + port));
        world.book.learn(world.now, peer(n), told, Teller::Peer(peer(100)));
    }
    let (mut attempts, end) = (0, START + secs(60));
    while world.now < end {
        (1..=50).for_each(|n| world.seek(1, n));
        for (id, dial) in world.dials() {
            attempts += dial.addresses.len();
            world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        }
        world.drain();
        world.wait(Duration::from_millis(100));
    }
    let host = world.book.config.attempts_per_host;
    assert!(attempts as u32 <= host.burst + 6, "{attempts}");
    assert!(attempts > 8, "{attempts}: it is tried, slowly");
}

#[test]
fn a_content_whose_peer_waits_for_the_budget_is_told() {
    let mut world = World::new(PeerBookConfig::default());
    let target = |n: usize| -> Multiaddr { format!("/ip4/9.9.9.9/tcp/{n}").parse().unwrap() };
    for n in 1..=20 {
        world.book.learn(world.now, peer(n), [target(n)], Teller::Peer(peer(100)));
        world.seek(1, n);
    }
    let told = world.drain();
    let waits = told.iter().filter(|it| matches!(it, Output::Unreachable { retry_at: Some(_), .. })).count();
    let host = world.book.config.attempts_per_host;
    assert_eq!(waits, 20 - host.burst as usize);
    let Some(Output::Unreachable { retry_at: Some(at), peer, .. }) = told.last() else { panic!("{told:?}") };
    assert_eq!(*at, world.now + host.every);
    world.now = *at;
    world.book.seek(world.now, 1, *peer);
    assert_eq!(world.dialled(), [*peer]);
}

#[test]
fn the_table_is_bounded_and_what_is_worth_least_gives_way() {
    let mut world =
        World::new(PeerBookConfig { max_peers: 50, max_peers_per_teller: 30, ..Default::default() });
    world.connect(1, 1);
    world.learn(2, USER);
    (100..110).for_each(|n| world.learn(n, Teller::Tracker(peer(90))));
    (200..400).for_each(|n| world.learn(n, Teller::Peer(peer(91))));
    assert_eq!(world.book.len(), 42);
    let known = |world: &World, n| world.book.table.get(&peer(n)).is_some();
    assert!((100..110).all(|n| known(&world, n)), "a teller replaces its own");
    assert!((370..400).all(|n| known(&world, n)), "with what is newer");
    (500..700).for_each(|n| world.learn(n, Teller::Tracker(peer(n + 1000))));
    assert_eq!(world.book.len(), 50);
    assert!(known(&world, 1) && known(&world, 2));
}

#[test]
fn peers_that_failed_often_give_way_first() {
    let mut world = World::new(PeerBookConfig { max_peers: 10, ..Default::default() });
    (1..=10).for_each(|n| world.learn(n, Teller::Tracker(peer(90))));
    for _ in 0..5 {
        world.now = world.now.max(world.book.retry_at(&peer(10)).unwrap());
        world.seek(1, 10);
        let (id, _) = world.dials().remove(0);
        world.book.dial_failed(world.now, id, DialFailure::Unreachable);
        world.drain();
    }
    world.learn(11, Teller::Tracker(peer(90)));
    assert!(world.book.table.get(&peer(10)).is_none() && world.book.table.get(&peer(1)).is_some());
}

#[test]
fn newcomers_find_room_where_others_only_wait() {
    let config = PeerBookConfig { max_connections: 25, kept_for_dials: 5, ..Default::default() };
    let mut world = World::new(config);
    for n in 1..=20 {
        world.come_in(n);
        world.book.streams_of_remote(world.now, &peer(n), 1);
        world.wait(secs(1));
    }
    (1..=5).for_each(|n| world.book.hold(1, peer(n)));
    world.book.used_by_remote(world.now, &peer(6));
    world.come_in(21);
    assert_eq!(closed(&world.drain()), [peer(7)], "neither used nor active for longest");
    world.come_in(22);
    assert_eq!(closed(&world.drain()), [peer(8)]);
}

#[test]
fn one_network_does_not_take_all_places() {
    let config = PeerBookConfig { max_connections_per_network: 5, ..Default::default() };
    let mut world = World::new(config);
    let near = |n: usize| connection(None, format!("/ip4/9.9.9.{n}/tcp/1").parse().unwrap());
    for n in 1..=10 {
        world.come_in(n);
        world.book.connected(world.now, peer(100 + n), near(n));
        world.wait(secs(1));
    }
    let gone: Vec<_> = (101..=105).map(peer).collect();
    assert_eq!(closed(&world.drain()), gone);
}

/// As many peers as there may be, each used by a content.
fn full(config: PeerBookConfig, content: impl Fn(usize) -> u32) -> World {
    let mut world = World::new(config);
    let (most, dials) = (world.book.config.max_connections, world.book.config.kept_for_dials);
    for n in 1..=most - dials {
        world.come_in(n);
        world.book.hold(content(n), peer(n));
    }
    for n in most - dials + 1..=most {
        world.book.connected(world.now, peer(n), Connection { outbound: true, ..inbound(n) });
        world.book.hold(content(n), peer(n));
    }
    assert_eq!(world.drain(), []);
    world
}

fn small() -> PeerBookConfig {
    PeerBookConfig {
        max_connections: 30,
        kept_for_newcomers: 8,
        kept_for_dials: 8,
        kept_for_named: 2,
        ..Default::default()
    }
}

#[test]
fn dials_leave_room_for_newcomers_and_others_leave_room_for_named_ones() {
    let mut world = World::new(small());
    for n in 1..=40 {
        world.learn(n, Teller::Tracker(peer(99)));
        world.seek(1, n);
    }
    let mut dialled = 0;
    loop {
        let dials = world.dials();
        if dials.is_empty() {
            break;
        }
        for (id, dial) in dials {
            let n = (1..=40).find(|n| dial.peer == Some(peer(*n))).unwrap();
            world.answer(id, n);
            dialled += 1;
        }
    }
    assert_eq!(dialled, 20);
    world.learn(50, USER);
    world.seek(1, 50);
    assert_eq!(world.dialled(), [peer(50)]);
}

#[test]
fn newcomers_leave_room_for_dials() {
    let mut world = World::new(small());
    for n in 1..=22 {
        world.come_in(n);
        world.wait(secs(1));
    }
    assert_eq!(closed(&world.drain()), []);
    world.come_in(23);
    assert_eq!(closed(&world.drain()), [peer(1)]);
    world.connect(1, 50);
}

#[test]
fn a_dial_takes_the_room_of_a_peer_that_nobody_uses() {
    let mut world = full(small(), |_| 1);
    world.book.release(world.now, 1, peer(3));
    world.learn(100, USER);
    world.seek(1, 100);
    assert_eq!(closed(&world.drain()), [], "it may come back to it");
    world.wait(world.book.config.busy);
    let told = world.drain();
    assert_eq!(closed(&told), [peer(3)]);
    assert!(told.into_iter().filter_map(dial).any(|(_, dial)| dial.peer == Some(peer(100))));
}

#[test]
fn a_content_without_any_connection_gets_one_of_a_content_with_many() {
    let mut world = full(small(), |n| if n <= 4 { 1 } else { 2 });
    world.learn(100, Teller::Tracker(peer(99)));
    world.seek(1, 100);
    world.seek(2, 100);
    world.wait(secs(60));
    assert_eq!(world.drain(), [], "both have some");
    world.learn(101, USER);
    world.seek(3, 101);
    world.wait(secs(2));
    let told = world.drain();
    let lost: Vec<u32> = told
        .iter()
        .filter_map(|it| match it {
            Output::Disconnected { content, .. } => Some(*content),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [2]);
    assert_eq!(closed(&told).len(), 1);
    assert!(told.into_iter().filter_map(dial).any(|(_, dial)| dial.peer == Some(peer(101))));
}

#[test]
fn addresses_without_a_peer_are_bounded() {
    let mut world = World::new(PeerBookConfig { max_named_addresses: 3, ..Default::default() });
    (1..=4).for_each(|n| world.book.name_address(world.now, 1, address(n)));
    let told = world.drain();
    assert!(told.contains(&Output::AddressUnreachable { content: 1, address: address(4) }), "{told:?}");
    world.book.name_address(world.now, 1, "/ip4/0.0.0.0/tcp/1".parse().unwrap());
    assert!(matches!(world.drain()[..], [Output::AddressUnreachable { .. }]));
    assert_eq!(world.book.named.len(), 3);
}
