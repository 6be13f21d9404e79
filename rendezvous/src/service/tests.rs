//! Over real connections, with a table that the tests fill themselves.

use std::collections::BTreeSet;

use futures::StreamExt;
use libp2p::core::PeerRecord;
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{PeerId, Swarm, SwarmBuilder, noise, tcp, yamux};
use shoal_content::{ContentId, Hash};
use shoal_registry::{self as registry, Registration};
use shoal_wire::swarm_namespace;
use shoal_wire::tracker::{IndexEntry, Mode, Role, TrackerErrorCode, Verdict};

use super::*;

const NOW: Duration = Duration::from_secs(1);

fn swarm(key: Keypair, behaviour: Behaviour) -> Swarm<Behaviour> {
    let tcp = SwarmBuilder::with_existing_identity(key).with_tokio().with_tcp(
        tcp::Config::default(),
        noise::Config::new,
        yamux::Config::default,
    );
    let swarm = tcp.unwrap().with_behaviour(|_| behaviour).unwrap();
    swarm.with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60))).build()
}

fn asking() -> Behaviour {
    let protocol = (StreamProtocol::new(PROTOCOL), ProtocolSupport::Outbound);
    Behaviour::with_codec(FrameCodec::default(), [protocol], Default::default())
}

fn record(key: &Keypair, port: u16) -> Vec<u8> {
    let address = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
    PeerRecord::new(key, vec![address]).unwrap().into_signed_envelope().into_protobuf_encoding()
}

fn register(registry: &mut Registry, key: &Keypair, port: u16, content: ContentId) {
    let registration = Registration {
        peer: key.public().to_peer_id(),
        namespace: swarm_namespace(&content),
        record: record(key, port).into(),
        sequence: 1,
        addresses: port.into(),
        prefixes: vec![],
        ttl: None,
        role: None,
        observed: None,
    };
    registry.register(NOW, registration).unwrap();
}

/// A tracker and a peer that asks it.
struct World {
    registry: Registry,
    services: Services,
    tracker: Swarm<Behaviour>,
    peer: Swarm<Behaviour>,
    effects: Vec<Effect>,
}

impl World {
    /// Connected.
    async fn new(key: Keypair) -> Self {
        let mut tracker = swarm(Keypair::generate_ed25519(), behaviour());
        let mut peer = swarm(key, asking());
        tracker.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        loop {
            tokio::select! {
                event = tracker.select_next_some() => if let SwarmEvent::NewListenAddr { address, .. } = event {
                    peer.dial(address.with_p2p(*tracker.local_peer_id()).unwrap()).unwrap();
                },
                event = peer.select_next_some() => if let SwarmEvent::ConnectionEstablished { .. } = event {
                    break;
                },
            }
        }
        let registry = Registry::new(registry::RegistryLimits::default(), rand::make_rng());
        Self { registry, services: services(Duration::ZERO), tracker, peer, effects: vec![] }
    }

    async fn ask(&mut self, request: TrackerRequest) -> TrackerResponse {
        let tracker = *self.tracker.local_peer_id();
        let sent = self.peer.behaviour_mut().send_request(&tracker, Ok(request));
        loop {
            tokio::select! {
                event = self.tracker.select_next_some() => if let SwarmEvent::Behaviour(event) = event {
                    let ip = Some([127, 0, 0, 1].into());
                    if let Some(answer) = handle(&mut self.services, &mut self.registry, NOW, ip, event) {
                        self.effects.extend(answer.effects);
                        drop(self.tracker.behaviour_mut().send_response(answer.channel, answer.response));
                    }
                },
                event = self.peer.select_next_some() => match event {
                    SwarmEvent::Behaviour(request_response::Event::Message {
                        message: request_response::Message::Response { request_id, response }, ..
                    }) if request_id == sent => return response,
                    SwarmEvent::Behaviour(request_response::Event::OutboundFailure { error, .. }) => {
                        panic!("{error}")
                    }
                    _ => {}
                },
            }
        }
    }
}

