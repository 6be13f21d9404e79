//! Questions and orders about the node as a whole.

use hyper::Method;

use super::{Client, ClientError, Path};
use crate::model::*;

impl Client {
    /// `GET node`.
    pub async fn node(&self) -> Result<NodeInfo, ClientError> {
        self.get(&Path::new(["node"])).await
    }

    /// `GET peers`: connected peers, a page by peer id.
    pub async fn peers(
        &self,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Page<NeighbourInfo>, ClientError> {
        self.get(&Path::new(["peers"]).with("after", after).with("limit", limit)).await
    }

    /// `GET counters`.
    pub async fn counters(&self) -> Result<CountersInfo, ClientError> {
        self.get(&Path::new(["counters"])).await
    }

    /// `GET load`.
    pub async fn load(&self) -> Result<LoadInfo, ClientError> {
        self.get(&Path::new(["load"])).await
    }

    /// `GET limits`.
    pub async fn limits(&self) -> Result<LimitsInfo, ClientError> {
        self.get(&Path::new(["limits"])).await
    }

    /// `PUT limits`: both at once; what is none has no limit. Returns those that hold now, which may be the schedule's.
    pub async fn set_limits(&self, limits: LimitsInfo) -> Result<LimitsInfo, ClientError> {
        self.send_json(Method::PUT, &Path::new(["limits"]), &limits).await?.json()
    }

    /// `POST shutdown`: ends the daemon in good order; the answer comes before that.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        self.send(Method::POST, &Path::new(["shutdown"])).await.map(drop)
    }

    /// `GET openapi.json`: the description of the API.
    pub async fn openapi(&self) -> Result<serde_json::Value, ClientError> {
        self.get(&Path::new(["openapi.json"])).await
    }
}
