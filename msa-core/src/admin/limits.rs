//! `/limits`: what limits requests and calls.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shown;
use crate::client::LimitState;
use crate::clock;

/// The page.
pub(super) async fn show(State(shown): State<Shown>) -> Json<Value> {
    let now = clock::now();
    let load = shown.layer.load().report(now);
    Json(json!({
        "server": {
            "in_flight": load.in_flight,
            "latency_ms": load.latency.as_secs_f64() * 1000.0,
            "overload": LimitState::of(shown.layer.overload().guard()),
        },
        "clients": shown.client.limits(now),
    }))
}
