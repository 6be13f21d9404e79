//! The DHT in one process: among nodes of this kind, with libp2p's own kad, and with answers that name a multitude.

use std::time::Duration;

use futures::StreamExt;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{self, GetProvidersOk, QueryResult};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, identify, noise, tcp, yamux};
use shoal_engine::PeerBookConfig;
use shoal_store::{ImportOptions, Source, import};

use super::behaviour::DiscoveryBehaviour;
use super::config::{DhtMode, DiscoveryConfig};
use super::layer::{DiscoveryLayer, MAX_WANTED, key};
use super::shared::SharedDiscovery;
use super::zone::Reach;
use crate::clock::Clock;
use crate::peers::SharedPeers;
use crate::{Node, NodeConfig, ServeOptions};
use shoal_store::ChunkStore;

const OTHER_NAME: &str = "/ipfs/kad/1.0.0";

/// Waits for it, but not for ever.
async fn soon<T>(it: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), it).await.expect("within a minute")
}

async fn node(protocol: &str, bootstrap: Vec<Multiaddr>) -> Node {
    let discovery =
        DiscoveryConfig { dht: DhtMode::Auto, protocol: protocol.into(), bootstrap, ..Default::default() };
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    Node::start(NodeConfig { listen, discovery, ..NodeConfig::default() }).await.unwrap()
}

/// Something to share.
fn source(dir: &std::path::Path) -> Source {
    let path = dir.join("file");
    std::fs::write(&path, vec![7; 100_000]).unwrap();
    let options = ImportOptions { paths: vec![path], ..ImportOptions::default() };
    import(&options, &|_| {}, &std::sync::atomic::AtomicBool::new(false)).unwrap().source
}

/// Looks again and again, since tables fill as peers meet.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    soon(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[derive(NetworkBehaviour)]
struct Stock {
    kad: kad::Behaviour<MemoryStore>,
    identify: identify::Behaviour,
}

/// libp2p's kad as it is.
async fn stock() -> (Swarm<Stock>, Multiaddr) {
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    let builder =
        builder.with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default).unwrap();
    let behaviour = |key: &libp2p::identity::Keypair| {
        let peer = key.public().to_peer_id();
        let config = kad::Config::new(StreamProtocol::new(OTHER_NAME));
        let mut kad = kad::Behaviour::with_config(peer, MemoryStore::new(peer), config);
        kad.set_mode(Some(kad::Mode::Server));
        let identify = identify::Behaviour::new(identify::Config::new("/other/1".into(), key.public()));
        Stock { kad, identify }
    };
    let mut swarm = builder.with_behaviour(behaviour).unwrap().build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            swarm.add_external_address(address.clone());
            let address = address.with_p2p(*swarm.local_peer_id()).unwrap();
            return (swarm, address);
        }
    }
}

/// The specification's messages are understood in both directions under the specification's name.
#[tokio::test]
async fn it_gets_along_with_the_kad_of_libp2p() {
    let (mut asker, asker_at) = stock().await;
    let (mut other, other_at) = stock().await;
    let asker_id = *asker.local_peer_id();
    asker.behaviour_mut().kad.add_address(other.local_peer_id(), other_at);
    let node = node(OTHER_NAME, vec![asker_at]).await;
    let dir = tempfile::tempdir().unwrap();
    let store = source(dir.path());
    let content = store.manifest().id();
    let handle = node.serve(std::sync::Arc::new(store), ServeOptions::default()).unwrap();
    let local = node.peer_id();
    // The other one only answers.
    let answering = tokio::spawn(async move {
        loop {
            other.select_next_some().await;
        }
    });
    let found = async {
        asker.behaviour_mut().kad.get_providers(key(&content));
        loop {
            let SwarmEvent::Behaviour(StockEvent::Kad(kad::Event::OutboundQueryProgressed {
                result, ..
            })) = asker.select_next_some().await
            else {
                continue;
            };
            match result {
                QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. }))
                    if providers.contains(&local) =>
                {
                    return;
                }
                QueryResult::GetProviders(
                    Ok(GetProvidersOk::FinishedWithNoAdditionalRecord { .. }) | Err(_),
                ) => {
                    asker.behaviour_mut().kad.get_providers(key(&content));
                }
                _ => {}
            }
        }
    };
    soon(found).await;
    let asking = tokio::spawn(async move {
        loop {
            asker.select_next_some().await;
        }
    });
    until(async || node.closest_peers(asker_id.to_bytes()).await.iter().any(|(peer, _)| *peer == asker_id))
        .await;
    handle.remove().await;
    until(async || node.dht().await.own_records == 0).await;
    node.shutdown().await;
    asking.abort();
    answering.abort();
}

#[tokio::test]
async fn nodes_learn_of_each_other_by_one_that_both_know() {
    let first = node("/shoal/kad/1", vec![]).await;
    let known = first.addresses().await;
    let (second, third) = (node("/shoal/kad/1", known.clone()).await, node("/shoal/kad/1", known).await);
    until(async || second.dht().await.near_peers == 2 && third.dht().await.near_peers == 2).await;
    let status = second.dht().await;
    assert_eq!((status.role.name(), status.wide_peers, status.lan_peers), ("near server", 0, None));
    let nearest = second.closest_peers(third.peer_id().to_bytes()).await;
    assert!(nearest.iter().any(|(peer, at)| *peer == third.peer_id() && !at.is_empty()), "{nearest:?}");
    let remembered = second.remembered();
    assert!(remembered.iter().any(|it| it.peer == first.peer_id()), "{remembered:?}");
    for node in [first, second, third] {
        node.shutdown().await;
    }
}

/// Whoever answers may name as many third parties as it likes. kad would dial each; here nothing dials but the book of
/// peers, and few of them are sought at once.
#[tokio::test]
async fn answers_that_name_thousands_of_third_parties_are_not_followed() {
    let (clock, local) = (Clock::start(), PeerId::random());
    let config = DiscoveryConfig { dht: DhtMode::Auto, ..DiscoveryConfig::default() };
    let mut behaviour = DiscoveryBehaviour::new(local, clock, &config);
    let peers = SharedPeers::new(clock, local, PeerBookConfig::default());
    let shared = SharedDiscovery::new(clock, &config);
    let mut layer = DiscoveryLayer::new(clock, shared, peers.attach_node(), &config);
    for n in 0..5000u32 {
        let [_, a, b, c] = n.to_be_bytes();
        let address = format!("/ip4/8.{a}.{b}.{c}/tcp/22").parse().unwrap();
        layer.want(&mut behaviour, Reach::Wide, PeerId::random(), vec![address]);
    }
    assert_eq!(layer.wanted(), MAX_WANTED);
    assert!(peers.sought() <= MAX_WANTED, "{}", peers.sought());
}