#[tokio::test]
async fn the_table_that_is_lent_answers() {
    let (own, other) = (Keypair::generate_ed25519(), Keypair::generate_ed25519());
    let content = ContentId::from_root_hash(Hash::of(b"content"));
    let mut world = World::new(own.clone()).await;
    let entry = IndexEntry { name: "Holiday photos".into(), size: 1, files: 2, content };
    let publish = TrackerRequest::Publish { entries: vec![entry.clone()] };
    assert_eq!(
        world.ask(publish.clone()).await,
        TrackerResponse::Error { code: TrackerErrorCode::NotRegistered }
    );

    register(&mut world.registry, &own, 1001, content);
    register(&mut world.registry, &other, 1002, content);
    assert_eq!(world.ask(publish).await, TrackerResponse::Published { ttl: 300 });
    assert!(matches!(world.effects.pop(), Some(Effect::Changed(_))));
    let find = TrackerRequest::Find { mode: Mode::Substring, text: "PHOTO".into(), after: None, limit: 0 };
    let TrackerResponse::Found { contents, .. } = world.ask(find.clone()).await else { panic!("not found") };
    assert_eq!((contents.len(), &contents[0].entry), (1, &entry));
    assert_eq!(contents[0].peers[0].as_slice(), own.public().to_peer_id().to_bytes());

    let TrackerResponse::Peers { peers, total: 2, .. } =
        world.ask(TrackerRequest::Peers { after: None, limit: 0 }).await
    else {
        panic!("not two peers")
    };
    let text = |bytes: &[u8]| Multiaddr::try_from(bytes.to_vec()).unwrap().to_string();
    let listed: BTreeSet<_> =
        peers.iter().map(|peer| (PeerId::from_bytes(&peer.id).unwrap(), text(&peer.addresses[0]))).collect();
    let want = [(&own, 1001), (&other, 1002)];
    let want = want.map(|(key, port)| (key.public().to_peer_id(), format!("/ip4/127.0.0.1/tcp/{port}")));
    assert_eq!(listed, BTreeSet::from(want));

    let role = TrackerRequest::Role { role: Role::Seed, content };
    assert_eq!(world.ask(role).await, TrackerResponse::Ok {});
    assert!(matches!(world.effects.pop(), Some(Effect::RoleChanged { .. })));
    let size = world.ask(TrackerRequest::Swarm { content }).await;
    assert_eq!(size, TrackerResponse::Swarm { seeds: 1, unknown: 1, downloaders: 0 });

    let report = TrackerRequest::Report { peer: other.public().to_peer_id().to_bytes() };
    assert_eq!(world.ask(report).await, TrackerResponse::Reported { verdict: Verdict::Probing });
    assert_eq!(world.effects, [Effect::Probe(other.public().to_peer_id())]);

    world.registry.remove_peer(&own.public().to_peer_id());
    let gone = TrackerResponse::Found { next: None, contents: vec![] };
    assert_eq!(world.ask(find).await, gone);
}

#[test]
fn addresses_are_read_from_records_of_both_forms() {
    let key = Keypair::generate_ed25519();
    let addresses: Vec<Multiaddr> = vec!["/ip4/192.0.2.1/tcp/4001".parse().unwrap()];
    let bytes = |record: PeerRecord| record.into_signed_envelope().into_protobuf_encoding();
    let legacy = PeerRecord::new(&key, addresses.clone()).unwrap();
    let standard = PeerRecord::new_interop(&key, addresses.clone()).unwrap();
    for mut record in [bytes(legacy), bytes(standard)] {
        assert_eq!(addresses_in(&record), addresses);
        let last = record.len() - 1;
        record[last] ^= 1;
        assert_eq!(addresses_in(&record), addresses, "signatures are checked once, when records come in");
    }
    assert!(addresses_in(b"nonsense").is_empty());
}
