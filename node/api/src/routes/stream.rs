//! What happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::Stream;

use crate::app::App;
use crate::events::{Place, follow};
use crate::model::{ApiChange, Problem};
use crate::refusal::Refusal;

/// How often a line without meaning is sent where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Follow what happens
///
/// Server-sent events. First comes `snapshot`, then what changes: `content`, `removed`, `import`, `peers`; their data is as in the
/// answers of other routes. With the header `Last-Event-ID`, what came since then, as long as that is remembered. A reader that is
/// too slow gets `gap`, then a new `snapshot`.
#[utoipa::path(get, path = "/v1/events",
    params(("last-event-id" = Option<String>, Header, description = "The id of the last event that was read")),
    responses(
        (status = 200, description = "Events; the schema has their names and data", body = ApiChange, content_type = "text/event-stream"),
        (status = 503, description = "Too many follow", body = Problem)
))]
pub(super) async fn events(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refusal> {
    let after = headers.get("last-event-id").and_then(|id| Place::parse(id.to_str().ok()?));
    let events = follow(app.daemon, app.hub, app.stop, after);
    let events = events.ok_or_else(|| Refusal::busy("16 follow already").hint("end one of them"))?;
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}
