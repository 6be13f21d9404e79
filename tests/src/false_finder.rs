//! A neighbour that answers questions for names with contents that do not exist.

use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::request_response::{Event, Message};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm};
use shoal_content::{ContentId, Hash};
use shoal_wire::query::{
    FoundClaim, MAX_FIND_RESULTS, MAX_FOUND_PEERS, PeerAddresses, QueryErrorCode, QueryRequest, QueryResponse,
};

use crate::process::LOOPBACK;
use crate::rogue::{RogueBehaviour, RogueBehaviourEvent, identified_swarm};

/// A running one.
pub struct FalseFinder {
    /// Where it is.
    pub address: Multiaddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FalseFinder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FalseFinder {
    /// Starts one that finds as many contents of this name as an answer may have. All are said to be at these addresses,
    /// each at peers of its own.
    pub async fn start(name: &str, elsewhere: &[Multiaddr]) -> Self {
        let mut swarm = identified_swarm(Keypair::generate_ed25519());
        let peer = *swarm.local_peer_id();
        swarm.listen_on(LOOPBACK.parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address.with_p2p(peer).unwrap();
            }
        };
        let task = tokio::spawn(run(swarm, name.to_owned(), elsewhere.to_vec()));
        Self { address, task }
    }
}

async fn run(mut swarm: Swarm<RogueBehaviour>, name: String, elsewhere: Vec<Multiaddr>) {
    loop {
        let event = swarm.select_next_some().await;
        if let SwarmEvent::Behaviour(RogueBehaviourEvent::Query(Event::Message { message, .. })) = event
            && let Message::Request { request, channel, .. } = message
        {
            let answer = match request {
                Ok(QueryRequest::Find { .. }) => QueryResponse::Found { found: made_up(&name, &elsewhere) },
                _ => QueryResponse::Error { code: QueryErrorCode::Unsupported },
            };
            drop(swarm.behaviour_mut().query.send_response(channel, answer));
        }
    }
}

fn made_up(name: &str, elsewhere: &[Multiaddr]) -> Vec<FoundClaim> {
    let one = |n: usize| FoundClaim {
        name: name.to_owned(),
        size: u64::MAX,
        files: u32::MAX,
        peers: (0..MAX_FOUND_PEERS).map(|_| PeerAddresses::new(PeerId::random(), elsewhere)).collect(),
        content: ContentId::from_root_hash(Hash::of(&n.to_le_bytes())),
    };
    (0..MAX_FIND_RESULTS).map(one).collect()
}
