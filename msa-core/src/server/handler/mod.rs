//! What `#[handler]` puts around an axum handler: a name in logs, a deadline of its own, a criticality for what it calls, who may call it,
//! and errors as problem documents.
//!
//! ```
//! use std::time::Duration;
//!
//! use axum::response::IntoResponse;
//! use msa_core::server::handler::{Handler, Response};
//! use msa_core::txn::Criticality;
//! # async fn work() -> String { "done".to_owned() }
//!
//! // By hand, what `#[handler(timeout = "500ms", criticality = "sheddable")]` does by itself.
//! async fn report() -> Response {
//!     static HANDLER: Handler = Handler::new("reports::report")
//!         .timeout(Duration::from_millis(500))
//!         .criticality(Criticality::Sheddable);
//!     HANDLER.run(work(), IntoResponse::into_response).await
//! }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() { assert_eq!(report().await.status(), 200); }
//! ```

pub mod answer;
mod running;
mod scope;

use std::time::Duration;

use crate::txn::{self, Criticality};

pub use running::Running;
pub use scope::{Caller, Scopes};

pub use axum::response::Response;

/// Says which handler serves the request: its log lines have this name from now on.
///
/// What `#[handler]` alone puts at the beginning of a function; outside of a request it does nothing.
pub fn enter(name: &'static str) {
    // Nobody asks for the name of what is no request.
    let _request = txn::with_current(|txn| txn.handled_by(name));
}

/// What is said of a handler.
#[derive(Debug, Clone, Copy)]
#[must_use = "a handler's settings do nothing until it runs"]
pub struct Handler {
    name: &'static str,
    timeout: Option<Duration>,
    criticality: Option<Criticality>,
}

impl Handler {
    /// A handler of this name, usually `module::function`: what its log lines say.
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

    /// Runs the handler, and makes what it returns an answer: under its name, within its time.
    pub fn run<F, A>(&self, handler: F, answer: A) -> Running<F, A>
    where
        F: Future,
        A: FnOnce(F::Output) -> Response,
    {
        Running::new(self, handler, answer)
    }
}
