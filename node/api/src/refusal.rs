//! Why a request is not met, as an answer.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use shoal_daemon::DaemonError;
use shoal_net::Failure;
use shoal_store::TargetError;

use crate::model::Problem;

/// The answer to a request, or why there is none.
pub(crate) type Answer<T> = Result<Json<T>, Refusal>;

/// A problem, and the status that says the same.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    fn new(status: StatusCode, kind: &str, message: impl Into<String>) -> Self {
        let problem = Problem { kind: kind.into(), message: message.into(), hint: None, candidates: vec![] };
        Self { status, problem }
    }

    pub(crate) fn unauthorized() -> Self {
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "the token is missing or wrong");
        refusal.hint(
            "send 'Authorization: Bearer TOKEN'; the token is in the file 'api-token' of the data folder",
        )
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// The request itself is wrong in a way that has a status of its own.
    pub(crate) fn malformed(status: StatusCode, message: impl Into<String>) -> Self {
        let status =
            if status == StatusCode::UNPROCESSABLE_ENTITY { StatusCode::BAD_REQUEST } else { status };
        Self::new(status, "invalid", message)
    }

    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    /// No other peer or tracker answers.
    pub(crate) fn no_peers(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "no_peers", message)
    }

    /// Another peer or tracker refuses, or its answer is none.
    pub(crate) fn by_other(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "failed", message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.problem.hint = Some(hint.into());
        self
    }

    pub(crate) fn candidates(mut self, ids: Vec<String>) -> Self {
        self.problem.candidates = ids;
        self
    }

    #[cfg(test)]
    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.problem)).into_response()
    }
}

impl From<DaemonError> for Refusal {
    fn from(error: DaemonError) -> Self {
        let words = error.to_string();
        match error {
            DaemonError::NoSuchContent(_) => {
                Self::not_found(words).hint("GET /v1/contents lists the library")
            }
            DaemonError::Known(_) => Self::conflict(words).hint("resume it, or remove it first"),
            DaemonError::RelativePath(_) | DaemonError::Invalid(_) => Self::invalid(words),
            DaemonError::Busy => Self::busy(words),
            DaemonError::Content(failure) => of_failure(&failure, words),
            DaemonError::InUse { .. }
            | DaemonError::Data { .. }
            | DaemonError::Library(_)
            | DaemonError::Node(_) => Self::failed(words),
        }
    }
}

fn of_failure(failure: &Failure, words: String) -> Refusal {
    match failure {
        Failure::NoPeers { .. } => Refusal::no_peers(words),
        Failure::Busy => Refusal::conflict(words),
        Failure::Include(_) => Refusal::invalid(words).hint("'include' takes paths inside the content"),
        Failure::Manifest(_) => Refusal::by_other(words).hint("nothing was written"),
        Failure::Target(TargetError::Exists { .. }) => {
            Refusal::conflict(words).hint("replace what differs with 'force', or choose another folder")
        }
        Failure::Target(_) => Refusal::failed(words).hint("choose another folder, or make room"),
        Failure::Stopped { .. } | Failure::NodeEnded | Failure::Panicked(_) => Refusal::failed(words),
    }
}
