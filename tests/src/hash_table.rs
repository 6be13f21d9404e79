//! Peers of the distributed hash table that are not this program: libp2p's own kad, without anything around it.

use std::sync::Arc;

use futures::StreamExt;
use libp2p::kad::store::MemoryStore;
use libp2p::kad::{self, QueryResult};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, Swarm, SwarmBuilder, identify, noise, tcp, yamux};
use shoal_content::ContentId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// kad as it is, and identify, which it needs.
#[derive(NetworkBehaviour)]
struct StockBehaviour {
    kad: kad::Behaviour<MemoryStore>,
    /// Says where it listens.
    identify: identify::Behaviour,
}

/// A peer that answers others, listening on loopback.
async fn stock_peer(protocol: &'static str) -> Swarm<StockBehaviour> {
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    let builder =
        builder.with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default).expect("TCP");
    let behaviour = |key: &libp2p::identity::Keypair| {
        let peer = key.public().to_peer_id();
        let config = kad::Config::new(StreamProtocol::new(protocol));
        let mut kad = kad::Behaviour::with_config(peer, MemoryStore::new(peer), config);
        kad.set_mode(Some(kad::Mode::Server));
        let identify = identify::Behaviour::new(identify::Config::new("/other/1".into(), key.public()));
        StockBehaviour { kad, identify }
    };
    let mut swarm = builder.with_behaviour(behaviour).expect("a behaviour").build();
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().expect("an address")).expect("loopback");
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            swarm.add_external_address(address);
            return swarm;
        }
    }
}

/// The key of a content in the table.
fn key_of(content: &ContentId) -> kad::RecordKey {
    let mut key = vec![0x12, 0x20];
    key.extend(content.root_hash().as_bytes());
    kad::RecordKey::from(key)
}

/// Peers that say that they have a content, and do not even speak the protocol in which it could be asked for.
pub struct FalseProviders {
    _tasks: JoinSet<()>,
}

impl FalseProviders {
    /// Starts so many, which know the node at an address, and waits until each has told the network.
    pub async fn start(count: usize, known: &str, content: ContentId) -> Self {
        let known: Multiaddr = known.parse().expect("an address");
        let announced = Arc::new(Semaphore::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..count {
            let mut swarm = stock_peer("/shoal/kad/1").await;
            swarm.dial(known.clone()).expect("a dial");
            let announced = announced.clone();
            tasks.spawn(async move {
                let mut begun = false;
                loop {
                    match swarm.select_next_some().await {
                        SwarmEvent::Behaviour(StockBehaviourEvent::Kad(kad::Event::RoutingUpdated {
                            ..
                        })) if !std::mem::replace(&mut begun, true) => {
                            swarm.behaviour_mut().kad.start_providing(key_of(&content)).expect("a record");
                        }
                        SwarmEvent::Behaviour(StockBehaviourEvent::Kad(
                            kad::Event::OutboundQueryProgressed {
                                result: QueryResult::StartProviding(it),
                                ..
                            },
                        )) => {
                            it.expect("it is told");
                            announced.add_permits(1);
                        }
                        _ => {}
                    }
                }
            });
        }
        let all = crate::within("all have told the network", announced.acquire_many(count as u32)).await;
        all.expect("it is never closed").forget();
        Self { _tasks: tasks }
    }
}
