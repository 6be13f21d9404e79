//! Contents of the library.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shoal_content::ContentId;
use utoipa::IntoParams;

use crate::app::App;
use crate::convert;
use crate::extract::{JsonBody, Named, Params, read};
use crate::library::{item, known, resolve};
use crate::model::{Content, ContentStateInfo, Page, Problem, PublicBody, TicketInfo};
use crate::page::PageQuery;
use crate::refusal::Answer;

/// Contents that are looked at for one page of those in one state, so that a page is quick also if few are.
const LOOKED_AT: usize = 4096;

/// Which contents to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContentsQuery {
    /// The `next` of the page before.
    after: Option<String>,
    /// 1 to 1000; 100 if it is left out.
    limit: Option<usize>,
    /// Only those in this state. A page may then have fewer than `limit`, or none, and not be the last.
    #[param(inline)]
    state: Option<ContentStateInfo>,
}

/// The library, by id
#[utoipa::path(get, path = "/v1/contents", params(ContentsQuery), responses(
    (status = 200, body = Page<Content>),
    (status = 400, description = "A parameter is none", body = Problem)
))]
pub(super) async fn contents(
    State(app): State<App>,
    Params(query): Params<ContentsQuery>,
) -> Answer<Page<Content>> {
    let limit = PageQuery::new(None, query.limit).limit()?;
    let mut after = query.after.as_deref().map(|text| read::<ContentId>("content id", text)).transpose()?;
    let (mut items, mut looked_at) = (vec![], 0);
    let wanted = |content: &Content| query.state.is_none_or(|state| content.state == state);
    loop {
        // One more, to see whether there is more.
        let page = app.daemon.items(after, limit + 1);
        let more = page.len() > limit;
        for item in page.iter().take(limit) {
            let content = convert::content(item);
            after = Some(item.content);
            looked_at += 1;
            if wanted(&content) {
                items.push(content);
            }
            if items.len() == limit {
                break;
            }
        }
        // Behind the last content the page is empty, whatever `after` is.
        let last = page.iter().take(limit).next_back().map(|item| item.content);
        let more = more || last.is_some_and(|last| after != Some(last));
        if !more || items.len() == limit || looked_at >= LOOKED_AT {
            let next = after.filter(|_| more).map(|content| content.to_string());
            return Ok(Json(Page { items, next }));
        }
        tokio::task::yield_now().await;
    }
}

/// A content
#[utoipa::path(get, path = "/v1/contents/{id}", params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = Content),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn content(State(app): State<App>, Named(id): Named) -> Answer<Content> {
    Ok(Json(convert::content(&item(&app.daemon, &id).await?)))
}

/// Take a content out of the library; files stay
///
/// The answer says what it was.
#[utoipa::path(delete, path = "/v1/contents/{id}", params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = Content),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn remove(State(app): State<App>, Named(id): Named) -> Answer<Content> {
    let item = item(&app.daemon, &id).await?;
    app.daemon.remove(item.content).await?;
    app.hub.touch(item.content);
    Ok(Json(convert::content(&item)))
}

/// Stop what is done for a content until it is resumed
#[utoipa::path(post, path = "/v1/contents/{id}/pause", params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = Content),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn pause(State(app): State<App>, Named(id): Named) -> Answer<Content> {
    let content = resolve(&app.daemon, &id).await?;
    app.daemon.pause(content).await?;
    changed(&app, content)
}

/// Go on after a pause, a failure, or a goal that was reached
#[utoipa::path(post, path = "/v1/contents/{id}/resume", params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = Content),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn resume(State(app): State<App>, Named(id): Named) -> Answer<Content> {
    let content = resolve(&app.daemon, &id).await?;
    app.daemon.resume(content).await?;
    changed(&app, content)
}

/// Tell peers that ask what is shared here of a content, or do not
#[utoipa::path(put, path = "/v1/contents/{id}/public", params(("id" = String, Path, description = "Id, its beginning, or name")),
    request_body = PublicBody, responses(
    (status = 200, body = Content),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn set_public(
    State(app): State<App>,
    Named(id): Named,
    JsonBody(body): JsonBody<PublicBody>,
) -> Answer<Content> {
    let content = resolve(&app.daemon, &id).await?;
    app.daemon.set_public(content, body.public).await?;
    changed(&app, content)
}

fn changed(app: &App, content: ContentId) -> Answer<Content> {
    app.hub.touch(content);
    Ok(Json(convert::content(&known(&app.daemon, content)?)))
}

/// A ticket for a content
#[utoipa::path(get, path = "/v1/contents/{id}/ticket", params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = TicketInfo),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn ticket(State(app): State<App>, Named(id): Named) -> Answer<TicketInfo> {
    let content = resolve(&app.daemon, &id).await?;
    let ticket = app.daemon.ticket(content).await?;
    let words =
        |addresses: &[libp2p::Multiaddr]| addresses.iter().map(|address| address.to_string()).collect();
    Ok(Json(TicketInfo {
        content: content.to_string(),
        ticket: ticket.to_string(),
        peers: words(&ticket.peers),
        trackers: words(&ticket.rendezvous),
    }))
}
