//! The layers of the inbound stack that are msa's own; `stack.rs` puts them in order.

pub(crate) mod access;
pub(crate) mod admit;
pub(crate) mod limit;
pub(crate) mod panic;
pub(crate) mod sensitive;
pub(crate) mod shed;
pub(crate) mod txn;

use axum::body::HttpBody;
use axum::response::{IntoResponse as _, Response};
use http::header;

use crate::problem::Problem;

/// Gives an error answer without a body (axum's own 404 and 405, a handler's bare status) a problem document.
pub(crate) fn explained(response: Response) -> Response {
    let status = response.status();
    let silent = (status.is_client_error() || status.is_server_error())
        && response.body().size_hint().exact() == Some(0)
        && !response.headers().contains_key(header::CONTENT_TYPE);
    if !silent {
        return response;
    }
    let (parts, _) = response.into_parts();
    let mut explained = Problem::new(status).into_response();
    for (name, value) in &parts.headers {
        if name != header::CONTENT_LENGTH {
            explained.headers_mut().append(name, value.clone());
        }
    }
    *explained.extensions_mut() = parts.extensions;
    explained
}
