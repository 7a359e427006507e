//! The example services as whole processes: what their users can see from outside.

mod config;
mod database;
mod drain;
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
