//! Questions and orders about the store.

use hyper::Method;

use super::{Client, ClientError, Path, segment};
use crate::model::*;

impl Client {
    /// `GET store`: the store, as the node sees it.
    pub async fn store(&self) -> Result<StoreInfo, ClientError> {
        self.get(&Path::new(["store"])).await
    }

    /// `POST store`: has other nodes keep a content of the library.
    pub async fn keep(&self, order: &StoreOrder) -> Result<StoredInfo, ClientError> {
        self.post("store", order).await
    }

    /// `GET store/{id}`: who keeps a content, by its id or its whole name.
    pub async fn locate_stored(&self, content: &str) -> Result<StoreFoundInfo, ClientError> {
        self.get(&Path::new(["store", &segment(content)])).await
    }

    /// `DELETE store/{id}`: has other nodes keep a content no longer.
    pub async fn end_stored(&self, content: &str) -> Result<(), ClientError> {
        self.send(Method::DELETE, &Path::new(["store", &segment(content)])).await.map(drop)
    }
}
