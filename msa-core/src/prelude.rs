//! What a service usually needs: `use msa_core::prelude::*;`.

pub use axum::Router;
pub use axum::extract::State;
pub use axum::response::IntoResponse;
pub use axum::routing::{delete, get, patch, post, put};
pub use http::StatusCode;

pub use crate::client::{CallError, CallErrorKind, CallOptions, ServiceClient};
pub use crate::problem::{Json, Path, Problem, Query};
pub use crate::service::Service;
pub use crate::txn::Txn;
#[cfg(feature = "macros")]
pub use crate::{handler, service_client};
