//! `#[service_client]` over services in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

mod answers;
mod options;
mod paths;
mod uses;
