//! product-service, as far as this service needs it.

use msa_core::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop::idempotency;
use shop::items::Items;
use shop::upstream::{self, Failure};

const SERVICE: &str = "product-service";

/// One reserved line, at the price of the reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
}

#[derive(Debug, Deserialize)]
struct Reservation {
    lines: Vec<Line>,
}

/// The stock at product-service.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    client: ServiceClient,
}

impl Stock {
    pub(crate) fn new(client: ServiceClient) -> Self {
        Self { client }
    }

    /// Reserves all items under the order's id, or none. Asking again under the same id finds the same reservation.
    pub(crate) async fn reserve(
        &self,
        order_id: &str,
        items: &Items,
    ) -> Result<Vec<Line>, Failure> {
        let sent = self
            .client
            .post("http://product-service/reservations")
            .header(idempotency::HEADER, order_id)
            .json(&json!({ "items": items }))
            .send()
            .await;
        let reservation: Reservation = upstream::json(SERVICE, sent).await?;
        Ok(reservation.lines)
    }

    /// Gives back what is reserved under the order's id, if anything is.
    pub(crate) async fn release(&self, order_id: &str) -> Result<(), Failure> {
        let url = format!("http://product-service/reservations/{order_id}");
        upstream::good(SERVICE, self.client.delete(url).send().await).await?;
        Ok(())
    }
}
