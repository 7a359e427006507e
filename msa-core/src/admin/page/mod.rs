//! The admin page: the pages of this listener for people, live.
//!
//! A browser that asks for `/` gets it; whoever prefers another type keeps the [index](super::index). It is a handful of static files
//! inside the program, without anything from elsewhere: no build step, no CDN, no framework. They hold no secrets, so they are given to
//! everybody, and the page asks for the token where one is needed. All that it shows comes from the other pages and from `/events`.
//!
//! # Nothing on it runs that is not ours
//! What it shows (names, routes, reasons) may come from outside. It is put in as text only, and the content security policy would not
//! run it either: scripts and styles from this listener alone, none inline, no markup made of strings (Trusted Types), no frame around it.

mod events;
mod files;
mod snapshot;
mod watchers;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use http::Method;

pub(super) use events::stream;
pub(crate) use watchers::Watchers;

use super::index::accepts;

/// What the page is made of, apart from itself.
pub(super) fn router() -> Router {
    Router::new().route("/page/{file}", get(files::show))
}

/// The layer before the guard: a browser that asks for `/` gets the page without a token.
pub(super) async fn front(request: Request, next: Next) -> Response {
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    if asks && request.uri().path() == "/" && accepts(request.headers(), "text/html") {
        return files::page(request.headers());
    }
    next.run(request).await
}
