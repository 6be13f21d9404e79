//! One connection for many contents.

use super::*;

#[test]
fn two_hundred_contents_that_seek_a_peer_cause_one_dial_and_are_all_told() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, USER);
    (0..200).for_each(|content| world.seek(content, 1));
    let dials = world.dials();
    assert_eq!(dials.len(), 1);
    world.answer(dials[0].0, 1);
    let told: Vec<_> = (0..200).map(|content| Output::Connected { content, peer: peer(1) }).collect();
    assert_eq!(world.drain(), told);
    world.seek(7, 1);
    assert_eq!(
        world.drain(),
        [Output::Connected { content: 7, peer: peer(1) }],
        "a standing one is told at once"
    );
}

#[test]
fn a_connection_is_closed_some_time_after_its_last_use() {
    let mut world = World::new(PeerBookConfig::default());
    world.connect(1, 1);
    world.seek(2, 1);
    world.drain();
    world.book.release(world.now, 1, peer(1));
    world.wait(secs(600));
    assert_eq!(world.drain(), [], "the other content uses it");
    world.book.release(world.now, 2, peer(1));
    let at = world.book.next_timeout().expect("a time to close it");
    assert_eq!(at, world.now + world.book.config.grace);
    world.now = at - Duration::from_millis(1);
    assert_eq!(world.drain(), []);
    world.now = at;
    assert_eq!(world.drain(), [Output::Close { peer: peer(1) }]);
    assert_eq!(world.drain(), [], "once");
}

#[test]
fn a_connection_for_one_question_is_closed_after_it_unless_somebody_else_used_it() {
    let close = |world: &mut World| {
        world.book.leave(world.now, 1, peer(1));
        closed(&world.drain())
    };
    let world = || {
        let mut world = World::new(PeerBookConfig::default());
        world.connect(1, 1);
        world.drain();
        world
    };
    assert_eq!(close(&mut world()), [peer(1)]);
    let mut used = world();
    used.seek(2, 1);
    assert_eq!(close(&mut used), []);
    let mut asked = world();
    asked.wait(secs(1));
    asked.book.used_by_remote(asked.now, &peer(1));
    assert_eq!(close(&mut asked), [], "it is closed after the grace, as others are");
    let mut came = World::new(PeerBookConfig::default());
    came.book.connected(came.now, peer(1), inbound(1));
    came.seek(1, 1);
    came.drain();
    assert_eq!(close(&mut came), [], "it is the other one's");
}

#[test]
fn a_connection_stays_that_is_used_again_or_by_the_peer_itself() {
    let mut world = World::new(PeerBookConfig::default());
    let grace = world.book.config.grace;
    world.connect(1, 1);
    world.book.release(world.now, 1, peer(1));
    world.wait(grace / 2);
    world.seek(2, 1);
    world.wait(grace);
    assert_eq!(closed(&world.drain()), [], "used again");
    world.book.release(world.now, 2, peer(1));
    world.wait(grace / 2);
    world.book.used_by_remote(world.now, &peer(1));
    world.wait(grace / 2);
    assert_eq!(closed(&world.drain()), [], "it asked something");
    world.book.streams_of_remote(world.now, &peer(1), 1);
    world.wait(grace * 10);
    assert_eq!(closed(&world.drain()), [], "it has a stream open");
    world.book.streams_of_remote(world.now, &peer(1), 0);
    world.wait(grace);
    assert_eq!(closed(&world.drain()), [peer(1)]);
}

#[test]
fn a_connection_that_nobody_here_used_is_left_alone() {
    let mut world = World::new(PeerBookConfig::default());
    world.come_in(1);
    world.wait(secs(3600));
    assert_eq!(world.drain(), []);
    world.book.hold(5, peer(1));
    world.book.forget_content(world.now, 5);
    world.wait(world.book.config.grace);
    assert_eq!(closed(&world.drain()), [peer(1)]);
}

#[test]
fn a_ban_by_one_content_is_one_for_all() {
    let mut world = World::new(PeerBookConfig::default());
    let connection = world.connect(1, 1);
    world.seek(2, 1);
    world.drain();
    world.book.ban(peer(1));
    let gone = |content| Output::Disconnected { content, peer: peer(1) };
    assert_eq!(world.drain(), [gone(1), gone(2), Output::Block { peer: peer(1) }]);
    world.book.disconnected(world.now, peer(1), &connection);
    world.learn(1, USER);
    world.seek(3, 1);
    assert_eq!(world.drain(), [Output::Unreachable { content: 3, peer: peer(1), retry_at: None }]);
    world.come_in(1);
    assert_eq!(world.drain(), [Output::Block { peer: peer(1) }], "if it comes in all the same");
}

#[test]
fn the_oldest_ban_ends_where_there_are_too_many() {
    let mut world = World::new(PeerBookConfig { max_banned: 2, ..Default::default() });
    (1..=3).for_each(|n| world.book.ban(peer(n)));
    let block = |n| Output::Block { peer: peer(n) };
    assert_eq!(world.drain(), [block(1), block(2), block(3), Output::Unblock { peer: peer(1) }]);
    world.learn(1, USER);
    world.seek(1, 1);
    assert_eq!(world.dialled(), [peer(1)]);
}

#[test]
fn a_lost_connection_is_told_and_not_dialled_again_unless_somebody_seeks() {
    let mut world = World::new(PeerBookConfig::default());
    let connection = world.connect(1, 1);
    world.wait(secs(60));
    world.book.disconnected(world.now, peer(1), &connection);
    assert_eq!(world.drain(), [Output::Disconnected { content: 1, peer: peer(1) }]);
    world.wait(secs(3600));
    assert_eq!(world.drain(), []);
    assert_eq!(world.book.next_timeout(), None);
    world.seek(1, 1);
    assert_eq!(world.dialled(), [peer(1)]);
}

#[test]
fn of_several_connections_the_last_one_counts() {
    let mut world = World::new(PeerBookConfig::default());
    let first = world.connect(1, 1);
    let second = world.come_in(1);
    world.book.disconnected(world.now, peer(1), &first);
    assert_eq!(world.drain(), []);
    world.book.disconnected(world.now, peer(1), &second);
    assert_eq!(world.drain(), [Output::Disconnected { content: 1, peer: peer(1) }]);
}

#[test]
fn a_forgotten_content_leaves_nothing_behind() {
    let mut world = World::new(PeerBookConfig::default());
    world.connect(1, 1);
    world.learn(2, USER);
    world.seek(1, 2);
    world.book.name_address(world.now, 1, address(3));
    world.book.hold(1, peer(1));
    world.book.forget_content(world.now, 1);
    assert!(world.book.uses.pairs().is_empty() && world.book.named.len() == 0);
    assert_eq!(world.drain(), []);
    world.wait(world.book.config.grace);
    assert_eq!(world.drain(), [Output::Close { peer: peer(1) }]);
    assert_eq!(world.book.next_timeout(), None);
}

#[test]
fn what_is_told_on_led_there_or_was_said_by_the_peer() {
    let mut world = World::new(PeerBookConfig::default());
    world.learn(1, Teller::Peer(peer(9)));
    assert_eq!(world.book.addresses_of(&peer(1)), []);
    world.come_in(1);
    world.book.learn(world.now, peer(1), [address(4)], Teller::Peer(peer(1)));
    assert_eq!(world.book.addresses_of(&peer(1)), [address(4)]);
    let connection = world.connect(1, 2);
    assert_eq!(world.book.addresses_of(&peer(2)), [connection.remote]);
}
