//! libp2p's own rendezvous client at this tracker. It writes and reads legacy records only.

mod common;

use common::{Client, PATIENCE, loopback, peer_of, tracker};
use futures::StreamExt;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, identify, noise, rendezvous, tcp, yamux};
use rendezvous::client::Event;
use shoal_rendezvous::Settings;
use shoal_wire::rendezvous::RecordFormat;

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    rendezvous: rendezvous::client::Behaviour,
}

struct Stock {
    swarm: Swarm<Behaviour>,
    tracker: PeerId,
}

fn namespace() -> rendezvous::Namespace {
    rendezvous::Namespace::from_static("a")
}

impl Stock {
    /// Returns once both sides have identified each other.
    async fn start(tracker: &Multiaddr) -> Self {
        let swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|key| Behaviour {
                identify: identify::Behaviour::new(identify::Config::new("/test/1".into(), key.public())),
                rendezvous: rendezvous::client::Behaviour::new(key.clone()),
            })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        let mut it = Self { swarm, tracker: peer_of(tracker) };
        it.swarm.listen_on(loopback()).unwrap();
        it.swarm.dial(tracker.clone()).unwrap();
        let (mut sent, mut listening) = (false, false);
        while !(sent && listening) {
            match it.swarm.select_next_some().await {
                SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Sent { .. })) => sent = true,
                SwarmEvent::NewListenAddr { address, .. } => {
                    it.swarm.add_external_address(address);
                    listening = true;
                }
                _ => {}
            }
        }
        it
    }

    async fn event(&mut self) -> Event {
        let next = async {
            loop {
                if let SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(event)) =
                    self.swarm.select_next_some().await
                {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("an event in time")
    }

    async fn register(&mut self) -> u64 {
        self.swarm.behaviour_mut().rendezvous.register(namespace(), self.tracker, None).unwrap();
        match self.event().await {
            Event::Registered { ttl, .. } => ttl,
            other => panic!("{other:?}"),
        }
    }

    async fn discover(&mut self) -> Vec<PeerId> {
        let tracker = self.tracker;
        self.swarm.behaviour_mut().rendezvous.discover(Some(namespace()), None, None, tracker);
        match self.event().await {
            Event::Discovered { registrations, cookie, .. } => {
                assert_eq!(cookie.namespace(), Some(&namespace()));
                registrations.iter().map(|it| it.record.peer_id()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn peer(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }
}

#[tokio::test]
async fn stock_clients_register_discover_and_unregister() {
    let (tracker, address) = tracker(Settings::default()).await;
    let (mut one, mut other) = (Stock::start(&address).await, Stock::start(&address).await);
    assert_eq!(one.register().await, 60);
    assert_eq!(other.discover().await, [one.peer()]);
    one.swarm.behaviour_mut().rendezvous.unregister(namespace(), one.tracker);
    let gone = async {
        while tracker.counters().await.unwrap().registrations > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = gone => {}
        event = one.event() => panic!("{event:?}"),
    }
    assert_eq!(other.discover().await, []);
}

#[tokio::test]
async fn records_of_the_specification_do_not_spoil_the_answer_to_a_stock_client() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let modern = [Client::start(&address).await, Client::start(&address).await];
    for client in &modern {
        client.join("a").await;
    }
    let (mut one, mut other) = (Stock::start(&address).await, Stock::start(&address).await);
    one.register().await;
    assert_eq!(other.discover().await, [one.peer()], "by what it calls itself");
    other.register().await;
    assert_eq!(one.discover().await, [other.peer()], "by what it registered");
    let mut all = vec![one.peer(), other.peer(), modern[1].peer()];
    all.sort_unstable();
    assert_eq!(modern[0].peers("a").await, all, "a client that follows the specification is told of all");
}

#[tokio::test]
async fn a_namespace_of_stock_clients_is_open_to_unknown_programs() {
    let (_tracker, address) = tracker(Settings::default()).await;
    let mut one = Stock::start(&address).await;
    one.register().await;
    let stranger = Client::start(&address).await;
    let found = stranger.discover("a", None).await;
    assert_eq!(RecordFormat::of(&found.registrations[0].record), Some(RecordFormat::Legacy));
}
