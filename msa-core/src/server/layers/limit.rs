//! How large a request's body may be.

use axum::body::{Body, HttpBody as _};
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use http::{Request, StatusCode};
use http_body_util::Limited;

use super::Refusal;
use crate::problem::Problem;

/// Refuses a body that is longer than the limit: at once when its length is told, else while it is read.
///
/// tower-http's layer answers in plain text and wraps every body; this one answers with a problem document. Not to be asked
/// for a body that is empty.
pub(crate) fn cap(request: &mut Request<Body>, limit: usize) -> Result<(), Refusal> {
    let size = request.body().size_hint();
    if size.lower() > limit as u64 {
        return Err(Box::new(too_large(limit).into_response()));
    }
    // axum's extractors have a limit of their own, of 2 MB: ours stands before them and holds for every body.
    DefaultBodyLimit::disable().apply(request);
    // hyper holds a body to the length that it told.
    if size.exact().is_none() {
        let body = std::mem::take(request.body_mut());
        *request.body_mut() = Body::new(Limited::new(body, limit));
    }
    Ok(())
}

#[cold]
fn too_large(limit: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE)
        .detail(format!(
            "the body may have {limit} bytes at most (server.body_limit)"
        ))
        .never_retry()
}
