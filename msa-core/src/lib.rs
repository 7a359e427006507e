//! msa turns an axum and reqwest program into a dependable microservice, in process and without a sidecar.

pub mod admin;
pub mod balance;
pub mod client;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod event;
pub mod health;
pub mod prelude;
pub mod problem;
pub mod server;
pub mod service;
pub mod telemetry;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
pub mod txn;

pub use service::{Error, Service, run};
pub use txn::{JoinSet, spawn, spawn_blocking};

/// The README's first service must compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
