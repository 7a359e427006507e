//! Typed calls of one service: what `#[service_client]` expands to, and what one writes by hand instead of it.
//!
//! A [`TypedClient`] is a [`ServiceClient`] bound to one service and one base path; a [`TypedCall`] is one request put together
//! from values, each of which stays where it belongs, and one answer read into its type. It passes the whole
//! [stack](super) as any other call does.
//!
//! ```
//! use axum::{Router, routing::get};
//! use msa_core::client::CallErrorKind;
//! use msa_core::client::typed::{self, TypedClient};
//! use msa_core::problem::{Json, Path, Problem};
//! use msa_core::testing::Network;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let names = Router::new().route(
//!     "/api/names/{id}",
//!     get(|Path(id): Path<String>| async move {
//!         if id == "a/b" { Ok(Json("Ada")) } else { Err(Problem::not_found(format!("there is no {id}"))) }
//!     }),
//! );
//! let client = Network::new().service("user-service", names).client()?;
//! let users = TypedClient::new(client, "user-service", "/api");
//!
//! // The slash is the value's, and does not lead anywhere else.
//! let name: String = users.get().path("/names/").parameter("id", "a/b").json().await?;
//! assert_eq!(name, "Ada");
//!
//! let error = users.get().path("/names/").parameter("id", 8).json::<String>().await.unwrap_err();
//! assert_eq!((error.kind(), error.response_status().unwrap().as_u16()), (CallErrorKind::Status, 404));
//! assert_eq!(error.message(), "it answered 404: there is no 8");
//! assert_eq!(typed::found::<String>(Err(error))?, None);
//! # Ok(())
//! # }
//! ```
//!
//! # What an answer becomes
//!
//! | the answer | [`json`](TypedCall::json), [`text`](TypedCall::text), [`bytes`](TypedCall::bytes), [`nothing`](TypedCall::nothing) | [`response`](TypedCall::response) |
//! | --- | --- | --- |
//! | 2xx | the value | the response |
//! | 404 | `Status`; with [`found`] around it, `None` | the response |
//! | any other status | [`CallErrorKind::Status`](super::CallErrorKind::Status), with the status, `Retry-After` and at most 16 KiB of a problem document ([`CallError::document`](super::CallError::document)) | the response |
//! | 2xx that is not this type, or larger than `max_response` | [`CallErrorKind::Body`](super::CallErrorKind::Body) | the response |
//! | none | the kind of failure | the kind of failure |

mod answer;
mod call;
mod path;
mod query;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use http::Method;

use super::ServiceClient;

pub use answer::{found, good};
pub use call::TypedCall;
pub use path::PathParameter;
pub use reqwest::Response;

/// A call in a box: what the methods of a `DynUserApi` return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`ServiceClient`] bound to one service and one base path. Cheap to clone.
#[derive(Clone)]
pub struct TypedClient {
    client: ServiceClient,
    service: Arc<str>,
    /// Scheme, service and base path.
    root: Arc<str>,
}

impl TypedClient {
    /// Calls of `service`, a logical name, below the path `base`: empty, or something like `/api/v1`.
    ///
    /// A name that cannot be a host's is an error of each call.
    #[must_use]
    pub fn new(client: ServiceClient, service: &str, base: &str) -> Self {
        Self {
            client,
            service: service.into(),
            root: format!("http://{service}{}", base.trim_end_matches('/')).into(),
        }
    }

    /// The logical name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The client that makes the calls.
    #[must_use]
    pub fn client(&self) -> &ServiceClient {
        &self.client
    }

    /// A `GET`.
    pub fn get(&self) -> TypedCall<'_> {
        self.call(Method::GET)
    }

    /// A `HEAD`.
    pub fn head(&self) -> TypedCall<'_> {
        self.call(Method::HEAD)
    }

    /// A `POST`.
    pub fn post(&self) -> TypedCall<'_> {
        self.call(Method::POST)
    }

    /// A `PUT`.
    pub fn put(&self) -> TypedCall<'_> {
        self.call(Method::PUT)
    }

    /// A `PATCH`.
    pub fn patch(&self) -> TypedCall<'_> {
        self.call(Method::PATCH)
    }

    /// A `DELETE`.
    pub fn delete(&self) -> TypedCall<'_> {
        self.call(Method::DELETE)
    }

    /// A call of any method.
    pub fn call(&self, method: Method) -> TypedCall<'_> {
        TypedCall::new(self, method)
    }

    fn root(&self) -> &str {
        &self.root
    }
}

impl fmt::Debug for TypedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedClient")
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
