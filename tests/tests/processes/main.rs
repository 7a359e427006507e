//! The example services as whole processes: what their users can see from outside.

// Helpers of tests are tests too; clippy takes only the functions marked so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

mod config;
mod database;
mod drain;
mod explained;
mod failure;
mod hostile;
mod idempotency;
mod loops;
mod overlap;
mod probes;
mod propagation;
mod upstream;

use serde_json::{Value, json};

/// An order of one product.
fn order(user_id: i64, sku: &str, quantity: u32) -> Value {
    json!({"user_id": user_id, "items": [{"sku": sku, "quantity": quantity}]})
}
