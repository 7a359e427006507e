//! `/config`: what `--print-config` prints.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::Shown;
use super::index::accepts;
use crate::problem::Query;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    format: Option<String>,
}

/// The page: TOML, or JSON when asked.
pub(super) async fn show(
    State(shown): State<Shown>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    let json = match asked.format.as_deref() {
        Some(format) => format == "json",
        None => accepts(&headers, "application/json"),
    };
    if !json {
        return shown.config.print().into_response();
    }
    let values: Vec<_> = (shown.config.rows().into_iter())
        .map(|row| json!({ "key": row.key, "value": row.value, "source": row.source }))
        .collect();
    let error = shown.config.last_error();
    Json(json!({ "values": values, "refused_reload": error })).into_response()
}
