//! Why contents do not come.

use axum::Json;
use axum::extract::State;
use futures::future::join_all;
use shoal_content::ContentId;
use shoal_daemon::{Daemon, Item};

use super::answer::Answer;
use crate::app::App;
use crate::extract::{Named, Params, read};
use crate::library::{in_time, item};
use crate::model::{FindingInfo, Page, Problem, WhyInfo};
use crate::page::PageQuery;
use crate::refusal::Refusal;

/// Why a content does not come, or comes slowly
#[utoipa::path(get, path = "/v1/contents/{id}/why",
    params(("id" = String, Path, description = "Id, its beginning, or name")), responses(
    (status = 200, body = WhyInfo),
    (status = 404, description = "There is none", body = Problem),
    (status = 409, description = "There are several", body = Problem)
))]
pub(super) async fn content_why(State(app): State<App>, Named(id): Named) -> Answer<WhyInfo> {
    let item = item(&app.daemon, &id).await?;
    let why = why(&app.daemon, &item).await;
    why.map(Json).ok_or_else(|| Refusal::busy("the content has too much to do to say how it goes"))
}

/// Why contents do not come: those that are not complete, or that something is wrong with, by id
///
/// A page has as many contents of the library as asked for, less those that are well: it may have fewer and not be the last.
#[utoipa::path(get, path = "/v1/why", params(PageQuery), responses(
    (status = 200, body = Page<WhyInfo>)
))]
pub(super) async fn library_why(
    State(app): State<App>,
    Params(query): Params<PageQuery>,
) -> Answer<Page<WhyInfo>> {
    let limit = query.limit()?;
    let after = query.after().map(|text| read::<ContentId>("content id", text)).transpose()?;
    // One more, to see whether there is more.
    let mut items = app.daemon.items(after, limit + 1);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|item| item.content.to_string());
    let all = join_all(items.iter().map(|item| why(&app.daemon, item))).await;
    let is_told = |(item, why): &(&Item, WhyInfo)| !item.complete || why.findings.iter().any(|it| !it.normal);
    let told = items.iter().zip(all).filter_map(|(item, why)| Some((item, why?))).filter(is_told);
    Ok(Json(Page { items: told.map(|(_, why)| why).collect(), next }))
}

async fn why(daemon: &Daemon, item: &Item) -> Option<WhyInfo> {
    let findings = in_time(daemon.explain(item.content)).await??;
    let findings = findings.iter().map(FindingInfo::from).collect();
    Some(WhyInfo { content: item.content.to_string(), name: item.name.clone(), findings })
}
