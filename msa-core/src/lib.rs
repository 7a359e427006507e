//! msa turns an axum and reqwest program into a dependable microservice, in process and without a sidecar.

pub mod admin;
pub mod balance;
pub mod clock;
pub mod config;
pub mod discovery;
pub mod event;
pub mod health;
pub mod server;
