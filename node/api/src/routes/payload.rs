//! Small payloads that trackers keep.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::IntoResponse;
use shoal_content::Hash;

use crate::app::App;
use crate::extract::{Named, RawBody, read};
use crate::model::{PayloadInfo, Problem};
use crate::refusal::Refusal;
use crate::tracker_answers::ask;

/// Leave a payload with the node's trackers
///
/// The body is the payload, 1 byte to 64 KiB. Everybody who has its id can get it for about a day.
#[utoipa::path(post, path = "/v1/tracker/payload",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 201, body = PayloadInfo),
    (status = 400, description = "It is empty", body = Problem),
    (status = 409, description = "The node has no tracker", body = Problem),
    (status = 413, description = "It is too long", body = Problem),
    (status = 502, description = "No tracker takes it", body = Problem)
))]
pub(super) async fn put(
    State(app): State<App>,
    RawBody(payload): RawBody,
) -> Result<(StatusCode, Json<PayloadInfo>), Refusal> {
    if payload.is_empty() {
        return Err(Refusal::invalid("the payload is empty"));
    }
    let bytes = |payload: &Bytes| payload.to_vec();
    let question = |tracker: shoal_net::TrackerClient| {
        let payload = bytes(&payload);
        async move { tracker.put(payload).await }
    };
    let answers = ask(&app.daemon, usize::MAX, question).await?.some()?;
    let ttl = answers.said.iter().map(|(_, (_, ttl))| ttl.as_secs()).max().unwrap_or_default();
    let info = PayloadInfo {
        id: Hash::of(&payload).to_string(),
        bytes: payload.len(),
        ttl,
        trackers: answers.said.iter().map(|(tracker, _)| tracker.to_string()).collect(),
        failed: answers.failed,
    };
    Ok((StatusCode::CREATED, Json(info)))
}

/// Get a payload from one of the node's trackers
#[utoipa::path(get, path = "/v1/tracker/payload/{id}",
    params(("id" = String, Path, description = "Its SHA-256: 64 hexadecimal digits")), responses(
    (status = 200, description = "Its bytes", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 404, description = "No tracker that answers has it", body = Problem),
    (status = 409, description = "The node has no tracker", body = Problem),
    (status = 502, description = "No tracker answers", body = Problem)
))]
pub(super) async fn get(State(app): State<App>, Named(id): Named) -> Result<impl IntoResponse, Refusal> {
    let id: Hash = read("id of a payload", &id)?;
    let question = |tracker: shoal_net::TrackerClient| async move { tracker.get(id).await };
    let answers = ask(&app.daemon, 1, question).await?;
    if answers.said.is_empty() && answers.absent {
        return Err(Refusal::not_found("no tracker of this node has this payload"));
    }
    let payload = answers.some()?.said.into_iter().map(|(_, payload)| payload).next().unwrap_or_default();
    // Others chose these bytes: nothing may take them for a page.
    let kinds = [(CONTENT_TYPE, "application/octet-stream"), (X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((kinds, payload))
}
