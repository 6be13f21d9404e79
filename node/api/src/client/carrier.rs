//! Carries a request to a daemon, and its answer back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HOST, HeaderValue};
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::ClientError;
use crate::model::Problem;

/// Bytes that an answer may have.
const MAX_ANSWER: usize = 16 << 20;

/// How long a request waits for its turn to connect.
const TURN: Duration = Duration::from_secs(10);
/// How often it looks whether that has come.
const LOOK: Duration = Duration::from_millis(20);

/// The way to a daemon.
pub(super) enum Carrier {
    /// Its Unix socket.
    Unix(PathBuf),
    /// The routes of one in this process.
    Router(Router),
}

/// What came back, and is no refusal.
pub(super) struct Answer(Bytes);

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.0)
            .map_err(|error| ClientError::Broken(format!("its answer is none: {error}")))
    }

    pub(super) fn bytes(self) -> Bytes {
        self.0
    }
}

impl Carrier {
    pub(super) async fn exchange(&self, request: Request<Bytes>) -> Result<Answer, ClientError> {
        let response = self.open(request).await?;
        Ok(Answer(read(response.into_body()).await?))
    }

    /// Sends a request and returns the answer's beginning; a refusal becomes an error.
    pub(super) async fn open(&self, mut request: Request<Bytes>) -> Result<Response<Body>, ClientError> {
        request.headers_mut().insert(HOST, HeaderValue::from_static("localhost"));
        let response = match self {
            Self::Unix(path) => over_unix(path, request).await?,
            Self::Router(router) => {
                let service = TowerToHyperService::new(router.clone());
                let Ok(response) = service.call(request.map(Body::from)).await;
                response
            }
        };
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }
}

/// Connects; where more wait than the node has taken yet, which the system says at once, it waits for its turn.
async fn connect(path: &Path) -> Result<UnixStream, ClientError> {
    let mut waited = Duration::ZERO;
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => return Ok(stream),
            Err(error) => match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => return Err(ClientError::NotRunning),
                ErrorKind::WouldBlock if waited < TURN => {}
                _ => return Err(ClientError::Broken(error.to_string())),
            },
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
}

async fn over_unix(path: &Path, request: Request<Bytes>) -> Result<Response<Body>, ClientError> {
    let stream = connect(path).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // It ends with the answer, or once nobody wants that any more.
    tokio::spawn(connection);
    let response = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
    Ok(response.map(Body::new))
}

async fn refusal(response: Response<Body>) -> ClientError {
    let status = response.status();
    match read(response.into_body()).await {
        Ok(body) => match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => ClientError::Refused(problem),
            Err(_) => unnamed(status),
        },
        Err(error) => error,
    }
}

fn unnamed(status: StatusCode) -> ClientError {
    ClientError::Broken(format!("it refused with status {status} and no reason"))
}

async fn read(body: Body) -> Result<Bytes, ClientError> {
    match Limited::new(body, MAX_ANSWER).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(ClientError::Broken(error.to_string())),
    }
}

fn broken(error: hyper::Error) -> ClientError {
    ClientError::Broken(error.to_string())
}
