//! The orders that the demo places.

use msa_tests::{Cluster, Error};
use serde_json::{Value, json};

/// An order that was placed, and what came back.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) title: &'static str,
    pub(crate) gtxid: String,
    pub(crate) answer: Value,
}

/// Places each order and keeps the GTXID that came back with the answer.
pub(crate) fn place_all(cluster: &Cluster) -> Result<Vec<Placed>, Error> {
    let orders: [(&'static str, Value, &[(&str, &str)]); 4] = [
        (
            "an order of two products",
            json!({"user_id": 1, "items": [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "BOOK-RUST", "quantity": 1}]}),
            &[("idempotency-key", "demo-1")],
        ),
        (
            "the same order again, under the same Idempotency-Key",
            json!({"user_id": 1, "items": [{"sku": "MUG-BLUE", "quantity": 2}, {"sku": "BOOK-RUST", "quantity": 1}]}),
            &[("idempotency-key", "demo-1")],
        ),
        (
            "an unknown user",
            json!({"user_id": 999, "items": [{"sku": "MUG-BLUE", "quantity": 1}]}),
            &[],
        ),
        (
            "more lamps than there are",
            json!({"user_id": 2, "items": [{"sku": "LAMP-DESK", "quantity": 50}]}),
            &[],
        ),
    ];
    let placed = orders.into_iter().map(|(title, order, headers)| {
        let response = cluster.place_order(&order, headers)?;
        Ok(Placed {
            title,
            gtxid: response.header("x-gtxid").unwrap_or_default().to_owned(),
            answer: response.json(),
        })
    });
    placed.collect()
}
