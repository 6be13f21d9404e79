//! What handlers return.

use axum::Json;

use crate::refusal::Refusal;

/// The answer to a request that is met, or why it is not.
pub(super) type Answer<T> = Result<Json<T>, Refusal>;
