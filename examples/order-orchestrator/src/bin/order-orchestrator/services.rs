//! The other services, as far as an order needs them.

use msa_core::client::typed::{self, Response};
use msa_core::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use shop::upstream::Failure;

use crate::order::{Draft, User};
use crate::settings::OrchestratorSettings;

#[service_client(name = "user-service")]
trait UserApi {
    #[get("/users/{id}")]
    async fn user(&self, id: i64) -> Result<User, Failure>;
}

#[service_client(name = "product-service")]
trait ProductApi {
    /// Whether there is such a product; its price is only known when it is reserved.
    #[get("/products/{sku}")]
    async fn product(&self, sku: &str) -> Result<(), Failure>;
}

#[service_client(name = "banner-service", path = "/api")]
trait BannerApi {
    #[get("/banners/active")]
    async fn active(
        &self,
        #[query] platform: &str,
        #[options] options: CallOptions,
    ) -> Result<Active, CallError>;
}

#[service_client(name = "order-service")]
trait OrderApi {
    #[post("/orders")]
    async fn place(
        &self,
        #[header("idempotency-key")] key: &str,
        draft: &Draft,
    ) -> Result<Response, CallError>;

    #[get("/orders/{id}")]
    async fn order(&self, id: &str) -> Result<Value, Failure>;
}

/// What banner-service shows now, best slot first; the rest of what it says is nobody's business here.
#[derive(Debug, Deserialize)]
struct Active {
    items: Vec<Showing>,
}

#[derive(Debug, Deserialize)]
struct Showing {
    banner: Value,
}

/// Calls to the other services. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    users: UserApiClient,
    products: ProductApiClient,
    banners: BannerApiClient,
    orders: OrderApiClient,
    banner_platform: String,
    banner_options: CallOptions,
}

impl Services {
    pub(crate) fn new(client: ServiceClient, settings: &OrchestratorSettings) -> Self {
        Self {
            users: UserApiClient::new(client.clone()),
            products: ProductApiClient::new(client.clone()),
            banners: BannerApiClient::new(client.clone()),
            orders: OrderApiClient::new(client),
            banner_platform: settings.banner_platform.clone(),
            banner_options: CallOptions::new().timeout(settings.banner_timeout.get()),
        }
    }

    pub(crate) async fn user(&self, id: i64) -> Result<User, Failure> {
        self.users.user(id).await
    }

    pub(crate) async fn product(&self, sku: &str) -> Result<(), Failure> {
        self.products.product(sku).await
    }

    /// The banner in the first slot, `null` when there is none, or none in time: it sells, but no order fails for it.
    #[fallback(value = Value::Null)]
    pub(crate) async fn banner(&self) -> Result<Value, CallError> {
        let active = self
            .banners
            .active(&self.banner_platform, self.banner_options)
            .await?;
        let first = active.items.into_iter().next();
        Ok(first.map_or(Value::Null, |showing| showing.banner))
    }

    /// Has the order placed, or finds the one that was placed under the key.
    pub(crate) async fn place(&self, key: &str, draft: &Draft) -> Result<Response, Failure> {
        Ok(typed::good(self.orders.place(key, draft).await?).await?)
    }

    pub(crate) async fn order(&self, id: &str) -> Result<Value, Failure> {
        self.orders.order(id).await
    }
}
