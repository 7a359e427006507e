//! The orders that the demo places.

use msa_tests::{Cluster, Error, http};
use serde::Serialize;
use serde_json::{Value, json};

/// An order that was placed, and what came back.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) title: &'static str,
    pub(crate) gtxid: String,
    pub(crate) answer: Value,
}

/// What the management listener tells of an order, and how it was asked.
#[derive(Debug, Serialize)]
pub(crate) struct Explained {
    pub(crate) command: String,
    pub(crate) answer: String,
}

/// Asks order-orchestrator's management listener for the whole transaction.
pub(crate) fn explain(cluster: &mut Cluster, placed: &Placed) -> Result<Explained, Error> {
    let admin = cluster.process("order-orchestrator")?.wait_admin()?;
    let path = format!("/txn/{}?scope=all&format=text", placed.gtxid);
    Ok(Explained {
        command: format!("curl 'http://{admin}{path}'"),
        answer: http::get(admin, path).send()?.text(),
    })
}

/// Places each order and keeps the GTXID that came back with the answer.
pub(crate) fn place_all(cluster: &Cluster) -> Result<Vec<Placed>, Error> {
    let two_products = json!({"user_id": 1, "items": [
        {"sku": "MUG-BLUE", "quantity": 2},
        {"sku": "BOOK-RUST", "quantity": 1},
    ]});
    let of_nobody = json!({"user_id": 999, "items": [{"sku": "MUG-BLUE", "quantity": 1}]});
    let too_many = json!({"user_id": 2, "items": [{"sku": "LAMP-DESK", "quantity": 50}]});
    let place = |title, order: &Value, key| {
        let response = cluster.place_order(order, &[("idempotency-key", key)])?;
        Ok(Placed {
            title,
            gtxid: response.header("x-gtxid").unwrap_or_default().to_owned(),
            answer: response.json(),
        })
    };
    Ok(vec![
        place("an order of two products", &two_products, "demo-1")?,
        place(
            "the same again, under the same Idempotency-Key",
            &two_products,
            "demo-1",
        )?,
        place("an order of an unknown user", &of_nobody, "demo-2")?,
        place("an order of more lamps than there are", &too_many, "demo-3")?,
    ])
}
