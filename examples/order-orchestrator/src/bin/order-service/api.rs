//! The routes.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use msa_core::prelude::*;
use msa_core::problem;
use serde::Deserialize;
use serde_json::Value;
use shop::idempotency::{self, IdempotencyKey};

use crate::order::Wanted;
use crate::orders::Orders;
use crate::placing::{Placed, Placing};

#[derive(Debug, Clone)]
struct App {
    orders: Orders,
    placing: Placing,
}

pub(crate) fn routes(orders: Orders, placing: Placing) -> Router {
    Router::new()
        .route("/orders", post(place).get(list))
        .route("/orders/{id}", get(order))
        .with_state(App { orders, placing })
}

#[handler]
async fn place(
    State(app): State<App>,
    key: IdempotencyKey,
    Json(wanted): Json<Wanted>,
) -> Result<Placed, Problem> {
    app.placing.place(&key, wanted).await
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
async fn list(
    State(app): State<App>,
    Query(page): Query<Page>,
) -> Result<Json<Vec<Value>>, Problem> {
    let limit = page.limit.clamp(1, 1000);
    Ok(Json(app.orders.list(&page.after, limit).await?))
}

#[handler]
async fn order(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    let document = app.orders.find(&id).await?.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND)
            .title("Unknown order")
            .detail("there is no such order")
    })?;
    Ok(([(header::CONTENT_TYPE, JSON)], document).into_response())
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl IntoResponse for Placed {
    fn into_response(self) -> Response {
        // Only what this service wrote itself is read back, so the status is always one.
        let status = StatusCode::from_u16(self.answer.status).unwrap_or_default();
        let media_type = if status.is_success() {
            JSON
        } else {
            problem::MEDIA_TYPE
        };
        let mut response = (
            status,
            [(header::CONTENT_TYPE, media_type)],
            self.answer.body,
        )
            .into_response();
        if self.replayed {
            let headers = response.headers_mut();
            headers.insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
