//! Circuits that carry data and circuits that carry none, beside direct connections.

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;

use super::*;

struct World {
    circuits: Circuits,
    relay: PeerId,
    peer: PeerId,
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn id(n: usize) -> ConnectionId {
    ConnectionId::new_unchecked(n)
}

fn dialled(address: &str) -> ConnectedPoint {
    let (role_override, port_use) = (Endpoint::Dialer, PortUse::Reuse);
    ConnectedPoint::Dialer { address: address.parse().unwrap(), role_override, port_use }
}

fn accepted(local: &str, from: &str) -> ConnectedPoint {
    ConnectedPoint::Listener { local_addr: local.parse().unwrap(), send_back_addr: from.parse().unwrap() }
}

impl World {
    /// A relay is connected.
    fn new(carries: bool) -> Self {
        let (mut circuits, relay) = (Circuits::default(), PeerId::random());
        let to_relay = dialled("/ip4/9.9.9.9/tcp/1");
        circuits.opened(secs(0), relay, id(0), &to_relay, None);
        circuits.relay_says(relay, carries);
        Self { circuits, relay, peer: PeerId::random() }
    }

    fn out(&self) -> ConnectedPoint {
        dialled(&format!("/ip4/9.9.9.9/tcp/1/p2p/{}/p2p-circuit/p2p/{}", self.relay, self.peer))
    }

    fn circuit(&mut self, now: u64, n: usize) -> Opened {
        let (peer, endpoint) = (self.peer, self.out());
        self.circuits.opened(secs(now), peer, id(n), &endpoint, None)
    }

    fn direct(&mut self, now: u64, n: usize) -> Opened {
        self.circuits.opened(secs(now), self.peer, id(n), &dialled("/ip4/8.8.8.8/tcp/1"), None)
    }
}

#[test]
fn what_a_relay_says_decides() {
    assert!([None, Some(0), Some(u64::MAX), Some(64 << 20)].into_iter().all(carries_data));
    assert!(!carries_data(Some(128 << 10)));
    let mut world = World::new(true);
    assert_eq!(world.circuit(0, 1), Opened::Usable { punched: false, over: vec![] });
    let mut world = World::new(false);
    assert_eq!(world.circuit(0, 1), Opened::Silent { over: vec![] });
    let local = format!("/ip4/9.9.9.9/tcp/1/p2p/{}/p2p-circuit", world.relay);
    let other = PeerId::random();
    let inbound = accepted(&local, &format!("/p2p/{other}"));
    assert_eq!(world.circuits.opened(secs(0), other, id(2), &inbound, None), Opened::Silent { over: vec![] });
    assert!(world.circuits.is_silent(&other));
}

#[test]
fn a_direct_connection_takes_the_place_of_a_circuit() {
    for carries in [false, true] {
        let mut world = World::new(carries);
        world.circuit(0, 1);
        assert_eq!(world.direct(3, 2), Opened::Usable { punched: true, over: vec![] });
        assert!(world.circuits.in_vain(secs(100)).is_none());
        assert!(world.circuits.outdated(secs(3)).is_empty(), "the other side may not know yet");
        assert_eq!(world.circuits.next_timeout(), Some(secs(4)));
        assert_eq!(world.circuits.outdated(secs(4)), [id(1)]);
        let peer = world.peer;
        assert_eq!(world.circuits.closed(secs(4), &peer, id(1)), carries);
        assert!(world.circuits.closed(secs(9), &peer, id(2)));
        assert!(!world.circuits.peers.contains_key(&peer));
    }
}

#[test]
fn a_circuit_beside_a_direct_connection_ends() {
    let mut world = World::new(true);
    world.direct(0, 1);
    world.circuit(5, 2);
    assert_eq!(world.circuits.outdated(secs(6)), [id(2)]);
}

#[test]
fn a_circuit_without_data_ends_in_time() {
    let mut world = World::new(false);
    world.circuit(0, 1);
    assert!(world.circuits.in_vain(secs(7)).is_none());
    let (vain, close) = world.circuits.in_vain(secs(8)).unwrap();
    assert_eq!((vain.peer, close), (world.peer, vec![id(1)]));
    assert!(world.circuits.in_vain(secs(8)).is_none(), "told once");
    let peer = world.peer;
    assert!(!world.circuits.closed(secs(8), &peer, id(1)));
    assert!(!world.circuits.peers.contains_key(&peer));
    // One that breaks leaves a moment for the direct one.
    world.circuit(30, 2);
    world.circuits.closed(secs(31), &peer, id(2));
    assert!(world.circuits.in_vain(secs(33)).is_none());
    assert!(world.circuits.in_vain(secs(34)).is_some() && !world.circuits.peers.contains_key(&peer));
}

#[test]
fn few_peers_are_waited_for() {
    let mut world = World::new(false);
    for n in 0..100 {
        world.peer = PeerId::random();
        world.circuit(1, n + 1);
    }
    let mut ended = 0;
    while world.circuits.in_vain(secs(1)).is_some() {
        ended += 1;
    }
    assert!(ended >= 1);
    let waiting = world.circuits.peers.values().filter(|it| it.wait.is_some()).count();
    assert!(waiting <= 100 - ended);
}
