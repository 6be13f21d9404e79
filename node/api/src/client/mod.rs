//! The other side of the API: asks a daemon.
//!
//! A [`Client`] asks a daemon in another process by its socket, or one in this process by its router. Both go through the same
//! routes, so a command behaves the same either way.
//!
//! What always holds: an answer of more than 16 MiB is refused before it is kept; each request has a connection of its own.

mod asking;
mod carrier;
mod contents;
mod events;
mod node;
mod store;
mod trackers;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::Problem;
use carrier::{Answer, Carrier};
pub use events::ApiEvents;

/// Why a daemon did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No daemon listens there.
    #[error("no shoal node is running here")]
    NotRunning,
    /// It refused.
    #[error("{}", .0.message)]
    Refused(Problem),
    /// The connection broke, or the answer is not one.
    #[error("cannot talk to the shoal node: {0}")]
    Broken(String),
}

/// Asks a daemon: one in another process by its socket, or one in this process without any. Cheap to clone.
///
/// Where a content is named, that is its id, the beginning of its id (at least 8 characters), or its name, as long as that
/// is unique. Every method fails with [`ClientError`] as described there.
#[derive(Clone)]
pub struct Client {
    carrier: Arc<Carrier>,
}

impl Client {
    /// Asks the daemon whose Unix socket has this path. Nothing is sent before the first request.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self { carrier: Arc::new(Carrier::Unix(path.into())) }
    }

    /// Asks a daemon in this process, whose routes these are.
    pub fn in_process(router: Router) -> Self {
        Self { carrier: Arc::new(Carrier::Router(router)) }
    }

    async fn get<T: DeserializeOwned>(&self, path: &Path) -> Result<T, ClientError> {
        self.send(Method::GET, path).await?.json()
    }

    async fn send(&self, method: Method, path: &Path) -> Result<Answer, ClientError> {
        self.exchange(method, path, None, Bytes::new()).await
    }

    async fn send_json(
        &self,
        method: Method,
        path: &Path,
        body: &impl Serialize,
    ) -> Result<Answer, ClientError> {
        let body = serde_json::to_vec(body).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.exchange(method, path, Some(HeaderValue::from_static("application/json")), body.into()).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        self.send_json(Method::POST, &Path::new([path]), body).await?.json()
    }

    async fn exchange(
        &self,
        method: Method,
        path: &Path,
        kind: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, ClientError> {
        let mut request = request(method, path, body)?;
        if let Some(kind) = kind {
            request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        self.carrier.exchange(request).await
    }
}

fn request(method: Method, path: &Path, body: Bytes) -> Result<Request<Bytes>, ClientError> {
    let request = Request::builder().method(method).uri(&path.0).body(body);
    request.map_err(|error| ClientError::Broken(error.to_string()))
}

/// A path of the API with its query, every part of it escaped.
struct Path(String);

impl Path {
    /// Takes the parts behind `/v1`; one of the client's own may hold slashes, a foreign one goes through [`segment`].
    fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut path = "/v1".to_owned();
        parts.into_iter().for_each(|part| {
            path.push('/');
            path += part;
        });
        Self(path)
    }

    /// Adds a parameter if there is a value for it.
    fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0 += &format!("{name}={}", segment(&value.to_string()));
        }
        self
    }
}

/// A text as one part of a path or a query.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_place_in_a_path() {
        let odd = "a/b?c=d&e#f%é \n..";
        let path =
            Path::new(["contents", &segment(odd), "why"]).with("name", Some(odd)).with("n", None::<u8>);
        let escaped = "a%2Fb%3Fc%3Dd%26e%23f%25%C3%A9%20%0A%2E%2E";
        assert_eq!(path.0, format!("/v1/contents/{escaped}/why?name={escaped}"));
        assert!(path.0.parse::<hyper::Uri>().is_ok());
    }
}
