//! The node as a whole.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;

use crate::app::App;
use crate::convert;
use crate::extract::JsonBody;
use crate::library::{connections, in_time};
use crate::model::{CountersInfo, LimitsInfo, LoadInfo, NodeInfo, Problem};
use crate::refusal::Refusal;

/// The node
#[utoipa::path(get, path = "/v1/node", responses((status = 200, body = NodeInfo)))]
pub(super) async fn node(State(app): State<App>) -> Json<NodeInfo> {
    let daemon = &app.daemon;
    let addresses = in_time(daemon.node().addresses()).await.unwrap_or_default();
    Json(NodeInfo {
        peer: daemon.node().peer_id().to_string(),
        version: env!("CARGO_PKG_VERSION").into(),
        addresses: addresses.iter().map(|address| address.to_string()).collect(),
        uptime: daemon.node().counters().uptime.as_secs(),
        contents: daemon.count(),
        connections: connections(daemon),
        trackers: daemon.trackers().iter().map(|address| address.to_string()).collect(),
        without_tracker: in_time(daemon.node().dht()).await.map(convert::without_tracker).unwrap_or_default(),
        limits: convert::limits_info(daemon.limits()),
        data: app.data.as_ref().map(|path| path.to_string_lossy().into_owned().into()),
        activity_log: daemon.activity_log().map(|path| path.to_string_lossy().into_owned().into()),
    })
}

/// What the node counts since its start
#[utoipa::path(get, path = "/v1/counters", responses((status = 200, body = CountersInfo)))]
pub(super) async fn counters(State(app): State<App>) -> Json<CountersInfo> {
    Json(convert::counters(&app.daemon.node().counters()))
}

/// What the node has to do now
#[utoipa::path(get, path = "/v1/load", responses((status = 200, body = LoadInfo)))]
pub(super) async fn load(State(app): State<App>) -> Json<LoadInfo> {
    Json(convert::load(&app.daemon.node().load(), app.daemon.limits()))
}

/// The bandwidth limits that hold now
#[utoipa::path(get, path = "/v1/limits", responses((status = 200, body = LimitsInfo)))]
pub(super) async fn limits(State(app): State<App>) -> Json<LimitsInfo> {
    Json(convert::limits_info(app.daemon.limits()))
}

/// Set both bandwidth limits
///
/// They hold where the schedule says nothing, also after a restart. The answer has those that hold now.
#[utoipa::path(put, path = "/v1/limits", request_body = LimitsInfo, responses(
    (status = 200, body = LimitsInfo),
    (status = 400, description = "The body is none", body = Problem)
))]
pub(super) async fn set_limits(
    State(app): State<App>,
    JsonBody(body): JsonBody<LimitsInfo>,
) -> Result<Json<LimitsInfo>, Refusal> {
    if body.up == Some(0) || body.down == Some(0) {
        return Err(
            Refusal::invalid("a limit of 0 would let nothing through").hint("pause what shall rest instead")
        );
    }
    app.daemon.set_limits(convert::limits(body)).await?;
    Ok(Json(convert::limits_info(app.daemon.limits())))
}

/// End the node in good order
#[utoipa::path(post, path = "/v1/shutdown", responses((status = 202, description = "It begins to end")))]
pub(super) async fn shutdown(State(app): State<App>) -> StatusCode {
    tracing::info!("told to end");
    app.stop.cancel();
    StatusCode::ACCEPTED
}

/// This description
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(super) async fn openapi(Extension(api): Extension<Arc<OpenApi>>) -> Json<OpenApi> {
    Json((*api).clone())
}

/// Figures for Prometheus. Not part of the API proper: its form is Prometheus'.
pub(super) async fn metrics(State(app): State<App>) -> Response {
    match app.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], text).into_response(),
        Err(_) => Refusal::failed("the figures cannot be written").into_response(),
    }
}
