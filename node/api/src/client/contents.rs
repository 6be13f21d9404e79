//! Questions and orders about contents.

use hyper::Method;

use super::{Client, ClientError, Path, segment};
use crate::model::*;

fn of(content: &str) -> Path {
    Path::new(["contents", &segment(content)])
}

fn part(content: &str, part: &str) -> Path {
    Path::new(["contents", &segment(content), part])
}

impl Client {
    /// `GET contents`: a page of the library by id, `limit` (at most 1000, else 100) contents after `after`; `state`: only
    /// those in that state. A page may have fewer and not be the last.
    pub async fn contents(
        &self,
        after: Option<&str>,
        limit: Option<usize>,
        state: Option<ContentStateInfo>,
    ) -> Result<Page<Content>, ClientError> {
        let path = Path::new(["contents"]).with("after", after).with("limit", limit);
        self.get(&path.with("state", state.map(ContentStateInfo::name))).await
    }

    /// `GET contents/{id}`.
    pub async fn content(&self, content: &str) -> Result<Content, ClientError> {
        self.get(&of(content)).await
    }

    /// `POST shares`: begins to share; the import says how far that is.
    pub async fn share(&self, share: &Share) -> Result<ImportInfo, ClientError> {
        self.post("shares", share).await
    }

    /// `GET shares`: imports that wait or run, and the last that ended; a page by id.
    pub async fn imports(
        &self,
        after: Option<u64>,
        limit: Option<usize>,
    ) -> Result<Page<ImportInfo>, ClientError> {
        self.get(&Path::new(["shares"]).with("after", after).with("limit", limit)).await
    }

    /// `GET shares/{id}`.
    pub async fn import(&self, id: u64) -> Result<ImportInfo, ClientError> {
        self.get(&Path::new(["shares", &id.to_string()])).await
    }

    /// `POST downloads`: begins to fetch.
    pub async fn fetch(&self, fetch: &Fetch) -> Result<Content, ClientError> {
        self.post("downloads", fetch).await
    }

    /// `POST contents/{id}/pause`: stops what is done for a content until it is resumed.
    pub async fn pause(&self, content: &str) -> Result<Content, ClientError> {
        self.send(Method::POST, &part(content, "pause")).await?.json()
    }

    /// `POST contents/{id}/resume`: goes on after a pause, a failure, or a goal that was reached.
    pub async fn resume(&self, content: &str) -> Result<Content, ClientError> {
        self.send(Method::POST, &part(content, "resume")).await?.json()
    }

    /// `PUT contents/{id}/public`: whether peers that ask what is shared here are told of it.
    pub async fn set_public(&self, content: &str, public: bool) -> Result<Content, ClientError> {
        self.send_json(Method::PUT, &part(content, "public"), &PublicBody { public }).await?.json()
    }

    /// `DELETE contents/{id}`: takes a content out of the library; files stay. Returns what it was.
    pub async fn remove(&self, content: &str) -> Result<Content, ClientError> {
        self.send(Method::DELETE, &of(content)).await?.json()
    }

    /// `GET contents/{id}/ticket`.
    pub async fn ticket(&self, content: &str) -> Result<TicketInfo, ClientError> {
        self.get(&part(content, "ticket")).await
    }

    /// `GET contents/{id}/peers`: a page by peer id.
    pub async fn content_peers(
        &self,
        content: &str,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Page<ContentPeerInfo>, ClientError> {
        self.get(&part(content, "peers").with("after", after).with("limit", limit)).await
    }

    /// `GET contents/{id}/chunks`: which chunks are here, from the chunk `from` on.
    pub async fn chunks(&self, content: &str, from: Option<u32>) -> Result<ChunkMapInfo, ClientError> {
        self.get(&part(content, "chunks").with("from", from)).await
    }

    /// `GET contents/{id}/why`: why it does not come, or comes slowly.
    pub async fn why(&self, content: &str) -> Result<WhyInfo, ClientError> {
        self.get(&part(content, "why")).await
    }

    /// `GET why`: the contents that are not complete, or that something is wrong with; a page by id.
    pub async fn library_why(
        &self,
        after: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Page<WhyInfo>, ClientError> {
        self.get(&Path::new(["why"]).with("after", after).with("limit", limit)).await
    }
}
