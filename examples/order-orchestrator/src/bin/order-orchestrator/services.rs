//! The other services, as far as an order needs them.

use std::time::Duration;

use msa_core::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use shop::idempotency::{self, IdempotencyKey};
use shop::upstream::{self, Failure};

use crate::order::{Draft, User};
use crate::settings::OrchestratorSettings;

/// Calls to the other services. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    client: ServiceClient,
    banner_timeout: Duration,
    banner_platform: String,
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

impl Services {
    pub(crate) fn new(client: ServiceClient, settings: &OrchestratorSettings) -> Self {
        Self {
            client,
            banner_timeout: settings.banner_timeout.get(),
            banner_platform: settings.banner_platform.clone(),
        }
    }

    pub(crate) async fn user(&self, id: i64) -> Result<User, Failure> {
        let url = format!("http://user-service/users/{id}");
        upstream::json("user-service", self.client.get(url).send().await).await
    }

    /// Whether there is such a product; its price is only known when it is reserved.
    pub(crate) async fn product(&self, sku: &str) -> Result<(), Failure> {
        let url = format!("http://product-service/products/{sku}");
        upstream::good("product-service", self.client.get(url).send().await).await?;
        Ok(())
    }

    /// The banner in the first slot, `null` when there is none, or none in time: it sells, but no order fails for it.
    pub(crate) async fn banner(&self) -> Value {
        let sent = self
            .client
            .get("http://banner-service/api/banners/active")
            .query(&[("platform", &self.banner_platform)])
            .with_extension(CallOptions::new().timeout(self.banner_timeout))
            .send()
            .await;
        // What went wrong is in the log already.
        let active: Option<Active> = upstream::json("banner-service", sent).await.ok();
        let first = active.and_then(|active| active.items.into_iter().next());
        first.map_or(Value::Null, |showing| showing.banner)
    }

    /// Has the order placed, or finds the one that was placed under the key.
    pub(crate) async fn place(
        &self,
        key: &IdempotencyKey,
        draft: &Draft,
    ) -> Result<reqwest::Response, Failure> {
        let sent = self
            .client
            .post("http://order-service/orders")
            .header(idempotency::HEADER, key.as_str())
            .json(draft)
            .send()
            .await;
        upstream::good("order-service", sent).await
    }

    pub(crate) async fn order(&self, id: &str) -> Result<Value, Failure> {
        let url = format!("http://order-service/orders/{id}");
        upstream::json("order-service", self.client.get(url).send().await).await
    }
}
