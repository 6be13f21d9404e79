//! Questions to other peers. What they answer is their claim, and is passed on as that.

use axum::Json;
use axum::extract::State;
use shoal_content::ContentId;
use shoal_net::{AskError, ChunkRef, PeerTarget, RemotePeer};

use super::answer::Answer;
use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, read};
use crate::library::resolve;
use crate::model::{
    AskContentsBody, AskCountersBody, AskWhereBody, Page, PeerContentInfo, PeerCountersInfo, PeerLoadInfo,
    PeerPlaceInfo, PeerRef, PingInfo, Problem, WhereInfo,
};
use crate::refusal::Refusal;

/// What a peer has to do
#[utoipa::path(post, operation_id = "ask_load", path = "/v1/ask/load", request_body = PeerRef, responses(
    (status = 200, body = PeerLoadInfo),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "It does not answer, or refuses", body = Problem)
))]
pub(super) async fn load(State(app): State<App>, JsonBody(body): JsonBody<PeerRef>) -> Answer<PeerLoadInfo> {
    let peer = peer(&app, &body.peer)?;
    peer.load()
        .await
        .map(|claim| Json(convert::peer_load(&claim)))
        .map_err(|error| refused(&body.peer, &error))
}

/// What a peer counts
///
/// Of bytes exchanged with single peers, it tells only those exchanged with this node.
#[utoipa::path(post, operation_id = "ask_counters", path = "/v1/ask/counters", request_body = AskCountersBody, responses(
    (status = 200, body = PeerCountersInfo),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "It does not answer, or refuses", body = Problem)
))]
pub(super) async fn counters(
    State(app): State<App>,
    JsonBody(body): JsonBody<AskCountersBody>,
) -> Answer<PeerCountersInfo> {
    let peer = peer(&app, &body.peer)?;
    let content = match &body.content {
        Some(text) => Some(resolve(&app.daemon, text).await?),
        None => None,
    };
    let claim = peer.counters(content).await.map_err(|error| refused(&body.peer, &error))?;
    Ok(Json(convert::peer_counters(&claim)))
}

/// Where a chunk is, as far as a peer knows
#[utoipa::path(post, operation_id = "ask_where", path = "/v1/ask/where", request_body = AskWhereBody, responses(
    (status = 200, body = WhereInfo),
    (status = 400, description = "That names no peer, or no chunk", body = Problem),
    (status = 404, description = "That names no content", body = Problem),
    (status = 502, description = "It does not answer, or refuses", body = Problem)
))]
pub(super) async fn place(
    State(app): State<App>,
    JsonBody(body): JsonBody<AskWhereBody>,
) -> Answer<WhereInfo> {
    let (peer, chunk) = (peer(&app, &body.peer)?, chunk(&body.chunk)?);
    let content = resolve(&app.daemon, &body.content).await?;
    let places = peer.find_chunk(content, chunk).await.map_err(|error| refused(&body.peer, &error))?;
    let peers = places.peers.iter().map(convert::peer_place).collect();
    Ok(Json(WhereInfo { has: places.has, chunk: places.chunk, peers }))
}

/// Peers that a peer is connected to; at most 50
#[utoipa::path(post, operation_id = "ask_neighbours", path = "/v1/ask/neighbours", request_body = PeerRef, responses(
    (status = 200, body = Page<PeerPlaceInfo>),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "It does not answer, or refuses", body = Problem)
))]
pub(super) async fn neighbours(
    State(app): State<App>,
    JsonBody(body): JsonBody<PeerRef>,
) -> Answer<Page<PeerPlaceInfo>> {
    let peers = peer(&app, &body.peer)?.neighbours().await.map_err(|error| refused(&body.peer, &error))?;
    Ok(Json(Page { items: peers.iter().map(convert::peer_place).collect(), next: None }))
}

/// What a peer shares with everybody that asks; at most 100 a page
#[utoipa::path(post, operation_id = "ask_contents", path = "/v1/ask/contents", request_body = AskContentsBody, responses(
    (status = 200, body = Page<PeerContentInfo>),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "It does not answer, or refuses", body = Problem)
))]
pub(super) async fn contents(
    State(app): State<App>,
    JsonBody(body): JsonBody<AskContentsBody>,
) -> Answer<Page<PeerContentInfo>> {
    let after = body.after.as_deref().map(|text| read::<ContentId>("content id", text)).transpose()?;
    let page = peer(&app, &body.peer)?.contents(after).await.map_err(|error| refused(&body.peer, &error))?;
    let items = page.contents.iter().map(convert::peer_content).collect();
    Ok(Json(Page { items, next: page.next.map(|next| next.to_string()) }))
}

/// How long a peer takes for the smallest answer
///
/// With a connection that stands: a stream is opened, then the question goes there and the answer back.
#[utoipa::path(post, operation_id = "ask_ping", path = "/v1/ask/ping", request_body = PeerRef, responses(
    (status = 200, body = PingInfo),
    (status = 400, description = "That names no peer", body = Problem),
    (status = 502, description = "It does not answer", body = Problem)
))]
pub(super) async fn ping(State(app): State<App>, JsonBody(body): JsonBody<PeerRef>) -> Answer<PingInfo> {
    let time = peer(&app, &body.peer)?.ping().await.map_err(|error| refused(&body.peer, &error))?;
    Ok(Json(PingInfo { peer: body.peer, millis: convert::millis(time) }))
}

fn peer(app: &App, text: &str) -> Result<RemotePeer, Refusal> {
    Ok(app.daemon.node().peer(read::<PeerTarget>("peer", text)?))
}

/// Reads a chunk's index, or its hash.
fn chunk(text: &str) -> Result<ChunkRef, Refusal> {
    if let Ok(index) = text.trim().parse() {
        return Ok(ChunkRef::Index(index));
    }
    let hash = text.trim().parse().map_err(|_| Refusal::invalid(format!("'{text}' names no chunk")));
    Ok(ChunkRef::Hash(
        hash.map_err(|refusal| refusal.hint("give its index, or its SHA-256 as 64 hexadecimal digits"))?,
    ))
}

fn refused(peer: &str, error: &AskError) -> Refusal {
    let words = format!("{peer}: {error}");
    match error {
        AskError::Refused(_) | AskError::Unsupported | AskError::WrongAnswer => Refusal::by_other(words),
        AskError::NotConnected(_)
        | AskError::Unreachable(_)
        | AskError::Timeout
        | AskError::Ended
        | AskError::Broken(_) => Refusal::no_peers(words),
    }
}
