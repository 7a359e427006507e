//! The steps of the inbound stack, one file each; `stack.rs` puts them in order.
//!
//! Steps of one service rather than services around each other: each layer moves the request and the future once more, which
//! came to a twentieth of a small request's cost.

pub(crate) mod access;
pub(crate) mod admit;
pub(crate) mod held;
pub(crate) mod journal;
pub(crate) mod limit;
pub(crate) mod metrics;
pub(crate) mod panic;
pub(crate) mod rate;
pub(crate) mod shed;
pub(crate) mod span;
pub(crate) mod txn;

use axum::body::HttpBody;
use axum::response::{IntoResponse as _, Response};
use http::header;

use crate::problem::Problem;

/// The answer to a request that does not reach its handler. Boxed: rare, and large beside what a step else returns.
pub(crate) type Refusal = Box<Response>;

/// Gives an error answer without a body (axum's own 404 and 405, a handler's bare status) a problem document.
#[inline]
pub(crate) fn explain(response: &mut Response) {
    let status = response.status();
    let silent = (status.is_client_error() || status.is_server_error())
        && response.body().size_hint().exact() == Some(0)
        && !response.headers().contains_key(header::CONTENT_TYPE);
    if silent {
        put_problem(response);
    }
}

#[cold]
fn put_problem(response: &mut Response) {
    let (status, problem) = (response.status(), Problem::new(response.status()));
    let explained = problem.into_response();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    let (parts, body) = explained.into_parts();
    for (name, value) in &parts.headers {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
    *response.body_mut() = body;
}
