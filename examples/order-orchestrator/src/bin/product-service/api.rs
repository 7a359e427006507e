//! The routes.

use msa_core::prelude::*;
use serde::Deserialize;
use shop::idempotency::IdempotencyKey;
use shop::items::Items;

use crate::catalogue::{Catalogue, Product};
use crate::reservations::{Outcome, Reservation, Reservations, Shortage};

#[derive(Debug, Clone)]
struct App {
    catalogue: Catalogue,
    reservations: Reservations,
}

pub(crate) fn routes(catalogue: Catalogue, reservations: Reservations) -> Router {
    Router::new()
        .route("/products", get(products))
        .route("/products/{sku}", get(product))
        .route("/reservations", post(reserve))
        .route("/reservations/{id}", delete(release))
        .with_state(App {
            catalogue,
            reservations,
        })
}

/// Where in the list to go on, and how far.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Page {
    after: String,
    limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            after: String::new(),
            limit: 100,
        }
    }
}

#[handler]
async fn products(
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Product>>, Problem> {
    Ok(Json(
        app.catalogue
            .list(&page.after, page.limit.clamp(1, 1000))
            .await?,
    ))
}

#[handler]
async fn product(
    State(app): State<App>,
    Path(sku): Path<String>,
) -> Result<Json<Product>, Problem> {
    let product = app.catalogue.find(&sku).await?;
    product.map(Json).ok_or_else(|| unknown(&[sku]))
}

/// What is to be reserved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    items: Items,
}

#[handler]
async fn reserve(
    State(app): State<App>,
    key: IdempotencyKey,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Reservation>), Problem> {
    match app.reservations.hold(key.as_str(), &wanted.items).await? {
        Outcome::Held(reservation) => Ok((StatusCode::CREATED, Json(reservation))),
        Outcome::Unknown(skus) => Err(unknown(&skus)),
        Outcome::OutOfStock(short) => Err(out_of_stock(&short)),
        Outcome::Released => Err(Problem::new(StatusCode::CONFLICT)
            .title("Reservation released")
            .detail("this reservation was given back; reserve under a new key")),
        Outcome::OtherRequest => Err(Problem::invalid()
            .title("Idempotency-Key used before")
            .detail("the key stands for a reservation of other items; use a new one")),
    }
}

#[handler]
async fn release(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    app.reservations.release(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn out_of_stock(short: &[Shortage]) -> Problem {
    let lines: Vec<_> = short.iter().map(ToString::to_string).collect();
    Problem::new(StatusCode::CONFLICT)
        .title("Out of stock")
        .detail(lines.join("; "))
        .with("short", short)
}

fn unknown(skus: &[String]) -> Problem {
    Problem::new(StatusCode::NOT_FOUND)
        .title("Unknown product")
        .detail(format!("there is no product {}", skus.join(", ")))
        .with("skus", skus)
}
