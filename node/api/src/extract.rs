//! Reads what is in a request; what cannot be read is refused with a problem.

use std::str::FromStr;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use libp2p::Multiaddr;
use serde::de::DeserializeOwned;
use shoal_content::is_plain;
use shoal_net::PeerTarget;

use crate::refusal::Refusal;

/// A body of JSON.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(Refusal::malformed(rejection.status(), rejection.body_text())),
        }
    }
}

/// A body of any bytes.
pub(crate) struct RawBody(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Bytes::from_request(request, state).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) => Err(Refusal::malformed(rejection.status(), rejection.body_text())),
        }
    }
}

/// The parameters behind the `?`.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Refusal::malformed(rejection.status(), rejection.body_text())),
        }
    }
}

/// The one part of the path that is not fixed.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(Refusal::malformed(rejection.status(), rejection.body_text())),
        }
    }
}

/// Reads something that is written in a text.
pub(crate) fn read<T: FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T, Refusal> {
    text.trim().parse().map_err(|error| Refusal::invalid(format!("'{text}' is no {what}: {error}")))
}

/// Reads an address that may stand in a ticket.
pub(crate) fn address(text: &str) -> Result<Multiaddr, Refusal> {
    let address: Multiaddr = read("multiaddress", text)?;
    if is_plain(&address) {
        return Ok(address);
    }
    Err(Refusal::invalid(
        "an address is written in visible ASCII characters, names of other scripts as xn--…",
    ))
}

/// Reads several.
pub(crate) fn addresses(texts: &[String]) -> Result<Vec<Multiaddr>, Refusal> {
    texts.iter().map(|text| address(text)).collect()
}

/// The most peers that a request may name.
const MOST_NAMED: usize = 16;

/// Reads peers, by address or id.
pub(crate) fn named(texts: &[String]) -> Result<Vec<PeerTarget>, Refusal> {
    if texts.len() > MOST_NAMED {
        return Err(Refusal::invalid(format!("more than {MOST_NAMED} peers")));
    }
    texts.iter().map(|text| read("peer", text)).collect()
}
