//! The trackers that every content is registered at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::answer::Answer;
use crate::app::App;
use crate::extract::{JsonBody, Params, address};
use crate::model::{Page, Problem, TrackerBody, TrackerInfo};
use crate::refusal::Refusal;

/// Which tracker.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrackerQuery {
    /// Its multiaddress.
    address: String,
}

/// Trackers that every content is registered at
#[utoipa::path(get, path = "/v1/trackers", responses((status = 200, body = Page<String>)))]
pub(super) async fn trackers(State(app): State<App>) -> Json<Page<String>> {
    let items = app.daemon.trackers().iter().map(|address| address.to_string()).collect();
    Json(Page { items, next: None })
}

/// Register every content at one more tracker
#[utoipa::path(post, path = "/v1/trackers", request_body = TrackerBody, responses(
    (status = 201, body = TrackerInfo, description = "Now it is one of them"),
    (status = 200, body = TrackerInfo, description = "It was already"),
    (status = 400, description = "That is no address", body = Problem)
))]
pub(super) async fn register(
    State(app): State<App>,
    JsonBody(body): JsonBody<TrackerBody>,
) -> Result<(StatusCode, Json<TrackerInfo>), Refusal> {
    let tracker = address(&body.address)?;
    let changed = app.daemon.register(tracker.clone()).await?;
    let status = if changed { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(TrackerInfo { address: tracker.to_string(), changed })))
}

/// Take every content out of a tracker
#[utoipa::path(delete, path = "/v1/trackers", params(TrackerQuery), responses(
    (status = 200, body = TrackerInfo),
    (status = 400, description = "That is no address", body = Problem)
))]
pub(super) async fn deregister(
    State(app): State<App>,
    Params(query): Params<TrackerQuery>,
) -> Answer<TrackerInfo> {
    let tracker = address(&query.address)?;
    let changed = app.daemon.deregister(&tracker).await?;
    Ok(Json(TrackerInfo { address: tracker.to_string(), changed }))
}
