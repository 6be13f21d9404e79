//! The store: what others keep for this node, and what is kept here for others.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shoal_content::ContentId;
use shoal_daemon::Daemon;

use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, Named};
use crate::library::resolve;
use crate::model::{Problem, StoreFoundInfo, StoreInfo, StoreOrder, StoredInfo};
use crate::refusal::{Answer, Refusal};

/// How long nodes of the store are asked.
const PATIENCE: Duration = Duration::from_secs(25);

/// The store, as this node sees it
#[utoipa::path(get, path = "/v1/store", responses((status = 200, body = StoreInfo)))]
pub(super) async fn store(State(app): State<App>) -> Answer<StoreInfo> {
    Ok(Json(convert::store(&app.daemon.store_status()?)))
}

/// Have other nodes keep a content of the library
///
/// They are found and given copies after the answer. Again: for longer, or as more copies.
#[utoipa::path(post, path = "/v1/store", request_body = StoreOrder, responses(
    (status = 202, body = StoredInfo),
    (status = 400, description = "It makes no sense", body = Problem),
    (status = 404, description = "There is no such content", body = Problem)
))]
pub(super) async fn keep(
    State(app): State<App>,
    JsonBody(order): JsonBody<StoreOrder>,
) -> Result<(StatusCode, Json<StoredInfo>), Refusal> {
    let content = resolve(&app.daemon, &order.content).await?;
    app.daemon.store(content, order.copies, Duration::from_secs(order.keep_for))?;
    let status = app.daemon.store_status()?;
    let view = status.contents.iter().find(|view| view.content == content);
    let view = view.ok_or_else(|| Refusal::busy("too many contents are in the store of this node"))?;
    Ok((StatusCode::ACCEPTED, Json(convert::stored(view))))
}

/// Who keeps a content
#[utoipa::path(get, path = "/v1/store/{id}", params(("id" = String, Path, description = "Id, or the whole name")), responses(
    (status = 200, body = StoreFoundInfo),
    (status = 409, description = "Several are named like that", body = Problem),
    (status = 502, description = "No node that can be asked has it", body = Problem)
))]
pub(super) async fn locate(State(app): State<App>, Named(id): Named) -> Answer<StoreFoundInfo> {
    let search = async {
        let content = content_named(&app.daemon, &id).await?;
        let found = app.daemon.locate_stored(content).await?;
        found.filter(|found| !found.holders.is_empty()).ok_or_else(|| nowhere(&id))
    };
    match tokio::time::timeout(PATIENCE, search).await {
        Ok(found) => Ok(Json(convert::store_found(found?))),
        Err(_) => Err(nowhere(&id)),
    }
}

/// Have other nodes keep a content no longer
///
/// Only what this node wanted to be kept ends.
#[utoipa::path(delete, path = "/v1/store/{id}", params(("id" = String, Path, description = "Id, or the whole name")), responses(
    (status = 202, description = "Others are told"),
    (status = 409, description = "Several are named like that", body = Problem),
    (status = 502, description = "No node that can be asked has it", body = Problem)
))]
pub(super) async fn end(State(app): State<App>, Named(id): Named) -> Result<StatusCode, Refusal> {
    let content = content_named(&app.daemon, &id).await?;
    app.daemon.end_stored(content).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The one content that is meant by an id, or by a name that some node keeps a content under.
async fn content_named(daemon: &Daemon, text: &str) -> Result<ContentId, Refusal> {
    if let Ok(content) = text.parse() {
        return Ok(content);
    }
    let own: Vec<ContentId> = daemon
        .store_status()?
        .contents
        .iter()
        .filter(|view| view.owned && view.name == text)
        .map(|view| view.content)
        .collect();
    let found = if own.len() == 1 { own } else { daemon.find_stored(text).await? };
    match found[..] {
        [content] => Ok(content),
        [] => Err(nowhere(text)),
        _ => {
            let ids = found.iter().take(16).map(ContentId::to_string).collect();
            let refusal = Refusal::conflict(format!("several contents of the store are named '{text}'"));
            Err(refusal.hint("name it by its id").candidates(ids))
        }
    }
}

fn nowhere(text: &str) -> Refusal {
    Refusal::no_peers(format!("no node of the store that can be asked has '{text}'"))
        .hint("GET /v1/store says how many members of the store are known")
}
