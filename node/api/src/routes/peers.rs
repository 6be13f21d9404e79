//! Peers of the node.

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;

use super::answer::Answer;
use crate::app::App;
use crate::convert;
use crate::extract::Params;
use crate::model::{NeighbourInfo, Page, Problem};
use crate::page::PageQuery;

/// Connected peers, by id
#[utoipa::path(get, path = "/v1/peers", params(PageQuery), responses(
    (status = 200, body = Page<NeighbourInfo>),
    (status = 400, description = "A parameter is none", body = Problem)
))]
pub(super) async fn peers(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Answer<Page<NeighbourInfo>> {
    let now = SystemTime::now();
    let all = app.daemon.node().neighbours();
    let mut all: Vec<NeighbourInfo> = all.iter().map(|it| convert::neighbour(it, now)).collect();
    // By what `after` is compared with.
    all.sort_by(|a, b| a.peer.cmp(&b.peer));
    query.cut(all, |it| it.peer.clone()).map(Json)
}
