//! What comes into the library.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use shoal_daemon::{Import, ImportId};

use super::answer::Answer;
use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, Named, Params, read};
use crate::library::import_info;
use crate::model::{Content, Fetch, ImportInfo, Page, Problem, Share};
use crate::page::PageQuery;
use crate::refusal::Refusal;

/// Begin to share files
///
/// They are hashed first. The import in the answer says how far that is.
#[utoipa::path(post, path = "/v1/shares", request_body = Share, responses(
    (status = 202, body = ImportInfo),
    (status = 400, description = "It makes no sense", body = Problem),
    (status = 503, description = "Too many wait", body = Problem)
))]
pub(super) async fn share(
    State(app): State<App>,
    JsonBody(share): JsonBody<Share>,
) -> Result<(StatusCode, Json<ImportInfo>), Refusal> {
    let request = convert::share_request(share)?;
    let daemon = app.daemon.clone();
    // It waits for the disk.
    let id = tokio::task::spawn_blocking(move || daemon.share(request)).await;
    let id = id.map_err(|error| Refusal::failed(format!("internal error: {error}")))??;
    Ok((StatusCode::ACCEPTED, Json(import_info(&app.daemon, &find(&app, id)?).await)))
}

/// Imports that wait or run, and the last that ended
#[utoipa::path(get, path = "/v1/shares", params(PageQuery), responses(
    (status = 200, body = Page<ImportInfo>),
    (status = 400, description = "A parameter is none", body = Problem)
))]
pub(super) async fn imports(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Answer<Page<ImportInfo>> {
    let after = query.after().map(|text| read::<u64>("number of an import", text)).transpose()?;
    let mut all = app.daemon.imports();
    all.sort_by_key(|import| import.id);
    let limit = query.limit()?;
    let mut rest = all.iter().filter(|import| after.is_none_or(|after| import.id.0 > after));
    let page: Vec<&Import> = rest.by_ref().take(limit).collect();
    let next = rest.next().and_then(|_| page.last()).map(|last| last.id.0.to_string());
    let items = futures::future::join_all(page.into_iter().map(|it| import_info(&app.daemon, it))).await;
    Ok(Json(Page { items, next }))
}

/// An import
#[utoipa::path(get, path = "/v1/shares/{id}", params(("id" = u64, Path, description = "Its number")), responses(
    (status = 200, body = ImportInfo),
    (status = 404, description = "It is not known, or not any more", body = Problem)
))]
pub(super) async fn import(State(app): State<App>, Named(id): Named) -> Answer<ImportInfo> {
    let id = ImportId(read("number of an import", &id)?);
    Ok(Json(import_info(&app.daemon, &find(&app, id)?).await))
}

fn find(app: &App, id: ImportId) -> Result<Import, Refusal> {
    app.daemon.import(id).ok_or_else(|| Refusal::not_found(format!("there is no import {}", id.0)))
}

/// Begin to fetch a content
#[utoipa::path(post, path = "/v1/downloads", request_body = Fetch, responses(
    (status = 201, body = Content),
    (status = 400, description = "It makes no sense", body = Problem),
    (status = 409, description = "It is in the library already", body = Problem)
))]
pub(super) async fn fetch(
    State(app): State<App>,
    JsonBody(fetch): JsonBody<Fetch>,
) -> Result<(StatusCode, Json<Content>), Refusal> {
    let item = app.daemon.fetch(convert::fetch_request(fetch)?).await?;
    app.hub.touch(item.content);
    Ok((StatusCode::CREATED, Json(convert::content(&item))))
}
