//! Balancing as a [`tower::Service`], over one inner service per endpoint: for whatever speaks HTTP and is no reqwest client.
//!
//! [`BalanceService`] follows a set of endpoints, makes an inner service for each by a closure, and sends every
//! request to the one that its [`Balancer`](super::Balancer) picks. A request may say more by a [`RequestHint`] in its extensions. The
//! response's body carries the pick, so requests in flight and latency end with it.
//!
//! What is counted as a failure: an error of the inner service, a 5xx, a `grpc-status` that blames the server (in the
//! headers or in the trailers), a body that breaks off. An answer with `x-msa-draining` takes its endpoint out of the choice.
//!
//! It is always ready, and clones of it share everything: an empty set is an immediate [`NoEndpoint`] error of the call, never a
//! pending future, and over with the next set. Waiting for the inner service to be ready is part of the call.
//!
//! ```
//! use msa_core::balance::{self, service::BalanceService};
//! use msa_core::clock;
//! use msa_core::config::{BalanceSettings, BalancerName};
//! use msa_core::discovery::{Endpoint, EndpointSet};
//! use tokio::sync::watch;
//! use tower::ServiceExt;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let users: EndpointSet = ["http://10.0.0.1:50051".parse()?].into_iter().collect();
//! let (_discovery, endpoints) = watch::channel(users);
//! let balancer = balance::build(BalancerName::P2cEwma, &BalanceSettings::default(), 7, clock::now());
//! // With tonic: `Channel::builder(uri).connect_lazy()`, and the balanced service goes into the generated client.
//! let channel = |endpoint: &Endpoint| {
//!     let name = endpoint.authority().to_owned();
//!     tower::service_fn(move |_: http::Request<String>| {
//!         let name = name.clone();
//!         async move { Ok::<_, std::io::Error>(http::Response::new(name)) }
//!     })
//! };
//! let service = BalanceService::new(balancer, endpoints, channel);
//! let answer = service.oneshot(http::Request::new(String::new())).await?;
//! assert_eq!(answer.into_body().into_inner(), "10.0.0.1:50051");
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! # }).map_err(|error| error.to_string())?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod balance;
mod body;
mod error;
mod future;
mod grpc;
mod hint;
mod instances;

pub use balance::BalanceService;
pub use body::BalancedBody;
pub use error::NoEndpoint;
pub use future::ResponseFuture;
pub use hint::RequestHint;
