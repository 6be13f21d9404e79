//! Questions and orders about trackers.

use hyper::Method;
use hyper::header::HeaderValue;

use super::{Client, ClientError, Path, segment};
use crate::model::*;

impl Client {
    /// `GET trackers`: those that every content is registered at.
    pub async fn trackers(&self) -> Result<Page<String>, ClientError> {
        self.get(&Path::new(["trackers"])).await
    }

    /// `POST trackers`: registers every content at one more tracker.
    pub async fn register(&self, address: &str) -> Result<TrackerInfo, ClientError> {
        self.post("trackers", &TrackerBody { address: address.to_owned() }).await
    }

    /// `DELETE trackers`: takes every content out of a tracker.
    pub async fn deregister(&self, address: &str) -> Result<TrackerInfo, ClientError> {
        self.send(Method::DELETE, &Path::new(["trackers"]).with("address", Some(address))).await?.json()
    }

    /// `GET find`: contents whose name contains `name`, or with `prefix` begins with it, at the node's trackers and from
    /// peers up to `hops` connections away (0 to 8, else 4); at most `limit` (1 to 1000, else 50).
    pub async fn find(
        &self,
        name: &str,
        prefix: bool,
        limit: Option<usize>,
        hops: Option<u8>,
    ) -> Result<FindInfo, ClientError> {
        let path = Path::new(["find"]).with("name", Some(name)).with("limit", limit).with("hops", hops);
        self.get(&path.with("prefix", prefix.then_some(true))).await
    }

    /// `POST tracker/payload`: leaves a payload of 1 byte to 64 KiB with the node's trackers.
    pub async fn put_payload(&self, payload: Vec<u8>) -> Result<PayloadInfo, ClientError> {
        let kind = HeaderValue::from_static("application/octet-stream");
        let path = Path::new(["tracker/payload"]);
        self.exchange(Method::POST, &path, Some(kind), payload.into()).await?.json()
    }

    /// `GET tracker/payload/{id}`: the bytes of a payload that one of the node's trackers keeps.
    pub async fn payload(&self, id: &str) -> Result<Vec<u8>, ClientError> {
        let answer = self.send(Method::GET, &Path::new(["tracker/payload", &segment(id)])).await?;
        Ok(answer.bytes().into())
    }
}
