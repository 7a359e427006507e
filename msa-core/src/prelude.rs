//! What a service usually needs: `use msa_core::prelude::*;`.

pub use axum::Router;
pub use axum::extract::State;
pub use axum::response::IntoResponse;
pub use axum::routing::{delete, get, patch, post, put};
pub use http::StatusCode;

#[cfg(all(feature = "macros", feature = "rate-limit"))]
pub use crate::rate_limit;
#[cfg(feature = "macros")]
pub use crate::{bulkhead, cached, circuit_breaker, fallback, hedge, retry, timeout};

pub use crate::client::{CallError, CallErrorKind, CallOptions, ServiceClient};
pub use crate::problem::{Json, Path, Problem, Query};
pub use crate::service::Service;
pub use crate::txn::Txn;
#[cfg(feature = "macros")]
pub use crate::{handler, service_client};
