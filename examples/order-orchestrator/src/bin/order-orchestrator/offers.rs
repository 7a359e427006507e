//! What the shop's page shows of a product: asked for far more often than anything is ordered, and never in the way of an order.

use msa_core::prelude::*;
use serde::{Deserialize, Serialize};

#[service_client(name = "product-service")]
trait CatalogueApi {
    // The function that calls this tries again itself, and knows better when not to.
    #[get("/products/{sku}")]
    #[no_retry]
    async fn product(&self, sku: &str) -> Result<Option<Offer>, CallError>;
}

/// A product as a visitor sees it. The price and the stock that count are those of the reservation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Offer {
    sku: String,
    name: String,
    price_minor: i64,
    currency: String,
    stock: i64,
}

/// The offers, as product-service knows them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Offers {
    catalogue: CatalogueApiClient,
}

impl Offers {
    pub(crate) fn new(client: ServiceClient) -> Self {
        Self {
            catalogue: CatalogueApiClient::new(client),
        }
    }

    /// The offer of a product, `None` when there is no such product: an answer as good as any other, and kept like one.
    ///
    /// Whatever the order of writing, they run in this one, each within the one above it. Every number can be changed while the service
    /// runs: `policies."order_orchestrator::offers::find".cached.ttl = "5s"` in its `msa.toml`.
    #[timeout(total = "800ms", attempt = "200ms")] // a visitor does not wait longer, and one lost attempt leaves time for others
    #[fallback(stale = "5m")] // a price of five minutes ago is better than no page
    #[cached(ttl = "1s", key = sku)] // of a hundred visitors in a second, one asks
    #[bulkhead(8)] // what pages may hold of product-service at a time: the rest is for orders
    #[rate_limit("20/s")] // what product-service was told to expect of pages: one call a second for each of twenty products
    #[retry(max = 2)] // the instance that was asked may be the one that is being replaced
    #[hedge("50ms")] // one slow instance: ask another beside it, and take whoever is first
    #[circuit_breaker(min_calls = 10, open = "1s")] // product-service is down: do not ask for a while, an old price will do
    pub(crate) async fn find(&self, sku: &str) -> Result<Option<Offer>, CallError> {
        self.catalogue.product(sku).await
    }
}
