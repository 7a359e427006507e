//! `GET /`: the schedule for people, one file without anything from elsewhere.

use axum::http::header;
use axum::response::{Html, IntoResponse};
use msa_core::handler;

/// The page may run its own script and ask this service, nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
     connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[handler]
pub(super) async fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, Html(include_str!("../page.html")))
}
