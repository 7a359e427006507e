//! msa turns an axum and reqwest program into a dependable microservice, in process and without a sidecar.

pub mod balance;
pub mod client;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod event;
pub mod problem;
pub mod server;
pub mod telemetry;
pub mod txn;
