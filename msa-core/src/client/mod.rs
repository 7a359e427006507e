//! Calling other services by name.
//!
//! A [`ServiceClient`] is reqwest with one difference: the host of a URL is a **logical name**, looked up in
//! [discovery](crate::discovery). `http://user-service/users/7` goes to whichever instance the balancer picks, with
//! the transaction's headers, within the time that is left, and fails with a [`CallError`] that says what happened where.
//! The whole order that a call passes is one function: `client/stack.rs`.
//!
//! ```
//! use std::sync::Arc;
//! use msa_core::client::{CallError, CallErrorKind, ServiceClient};
//! use msa_core::discovery::FixedSource;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let source = FixedSource::default();
//! source.update([("user-service", ["http://127.0.0.1:9"])])?;
//! let client = ServiceClient::builder().discovery(Arc::new(source)).build()?;
//!
//! let error = client.get("http://user-service/users/7").send().await.unwrap_err();
//! assert_eq!(CallError::from(error).kind(), CallErrorKind::Connect); // nobody listens there
//!
//! let error = client.get("http://user-servcie/users/7").send().await.unwrap_err();
//! assert!(error.to_string().contains("did you mean `user-service`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Time
//!
//! A call has a *deadline*: the soonest of the deadline that came with the request being served, `clients.<name>.timeout`
//! (10 s; [`CallOptions::timeout`] for one call) and reqwest's own `.timeout()`. It covers the body, except for calls marked
//! [`CallOptions::stream`]. An *attempt* has `attempt_timeout` (3 s) up to the response's headers. The called service is told
//! the smaller of the two in `x-txn-timeout-ms`, so it stops when nobody waits any more.
//!
//! # Which instance
//!
//! The [balancer](crate::balance) picks one for each attempt: not one that this call tried already, nor one that is draining, is
//! set aside as an [outlier](crate::balance::outlier), or has an open [breaker](crate::resilience::breaker). While fewer than half
//! are healthy all are used, and breakers only report; but when no breaker at all lets a call through, it fails at once as
//! [`CallErrorKind::CircuitOpen`]. [`ChoiceOptions`] say more for one call.
//!
//! # What is sent again
//!
//! What was certainly never processed, whatever its method: connection refused, stream refused, connection closed by a graceful
//! GOAWAY or while idle. What may have been processed (502, 503, 504, 429, a broken connection, an attempt that timed out) only when
//! it is idempotent: by its method, by `Idempotency-Key`, or by [`CallOptions::idempotent`]. At most twice, elsewhere if there is an
//! elsewhere, after a backoff with jitter or when the answer's `Retry-After` says, within the deadline, within the destination's
//! [budget](crate::resilience::budget) and the transaction's own, and never when an answer says `x-txn-retry: never`. A body in
//! memory can be sent again, one that is a stream if at most 64 KiB of it were read. [`CallError::tries`] lists what came of the
//! attempts before the last; of a response that was not good enough the last one is the call's. reqwest's own retries and
//! redirects are off.
//!
//! # What else may happen to a call
//!
//! | policy | default | configured by `clients.<name>.` |
//! | --- | --- | --- |
//! | [bulkhead](crate::resilience::bulkhead) | 1024 calls at a time, no queue | `bulkhead` |
//! | [concurrency limit](crate::resilience::limit) | off | `limit` |
//! | rate limit (feature `rate-limit`) | off | `rate_limit` |
//! | [throttle](crate::resilience::throttle) | off | `throttle` |
//! | [hedge](crate::resilience::hedge) | off | `hedge` |
//! | the last good answer stands in for a `GET` that failed | off | `fallback` |
//! | identical `GET`s in flight share one answer | off | `coalesce` |
//! | [active health checks](crate::balance::ActiveHealth) | off | `active_health` |
//! | faults on purpose (feature `fault`) | off | `fault` |
//!
//! All of them are live: a changed file holds from the next call on, and what was counted stays.
//!
//! # Names and addresses
//!
//! URL authority, `Host`, SNI and certificate are the endpoint's own name, over HTTP/1.1 and HTTP/2, see
//! [`transport::ReqwestTransport`]. A host that no source knows is an error, unless the client allows plain addresses; then it is
//! its own endpoint and passes the same stack.
//!
//! # Errors
//!
//! `send()` returns a [`reqwest_middleware::Error`], reading a body a [`reqwest::Error`]; `CallError::from` turns both into
//! a [`CallError`]. A response with an error status is a response, as with reqwest.

mod admission;
mod answers;
mod attempt;
mod body;
mod breaker;
mod builder;
mod choice;
mod deadline;
mod error;
#[cfg(feature = "fault")]
mod faulty;
mod hedging;
mod inspect;
mod kept;
mod lend;
mod middleware;
mod options;
mod policies;
mod problem;
mod questions;
mod record;
mod refused;
mod retry;
mod service;
mod services;
mod stack;
mod target;
pub mod transport;
pub mod typed;

use std::fmt;
use std::sync::Arc;

use reqwest::{IntoUrl, Method};
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};

use crate::txn::Headers;
use services::Services;

pub use builder::ServiceClientBuilder;
pub use choice::ChoiceOptions;
pub use error::{CallError, CallErrorKind, Try, TryEnd};
pub use inspect::{
    BulkheadState, EndpointCircuit, EndpointState, LimitState, RateState, ServiceLimits,
    ServiceState,
};
pub use middleware::ServiceMiddleware;
pub use options::CallOptions;
pub use transport::Failure;

/// Calls other services by name. Cheap to clone; clones share connections and everything that was learnt.
#[derive(Clone)]
pub struct ServiceClient(Arc<Inner>);

struct Inner {
    client: ClientWithMiddleware,
    services: Arc<Services>,
    headers: Headers,
}

impl ServiceClient {
    /// Builds a client.
    pub fn builder() -> ServiceClientBuilder {
        ServiceClientBuilder::new()
    }

    fn new(client: ClientWithMiddleware, services: Arc<Services>, headers: Headers) -> Self {
        Self(Arc::new(Inner {
            client,
            services,
            headers,
        }))
    }

    /// A `GET` of this URL.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// A `POST` to this URL.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// A `PUT` to this URL.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// A `PATCH` to this URL.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// A `DELETE` of this URL.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// A `HEAD` of this URL.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Any method on this URL. A URL that cannot be read is an error of `send()`.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        self.0.client.request(method, url)
    }

    /// The reqwest-middleware client inside, for code that wants one: it calls through the whole stack as well.
    ///
    /// Its `execute()` knows no extensions, and so no [`CallOptions`]; `execute_with_extensions()` does.
    #[must_use]
    pub fn client(&self) -> &ClientWithMiddleware {
        &self.0.client
    }
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClient")
            .field("transport", &self.0.services.shared().transport)
            .finish_non_exhaustive()
    }
}
