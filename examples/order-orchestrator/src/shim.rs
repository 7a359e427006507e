//! temp
#![allow(missing_docs, unused_variables, clippy::all, missing_debug_implementations)]
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
pub mod prelude {
    pub use super::Service;
    pub use axum::Router;
    pub use axum::extract::State;
    pub use axum::response::IntoResponse;
    pub use axum::routing::{delete, get, patch, post, put};
    pub use axum::http::StatusCode;
    pub use msa_core::client::{CallError, CallErrorKind, CallOptions, ServiceClient};
    pub use msa_core::problem::{Json, Path, Problem, Query};
    pub use msa_core::txn::Txn;
}
pub type E = Box<dyn std::error::Error + Send + Sync>;
pub fn run<F: Future<Output = Result<(), E>>>(_: F) -> ExitCode { loop {} }
pub struct Service;
impl Service {
    pub fn builder(_: &'static str) -> Self { Self }
    pub fn about(self, _: &'static str) -> Self { self }
    pub fn section<T: Default>(self, _: &'static str) -> Self { self }
    pub fn env_alias(self, _: &'static str, _: &'static str) -> Self { self }
    pub fn command(self, _: &'static str, _: &'static str) -> Self { self }
    pub fn from_env(self) -> Result<Live, E> { loop {} }
}
pub struct Live;
impl Live {
    pub fn name(&self) -> &str { "" }
    pub fn command(&self) -> Option<&str> { None }
    pub fn section<T: Default>(&self, _: &str) -> Result<Arc<T>, E> { loop {} }
    pub fn client(&self) -> msa_core::client::ServiceClient { loop {} }
    pub fn health(&self) -> &Self { self }
    pub fn readiness<F: Fn() -> R + Send + Sync + 'static, R: Future<Output = Result<(), X>> + Send, X: std::error::Error>(&self, _: &str, _: F) {}
    pub fn on_shutdown<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
    pub fn routes(self, _: axum::Router) -> Self { self }
    pub async fn run(self) -> Result<(), E> { Ok(()) }
}
pub struct CE(pub msa_core::client::CallError);
