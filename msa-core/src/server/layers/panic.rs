//! What a panic in a handler is answered.
//!
//! tower-http's layer does the same, but boxes every answer's body, which must then be boxed again to be axum's: 560
//! instructions, 3 % of what a small request costs.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::Refusal;
use crate::problem::Problem;

/// Runs `call`, a step into the handler; a panic is the answer 500.
#[inline]
pub(crate) fn guard<T>(call: impl FnOnce() -> T) -> Result<T, Refusal> {
    // The service is used on only by requests that come later, which a panic in between must not stop; a future is not
    // polled again after it panicked.
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Box::new(panicked(&*panic)))
}

/// Logs the panic and answers 500; the message stays in the log, since it may name what outsiders should not see.
#[cold]
fn panicked(panic: &(dyn Any + Send)) -> Response {
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
