//! Follows what happens.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures::{Stream, StreamExt};
use hyper::Method;
use hyper::header::{ACCEPT, HeaderValue};
use sse_stream::{Sse, SseStream};

use super::{Client, ClientError, Path, request};
use crate::model::{ApiChange, ApiEvent};

/// What happens at a daemon, from some moment on. It ends when the connection does; after an error nothing comes.
pub struct ApiEvents {
    body: Pin<Box<SseStream<Body>>>,
    ended: bool,
}

impl Client {
    /// `GET events`: follows what happens. First comes a [`ApiChange::Snapshot`], or with the id of an earlier event what came
    /// since, as long as that is remembered.
    pub async fn events(&self, after: Option<&str>) -> Result<ApiEvents, ClientError> {
        let mut request = request(Method::GET, &Path::new(["events"]), Bytes::new())?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        if let Some(after) = after {
            let id = HeaderValue::from_str(after).map_err(|error| ClientError::Broken(error.to_string()))?;
            request.headers_mut().insert("last-event-id", id);
        }
        let response = self.carrier.open(request).await?;
        Ok(ApiEvents { body: Box::pin(SseStream::new(response.into_body())), ended: false })
    }
}

impl Stream for ApiEvents {
    type Item = Result<ApiEvent, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            let item = match std::task::ready!(self.body.poll_next_unpin(cx)) {
                Some(Ok(sse)) => match understand(sse) {
                    Ok(None) => continue,
                    Ok(Some(event)) => Some(Ok(event)),
                    Err(error) => Some(Err(error)),
                },
                Some(Err(error)) => Some(Err(ClientError::Broken(error.to_string()))),
                None => None,
            };
            self.ended = !matches!(item, Some(Ok(_)));
            return Poll::Ready(item);
        }
    }
}

/// Reads an event; `None` for one that a newer daemon may send and this client does not know.
fn understand(sse: Sse) -> Result<Option<ApiEvent>, ClientError> {
    let (Some(kind), Some(data)) = (sse.event, sse.data) else { return Ok(None) };
    if !ApiChange::KINDS.contains(&kind.as_str()) {
        return Ok(None);
    }
    let broken =
        |error: serde_json::Error| ClientError::Broken(format!("the event '{kind}' is none: {error}"));
    let data: serde_json::Value = serde_json::from_str(&data).map_err(broken)?;
    let change =
        serde_json::from_value(serde_json::json!({ "event": kind, "data": data })).map_err(broken)?;
    Ok(Some(ApiEvent { id: sse.id.unwrap_or_default(), change }))
}
