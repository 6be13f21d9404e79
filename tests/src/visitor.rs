//! A peer of a rendezvous point, in this process: no node, just an identity that registers and asks.
//!
//! It renews nothing, answers nobody, and takes no leave when it is dropped.

use libp2p::{Multiaddr, PeerId};
use shoal_wire::rendezvous::{
    PROTOCOL, PeerRecord, RecordFormat, Refused, RendezvousRequest, RendezvousResponse,
};

use crate::stranger::Stranger;

/// A connected one.
pub struct Visitor(Stranger);

impl Visitor {
    /// Connects to a rendezvous point under a new identity.
    pub async fn connect(point: &str) -> Self {
        Self(Stranger::connect(point, PROTOCOL).await)
    }

    /// Its peer id.
    pub fn peer(&self) -> PeerId {
        self.0.key().public().to_peer_id()
    }

    /// Registers as if it were at `home`; returns the granted time in seconds.
    pub async fn register(&mut self, namespace: &str, home: &Multiaddr) -> Result<u64, Refused> {
        let record = PeerRecord::seal(self.0.key(), 1, std::slice::from_ref(home), RecordFormat::Standard);
        let record = record.expect("an Ed25519 key signs");
        match self
            .ask(RendezvousRequest::Register { namespace: namespace.to_owned(), record, ttl: None })
            .await
        {
            RendezvousResponse::Register(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// Asks for at most `limit` peers of a namespace; returns them in order.
    pub async fn discover(&mut self, namespace: &str, limit: u64) -> Vec<PeerId> {
        let namespace = Some(namespace.to_owned());
        match self.ask(RendezvousRequest::Discover { namespace, limit: Some(limit), cookie: None }).await {
            RendezvousResponse::Discover(Ok(found)) => {
                let peer = |record: &[u8]| PeerRecord::open(record).expect("a signed record").peer;
                let mut peers: Vec<PeerId> = found.registrations.iter().map(|it| peer(&it.record)).collect();
                peers.sort_unstable();
                peers
            }
            other => panic!("{other:?}"),
        }
    }

    async fn ask(&mut self, request: RendezvousRequest) -> RendezvousResponse {
        let answer = self.0.ask(request.encode()).await;
        // A length of seven bits in each byte, the last one below 0x80.
        let length = answer.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        RendezvousResponse::decode(&answer[length..]).expect("an answer of the protocol")
    }
}
