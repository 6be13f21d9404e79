//! The little of HTTP that is needed.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{Feed, encoding};

/// Connections at once; more are closed as they come.
pub const MAX_CONNECTIONS: usize = 16;
/// How long a request's head may take, and the whole of a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 << 10;
/// After a failure to accept (no descriptors left, for one) this is waited.
const PAUSE: Duration = Duration::from_millis(200);

/// What is served: figures, and whether the program behind them is well.
pub struct MetricsPage {
    text: Box<dyn Fn() -> Result<String, fmt::Error> + Send + Sync>,
    is_well: Box<dyn Fn() -> bool + Send + Sync>,
}

impl MetricsPage {
    /// `text` gives the figures in the OpenMetrics format. Neither may wait.
    pub fn new(
        text: impl Fn() -> Result<String, fmt::Error> + Send + Sync + 'static,
        is_well: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { text: Box::new(text), is_well: Box::new(is_well) }
    }
}

/// Answers on this listener for ever with what a tracker reports.
pub async fn serve(listener: TcpListener, feed: Feed) {
    let registry = encoding::registry(feed.clone());
    serve_page(listener, MetricsPage::new(move || encoding::encode(&registry), move || feed.is_alive()))
        .await;
}

/// Answers on this listener for ever: `/metrics` with the figures, `/health` with whether all is well.
pub async fn serve_page(listener: TcpListener, page: MetricsPage) {
    let site = Arc::new(page);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                let site = site.clone();
                tokio::spawn(async move {
                    // Err says that it took too long; the connection is closed either way.
                    let _ = tokio::time::timeout(TIMEOUT, converse(stream, site)).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "metrics: cannot accept");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, site: Arc<MetricsPage>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = site.answer(request.method(), request.uri().path());
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "metrics: a connection failed");
    }
}

impl MetricsPage {
    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        match (method, path) {
            (&Method::GET, "/metrics") => match (self.text)() {
                Ok(text) => respond(StatusCode::OK, encoding::CONTENT_TYPE, text),
                Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "cannot be encoded\n"),
            },
            (&Method::GET, "/health") if (self.is_well)() => plain(StatusCode::OK, "ok\n"),
            (&Method::GET, "/health") => plain(StatusCode::SERVICE_UNAVAILABLE, "it does not report\n"),
            _ => plain(StatusCode::NOT_FOUND, "there are /metrics and /health\n"),
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", text.to_owned())
}

fn respond(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use shoal_wire::rendezvous::Status;
    use shoal_wire::tracker::RegistryCounts;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::{RegistryFigures, Reporter, Snapshot, channel};
    use super::*;

    const DEADLINE: Duration = Duration::from_secs(60);

    async fn start() -> (std::net::SocketAddr, Reporter) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reporter, feed) = channel();
        tokio::spawn(serve(listener, feed));
        (address, reporter)
    }

    async fn say(address: std::net::SocketAddr, words: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(words.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // Err: closed before all was read; what came before that counts.
        let _ = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await.expect("an answer");
        answer
    }

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        say(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await
    }

    #[tokio::test]
    async fn figures_are_those_of_the_last_report() {
        let (address, reporter) = start().await;
        let counters = RegistryCounts { registered: 5, renewed: 6, ..RegistryCounts::default() };
        let figures = RegistryFigures { registrations: 3, peers: 2, namespaces: 1, counters };
        reporter.report(Snapshot {
            connections: 7,
            registry: Some(figures),
            refusals: [(Status::InvalidTtl, 4)].into(),
            ..Snapshot::default()
        });
        let answer = get(address, "/metrics").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("content-type: application/openmetrics-text; version=1.0.0"), "{answer}");
        for line in [
            "shoal_tracker_connections 7.0",
            "shoal_tracker_registrations 3.0",
            "shoal_tracker_registered_total 5",
            "shoal_tracker_renewed_total 6",
            "shoal_tracker_refusals_total{status=\"102\"} 4",
            "# TYPE shoal_tracker_registered counter",
            "# EOF",
        ] {
            assert!(answer.lines().any(|other| other == line), "{line}:\n{answer}");
        }
        assert!(answer.contains("shoal_tracker_build_info{version=\""), "{answer}");
        assert!(!answer.contains("payloads") && !answer.contains("store"), "{answer}");
        reporter.report(Snapshot { connections: 8, ..Snapshot::default() });
        assert!(get(address, "/metrics").await.contains("shoal_tracker_connections 8.0"));
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        let (address, _reporter) = start().await;
        for request in
            ["GET / HTTP/1.1", "GET /metrics/ HTTP/1.1", "POST /metrics HTTP/1.1", "DELETE /health HTTP/1.1"]
        {
            let answer = say(address, &format!("{request}\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 404"), "{request}: {answer}");
        }
        assert!(say(address, "nonsense\r\n\r\n").await.starts_with("HTTP/1.1 400"));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(2 * MAX_HEAD));
        assert!(!say(address, &long).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn health_ends_with_the_tracker() {
        let (address, reporter) = start().await;
        assert!(get(address, "/health").await.starts_with("HTTP/1.1 200"));
        drop(reporter);
        assert!(get(address, "/health").await.starts_with("HTTP/1.1 503"));
    }

    #[tokio::test]
    async fn silent_clients_take_no_more_than_the_places() {
        let (address, _reporter) = start().await;
        let mut silent = vec![];
        for _ in 0..MAX_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        // All places are taken: closed without an answer. They are accepted in order.
        assert_eq!(get(address, "/health").await, "");
        drop(silent);
        let answered = async { while !get(address, "/health").await.contains("200 OK") {} };
        tokio::time::timeout(DEADLINE, answered).await.unwrap();
    }
}
