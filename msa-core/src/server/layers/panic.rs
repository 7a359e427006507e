//! What a panic in a handler is answered.

use std::any::Any;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::problem::Problem;

/// Logs the panic and answers 500; the message stays in the log, since it may name what outsiders should not see.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => "a value that is not text",
    };
    tracing::error!(target: "msa::server", panic = message, "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        .detail("the service met an error of its own; its log tells more under this GTXID")
        .into_response()
}
