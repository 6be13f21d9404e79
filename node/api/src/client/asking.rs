//! Questions to other peers, by way of the daemon. What they say is their claim.

use super::{Client, ClientError, Path};
use crate::model::*;

/// Names a peer: by an id of a connected peer, or by an address.
fn peer(peer: &str) -> PeerRef {
    PeerRef { peer: peer.to_owned() }
}

impl Client {
    /// `POST ask/load`.
    pub async fn ask_load(&self, of: &str) -> Result<PeerLoadInfo, ClientError> {
        self.post("ask/load", &peer(of)).await
    }

    /// `POST ask/counters`; with a content, those of that content.
    pub async fn ask_counters(
        &self,
        of: &str,
        content: Option<&str>,
    ) -> Result<PeerCountersInfo, ClientError> {
        let body = AskCountersBody { peer: of.to_owned(), content: content.map(str::to_owned) };
        self.post("ask/counters", &body).await
    }

    /// `POST ask/where`: where is a chunk, given by its index or its SHA-256?
    pub async fn ask_where(&self, of: &str, content: &str, chunk: &str) -> Result<WhereInfo, ClientError> {
        let [peer, content, chunk] = [of, content, chunk].map(str::to_owned);
        self.post("ask/where", &AskWhereBody { peer, content, chunk }).await
    }

    /// `POST ask/neighbours`: at most 50.
    pub async fn ask_neighbours(&self, of: &str) -> Result<Page<PeerPlaceInfo>, ClientError> {
        self.post("ask/neighbours", &peer(of)).await
    }

    /// `POST ask/contents`: what a peer shares in public, at most 100 a page.
    pub async fn ask_contents(
        &self,
        of: &str,
        after: Option<&str>,
    ) -> Result<Page<PeerContentInfo>, ClientError> {
        let body = AskContentsBody { peer: of.to_owned(), after: after.map(str::to_owned) };
        self.post("ask/contents", &body).await
    }

    /// `POST ask/find`: contents by name, from these peers and those that they ask.
    pub async fn ask_find(&self, body: &AskFindBody) -> Result<FindInfo, ClientError> {
        self.post("ask/find", body).await
    }

    /// `POST topology`: the map of the swarm.
    pub async fn topology(&self, body: &MapBody) -> Result<MapInfo, ClientError> {
        self.post("topology", body).await
    }

    /// `GET ring`: the neighbours on the ring of all peers.
    pub async fn ring(&self) -> Result<Page<RingInfo>, ClientError> {
        self.get(&Path::new(["ring"])).await
    }

    /// `POST ask/ping`: one round trip.
    pub async fn ping(&self, to: &str) -> Result<PingInfo, ClientError> {
        self.post("ask/ping", &peer(to)).await
    }
}
