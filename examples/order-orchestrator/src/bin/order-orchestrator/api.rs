//! The routes.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use msa_core::prelude::*;
use msa_core::txn::JoinSet;
use serde_json::Value;
use shop::idempotency::{self, IdempotencyKey};
use shop::items::Items;
use shop::upstream::Failure;

use crate::offers::{Offer, Offers};
use crate::order::{Draft, Wanted};
use crate::services::Services;

pub(crate) fn routes(services: Services, offers: Offers) -> Router {
    let orders = Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}", get(order))
        .with_state(services);
    let products = Router::new()
        .route("/products/{sku}", get(product))
        .with_state(offers);
    orders.merge(products)
}

#[handler]
async fn product(
    State(offers): State<Offers>,
    Path(sku): Path<String>,
) -> Result<Json<Offer>, Problem> {
    let offer = offers.find(&sku).await.map_err(Failure::from)?;
    offer
        .map(Json)
        .ok_or_else(|| Problem::not_found("there is no such product"))
}

/// Reads first, all at once; then the one call that changes anything. order-service decides whether the key is new, so
/// the answer is its answer: the same bytes for the same key.
#[handler]
async fn place(
    State(services): State<Services>,
    key: Option<IdempotencyKey>,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, HeaderMap, Bytes), Problem> {
    // Without a key from the client, the call itself is the key: whoever retries it, retries the same order.
    let key = key
        .or_else(IdempotencyKey::of_this_call)
        .ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let (user, products, banner) = tokio::join!(
        services.user(wanted.user_id),
        all_products(&services, &wanted.items),
        services.banner(),
    );
    products?;
    let draft = Draft {
        user: user?,
        items: wanted.items,
        banner: banner?,
    };
    let placed = services.place(key.as_str(), &draft).await?;
    let status = placed.status();
    let headers = forwarded(placed.headers());
    let body = placed.bytes().await?;
    Ok((status, headers, body))
}

/// Looks every product up, in parallel. They are all awaited, also when one is unknown: what is under way is nearly done.
async fn all_products(services: &Services, items: &Items) -> Result<(), Problem> {
    let mut lookups = JoinSet::new();
    for item in items.lines() {
        let (services, sku) = (services.clone(), item.sku.clone());
        lookups.spawn(async move { services.product(&sku).await });
    }
    let mut outcome = Ok(());
    while let Some(looked_up) = lookups.join_next().await {
        let found = looked_up.map_err(|error| {
            tracing::error!(%error, "looking a product up panicked");
            Failure::Failed(Problem::new(StatusCode::INTERNAL_SERVER_ERROR))
        });
        outcome = outcome.and(found.and_then(|found| found));
    }
    Ok(outcome?)
}

#[handler]
async fn order(
    State(services): State<Services>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    // The id becomes a part of a path of ours: nothing that could lead elsewhere goes in.
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Problem::not_found("there is no such order"));
    }
    Ok(Json(services.order(&id).await?))
}

/// The headers of order-service's answer that are meant for the client; the others belong to the one hop.
fn forwarded(headers: &HeaderMap) -> HeaderMap {
    const NAMES: [HeaderName; 2] = [header::CONTENT_TYPE, idempotency::REPLAYED];
    let pick = |name: HeaderName| -> Option<(HeaderName, HeaderValue)> {
        let value = headers.get(&name)?.clone();
        Some((name, value))
    };
    NAMES.into_iter().filter_map(pick).collect()
}
