//! product-service, as far as this service needs it.

use msa_core::prelude::*;
use serde::{Deserialize, Serialize};
use shop::items::Items;
use shop::upstream::Failure;

#[service_client(name = "product-service")]
trait ReservationApi {
    /// The order's id is the key: asking again finds the same reservation.
    #[post("/reservations")]
    async fn reserve(
        &self,
        #[header("idempotency-key")] order_id: &str,
        wanted: &Wanted<'_>,
    ) -> Result<Reservation, Failure>;

    #[delete("/reservations/{order_id}")]
    async fn release(&self, order_id: &str) -> Result<(), Failure>;
}

#[derive(Debug, Serialize)]
struct Wanted<'a> {
    items: &'a Items,
}

#[derive(Debug, Deserialize)]
struct Reservation {
    lines: Vec<Line>,
}

/// One reserved line, at the price of the reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: i64,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
}

/// The stock at product-service.
#[derive(Debug, Clone)]
pub(crate) struct Stock {
    reservations: ReservationApiClient,
}

impl Stock {
    pub(crate) fn new(client: ServiceClient) -> Self {
        Self {
            reservations: ReservationApiClient::new(client),
        }
    }

    /// Reserves all items under the order's id, or none. Asking again under the same id finds the same reservation.
    pub(crate) async fn reserve(
        &self,
        order_id: &str,
        items: &Items,
    ) -> Result<Vec<Line>, Failure> {
        let wanted = Wanted { items };
        let reservation = self.reservations.reserve(order_id, &wanted).await?;
        Ok(reservation.lines)
    }

    /// Gives back what is reserved under the order's id, if anything is.
    pub(crate) async fn release(&self, order_id: &str) -> Result<(), Failure> {
        self.reservations.release(order_id).await
    }
}
