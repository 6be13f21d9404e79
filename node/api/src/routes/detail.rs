//! One content from inside.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::Answer;
use crate::app::App;
use crate::convert;
use crate::extract::{Named, Params};
use crate::library::{in_time, item};
use crate::model::{ChunkMapInfo, ContentPeerInfo, Page, Problem};
use crate::page::PageQuery;

/// Peers of a content, by id
///
/// Those that are connected for it, and those that anything was exchanged with since it was started.
#[utoipa::path(get, path = "/v1/contents/{id}/peers",
    params(("id" = String, Path, description = "Id, its beginning, or name"), PageQuery), responses(
    (status = 200, body = Page<ContentPeerInfo>),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn content_peers(
    State(app): State<App>,
    Named(id): Named,
    Params(query): Params<PageQuery>,
) -> Answer<Page<ContentPeerInfo>> {
    let item = item(&app.daemon, &id).await?;
    let detail = in_time(app.daemon.node().content_detail(item.content)).await.flatten();
    let peers = convert::content_peers(&item.progress.traffic, detail.as_ref());
    query.cut(peers, |it| it.peer.clone()).map(Json)
}

/// Where the map begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChunksQuery {
    /// The first chunk of the runs: the `next` of the answer before, or 0.
    #[serde(default)]
    from: u32,
}

/// Which chunks of a content are here, and how rare its chunks are
#[utoipa::path(get, path = "/v1/contents/{id}/chunks",
    params(("id" = String, Path, description = "Id, its beginning, or name"), ChunksQuery), responses(
    (status = 200, body = ChunkMapInfo),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn chunks(
    State(app): State<App>,
    Named(id): Named,
    Params(query): Params<ChunksQuery>,
) -> Answer<ChunkMapInfo> {
    let content = item(&app.daemon, &id).await?.content;
    let detail = in_time(app.daemon.node().content_detail(content)).await.flatten();
    Ok(Json(convert::chunk_map(content, detail.as_ref(), query.from)))
}
