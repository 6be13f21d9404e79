//! A peer of a rendezvous point, in this process: no node, just an identity that registers and asks.
//!
//! It renews nothing, answers nobody, and takes no leave when it is dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::identity::Keypair;
use libp2p::{Multiaddr, PeerId};
use shoal_wire::rendezvous::{
    PROTOCOL, PeerRecord, RecordFormat, Refused, RendezvousRequest, RendezvousResponse,
};

use crate::stranger::Stranger;
use crate::within;

/// A connected one.
pub struct Visitor(Stranger);

impl Visitor {
    /// Connects to a rendezvous point under a new identity.
    pub async fn connect(point: &str) -> Self {
        Self(Stranger::connect(point, PROTOCOL).await)
    }

    /// As [`connect`](Self::connect), under an identity of choice.
    pub async fn connect_as(key: Keypair, point: &str) -> Self {
        let connected = Stranger::connect_as(key, point, PROTOCOL).await;
        Self(connected.unwrap_or_else(|error| panic!("{error}")))
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
        let mut peers: Vec<PeerId> =
            self.discover_records(namespace, limit).await.into_iter().map(|record| record.peer).collect();
        peers.sort_unstable();
        peers
    }

    /// Asks for what at most `limit` peers of a namespace say of themselves.
    pub async fn discover_records(&mut self, namespace: &str, limit: u64) -> Vec<PeerRecord> {
        let namespace = Some(namespace.to_owned());
        match self.ask(RendezvousRequest::Discover { namespace, limit: Some(limit), cookie: None }).await {
            RendezvousResponse::Discover(Ok(found)) => {
                let open = |record: &[u8]| PeerRecord::open(record).expect("a signed record");
                found.registrations.iter().map(|it| open(&it.record)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until so many members of a namespace are known besides some; returns where they are.
    pub async fn members(
        &mut self,
        namespace: &str,
        count: usize,
        besides: &BTreeSet<PeerId>,
    ) -> BTreeMap<PeerId, Multiaddr> {
        let found = async {
            loop {
                let records = self.discover_records(namespace, 100).await;
                let others = records.into_iter().filter(|record| !besides.contains(&record.peer));
                let at = others.filter_map(|it| {
                    let address = it.addresses.first()?.clone().with_p2p(it.peer).ok()?;
                    Some((it.peer, address))
                });
                let at: BTreeMap<_, _> = at.collect();
                if at.len() == count {
                    return at;
                }
                // The pace of asking; a tracker answers one peer only so often.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        within("so many are registered", found).await
    }

    async fn ask(&mut self, request: RendezvousRequest) -> RendezvousResponse {
        let answer = self.0.ask(request.encode()).await;
        // A length of seven bits in each byte, the last one below 0x80.
        let length = answer.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        RendezvousResponse::decode(&answer[length..]).expect("an answer of the protocol")
    }
}
