//! All routes together.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder, ServerBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    ask, contents, detail, find, library, node, payload, peers, store, stream, topology, trackers, why,
};
use crate::app::App;
use crate::model::Problem;
use crate::refusal::Refusal;

/// Bytes that the body of a request may have.
const MAX_BODY: usize = 64 << 10;
/// How long a request may take until its answer begins.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Every route of the API, without what guards it.
fn all() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(about())
        .routes(routes!(node::node))
        .routes(routes!(node::counters))
        .routes(routes!(node::load))
        .routes(routes!(node::limits, node::set_limits))
        .routes(routes!(node::shutdown))
        .routes(routes!(node::openapi))
        .routes(routes!(contents::contents))
        .routes(routes!(contents::content, contents::remove))
        .routes(routes!(contents::pause))
        .routes(routes!(contents::resume))
        .routes(routes!(contents::set_public))
        .routes(routes!(contents::ticket))
        .routes(routes!(detail::content_peers))
        .routes(routes!(detail::chunks))
        .routes(routes!(why::content_why))
        .routes(routes!(why::library_why))
        .routes(routes!(library::share, library::imports))
        .routes(routes!(library::import))
        .routes(routes!(library::fetch))
        .routes(routes!(peers::peers))
        .routes(routes!(trackers::trackers, trackers::register, trackers::deregister))
        .routes(routes!(topology::topology))
        .routes(routes!(topology::ring))
        .routes(routes!(find::find))
        .routes(routes!(find::ask_find))
        .routes(routes!(payload::put))
        .routes(routes!(payload::get))
        .routes(routes!(ask::load))
        .routes(routes!(ask::counters))
        .routes(routes!(ask::place))
        .routes(routes!(ask::neighbours))
        .routes(routes!(ask::contents))
        .routes(routes!(ask::ping))
        .routes(routes!(store::store, store::keep))
        .routes(routes!(store::locate, store::end))
        .routes(routes!(stream::events))
}

fn about() -> OpenApi {
    let info = InfoBuilder::new().title("Shoal").version("1").description(Some(
        "Local control of a running shoal node. Ids of contents may be given whole, by their first 8 or \
            more characters, or by a name of the library that is unique.",
    ));
    let components = utoipa::openapi::ComponentsBuilder::new().schema_from::<Problem>().build();
    OpenApiBuilder::new().info(info.build()).components(Some(components)).build()
}

/// All routes with their bounds, beneath `base`, which is empty or begins with a slash and ends without one.
pub(crate) fn build(app: App, base: &str) -> Router {
    let (router, mut api) = all().split_for_parts();
    api.servers = Some(vec![ServerBuilder::new().url(if base.is_empty() { "/" } else { base }).build()]);
    let router = router
        .route("/metrics", axum::routing::get(node::metrics))
        .method_not_allowed_fallback(async || {
            Refusal::malformed(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take this method",
            )
        })
        .with_state(app);
    let router = if base.is_empty() { router } else { Router::new().nest(base, router) };
    router
        .fallback(unknown)
        .layer(Extension(Arc::new(api)))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(in_time))
}

async fn unknown() -> Refusal {
    Refusal::not_found("there is no such path").hint("GET /v1/openapi.json lists all")
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(MAX_TIME, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refusal::busy("this took more than 30 seconds").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Each operation of the description, as method and path.
    fn operations() -> BTreeSet<String> {
        let api = serde_json::to_value(all().into_openapi()).unwrap();
        let paths = api["paths"].as_object().unwrap();
        let of = |(path, item): (&String, &serde_json::Value)| -> Vec<String> {
            item.as_object()
                .unwrap()
                .keys()
                .map(|method| format!("{} {path}", method.to_uppercase()))
                .collect()
        };
        paths.iter().flat_map(of).collect()
    }

    #[test]
    fn every_handler_has_a_route() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/routes");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let handlers = text.lines().filter(|line| line.starts_with("#[utoipa::path(")).count();
        assert_eq!(operations().len(), handlers);
    }

    #[test]
    fn the_description_is_whole() {
        let api = serde_json::to_value(all().into_openapi()).unwrap();
        assert_eq!(api["openapi"], "3.1.0");
        // Everything that is referred to is there.
        let text = api.to_string();
        for name in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(api["components"]["schemas"].get(name).is_some(), "{name} is missing");
        }
        let mut ids = BTreeSet::new();
        for item in api["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id.clone()), "{id} stands twice");
                assert!(operation["summary"].is_string(), "{id} has no summary");
            }
        }
    }

    #[test]
    fn the_document_has_an_example_of_each_route_and_of_nothing_else() {
        let text = include_str!("../../../../docs/api.md");
        let documented: BTreeSet<String> =
            text.lines().filter(|line| line.starts_with("    curl")).map(example).collect();
        assert_eq!(documented, operations());
    }

    /// The method and the path of an example, with `{id}` for what is not fixed.
    fn example(line: &str) -> String {
        let url = line.split("/v1/").nth(1).unwrap_or_else(|| panic!("{line}"));
        let path = url.split([' ', '?', '\'']).next().unwrap();
        let mut parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["contents" | "shares" | "store", ref mut id, ..] | ["tracker", "payload", ref mut id] => {
                *id = "{id}"
            }
            _ => {}
        }
        let method = match line.split_once("-X ") {
            Some((_, rest)) => rest.split(' ').next().unwrap(),
            None if line.contains(" -d ") || line.contains("--data-binary") => "POST",
            None => "GET",
        };
        format!("{method} /v1/{}", parts.join("/"))
    }
}
