//! The map of the swarm, and the ring.

use axum::Json;
use axum::extract::State;
use shoal_net::MapOptions;

use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, named};
use crate::library::resolve;
use crate::model::{MapBody, MapInfo, Page, Problem, RingInfo};
use crate::refusal::{Answer, Refusal};

/// How far peers are asked if nothing is said, and at most.
const HOPS: u8 = 4;
const MOST_HOPS: u8 = 16;

/// Draw the map of the swarm, by asking neighbours and those that they name
///
/// Takes 20 seconds at most; asks 256 peers at most.
#[utoipa::path(post, operation_id = "topology", path = "/v1/topology", request_body = MapBody, responses(
    (status = 200, body = MapInfo),
    (status = 400, description = "That names no peer or no content", body = Problem),
    (status = 502, description = "None of the peers that were named answers", body = Problem)
))]
pub(super) async fn topology(State(app): State<App>, JsonBody(body): JsonBody<MapBody>) -> Answer<MapInfo> {
    let hops = body.hops.unwrap_or(HOPS);
    if hops > MOST_HOPS {
        return Err(Refusal::invalid(format!("hops is {hops}, and must be 0 to {MOST_HOPS}")));
    }
    let content = match &body.content {
        Some(text) => Some(resolve(&app.daemon, text).await?),
        None => None,
    };
    let peers = named(&body.peers)?;
    let node = app.daemon.node();
    let map = node.map(&MapOptions { content, hops, peers }).await;
    let map = map.map_err(|error| Refusal::no_peers(format!("{}: {error}", body.peers.join(", "))))?;
    let ring = if body.peers.is_empty() { node.ring() } else { vec![] };
    Ok(Json(convert::map(&map, &ring, &node.peer_id())))
}

/// The neighbours on the ring of all peers
#[utoipa::path(get, path = "/v1/ring", responses((status = 200, body = Page<RingInfo>)))]
pub(super) async fn ring(State(app): State<App>) -> Json<Page<RingInfo>> {
    let items = app.daemon.node().ring().iter().map(convert::ring_member).collect();
    Json(Page { items, next: None })
}
