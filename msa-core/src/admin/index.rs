//! `/`, and what is answered where there is no page.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::json;

use crate::problem::Problem;

/// Every page, what may be done with it, and what it shows.
const PAGES: [(&str, &str, &str); 17] = [
    ("/", "GET", "the admin page, for a browser; else this list"),
    ("/livez", "GET", "whether the process lives"),
    (
        "/readyz",
        "GET",
        "whether it takes requests; ?verbose tells each check",
    ),
    ("/startupz", "GET", "whether it has started"),
    ("/info", "GET", "name, versions, start, uptime"),
    (
        "/config",
        "GET",
        "every effective value with its source; ?format=json",
    ),
    (
        "/endpoints",
        "GET",
        "the services called, their endpoints and how these do",
    ),
    ("/circuits", "GET", "circuit breakers"),
    (
        "/circuits/{service}",
        "POST",
        "{\"action\": \"open\" | \"close\" | \"reset\", \"endpoint\": \"host:port\"}",
    ),
    ("/limits", "GET", "what limits requests and calls"),
    ("/metrics", "GET", "every number, for Prometheus"),
    ("/loggers", "GET", "log levels"),
    (
        "/loggers/{target}",
        "PUT, POST, DELETE",
        "{\"level\": \"debug\", \"for\": \"10m\"}; the target `root` is all",
    ),
    ("/txn", "GET", "the latest requests; ?limit=50"),
    (
        "/txn/{gtxid}",
        "GET",
        "a transaction; ?scope=all across processes, ?format=text for people",
    ),
    (
        "/hystrix.stream",
        "GET",
        "circuit breakers for the Hystrix Dashboard",
    ),
    (
        "/events",
        "GET",
        "what the admin page shows, as server-sent events",
    ),
];

/// The list of pages.
pub(super) async fn show(headers: HeaderMap) -> Response {
    if accepts(&headers, "application/json") {
        return Json(json!({ "pages": list() })).into_response();
    }
    let lines = PAGES
        .iter()
        .map(|(path, methods, what)| format!("{path:22} {methods:18} {what}\n"));
    lines.collect::<String>().into_response()
}

fn list() -> Vec<serde_json::Value> {
    let pages = PAGES.iter();
    pages
        .map(|(path, methods, what)| json!({ "path": path, "methods": methods, "what": what }))
        .collect()
}

/// There is no such page.
pub(super) async fn missing(uri: Uri) -> Problem {
    let paths: Vec<_> = PAGES.iter().map(|(path, ..)| *path).collect();
    Problem::not_found(format!("there is no page `{}`", shortened(uri.path()))).with("pages", paths)
}

/// There is such a page, and this cannot be done with it. Which methods can, axum puts into `Allow`.
pub(super) async fn not_so(method: Method, uri: Uri) -> Problem {
    let path = shortened(uri.path());
    let detail = format!("`{path}` cannot be asked by {method}; `Allow` names what can");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED).detail(detail)
}

fn shortened(path: &str) -> String {
    path.chars().take(100).collect()
}

/// Whether the first choice of `Accept` is this type.
pub(super) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let first = accept.and_then(|accept| accept.split([',', ';']).next());
    first.is_some_and(|first| first.trim().eq_ignore_ascii_case(kind))
}
