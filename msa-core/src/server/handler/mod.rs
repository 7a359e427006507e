//! What `#[handler]` puts around an axum handler: a name in logs, a deadline of its own, a criticality for what it calls, and
//! errors as problem documents.
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::response::IntoResponse as _;
//! use msa_core::server::handler::{Handler, Response};
//! use msa_core::txn::Criticality;
//! # async fn work() -> String { "done".to_owned() }
//!
//! // By hand, what `#[handler(timeout = "500ms", criticality = "sheddable")]` does by itself.
//! async fn report() -> Response {
//!     static HANDLER: Handler = Handler::new("reports::report")
//!         .timeout(Duration::from_millis(500))
//!         .criticality(Criticality::Sheddable);
//!     HANDLER.run(async { work().await.into_response() }).await
//! }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { assert_eq!(report().await.status(), 200); }
//! ```

pub mod answer;

use std::time::Duration;

use axum::response::IntoResponse as _;
use http::StatusCode;
use tracing::Instrument as _;

use crate::clock;
use crate::problem::Problem;
use crate::txn::{self, Criticality, Txn};

pub use axum::response::Response;

/// What is said of a handler.
#[derive(Debug, Clone, Copy)]
#[must_use = "a handler's settings do nothing until it runs"]
pub struct Handler {
    name: &'static str,
    timeout: Option<Duration>,
    criticality: Option<Criticality>,
}

impl Handler {
    /// A handler of this name, usually `module::function`: what its log lines and its span say.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            timeout: None,
            criticality: None,
        }
    }

    /// The most that the handler may take; then it is dropped and the answer is 504. The request's own deadline holds when it is sooner, and
    /// what the handler calls is told the sooner of both. No limit of its own by default.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How much what the handler calls matters, whatever the request said. As the request by default.
    ///
    /// Whether the request itself is let in is decided before its handler is known to run, by what the request and
    /// `server.overload.routes` say.
    pub const fn criticality(mut self, criticality: Criticality) -> Self {
        self.criticality = Some(criticality);
        self
    }

    /// The name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the handler: in a span `handler` with its name and its route, within its time.
    pub async fn run(&self, handler: impl Future<Output = Response>) -> Response {
        let current = txn::current();
        let route = current.as_ref().and_then(Txn::route);
        let span =
            tracing::info_span!(target: "msa::handler", "handler", handler = self.name, route);
        let Some(timeout) = self.timeout else {
            return self.called(current, handler).instrument(span).await;
        };
        let deadline = clock::now() + timeout;
        let current = current.map(|txn| txn.with_deadline(deadline));
        let called = self.called(current, handler);
        let limited = async {
            match tokio::time::timeout_at(deadline, called).await {
                Ok(answer) => answer,
                Err(_) => self.late(timeout),
            }
        };
        limited.instrument(span).await
    }

    async fn called(&self, txn: Option<Txn>, handler: impl Future<Output = Response>) -> Response {
        if self.timeout.is_none() && self.criticality.is_none() {
            return handler.await;
        }
        let Some(mut txn) = txn else {
            return handler.await; // no transaction to be changed
        };
        if let Some(criticality) = self.criticality {
            txn = txn.with_criticality(criticality);
        }
        txn::scope(txn, handler).await
    }

    #[cold]
    fn late(&self, timeout: Duration) -> Response {
        let allowed = humantime::format_duration(timeout);
        tracing::warn!(target: "msa::handler", %allowed, "the handler was not ready in time and is given up");
        Problem::new(StatusCode::GATEWAY_TIMEOUT)
            .title("Deadline exceeded")
            .detail(format!(
                "the request was not answered within the {allowed} that its handler has"
            ))
            .into_response()
    }
}
