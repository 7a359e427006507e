//! `/endpoints`: the services that were called, and their endpoints.

use axum::Json;
use axum::extract::State;

use super::Shown;
use crate::client::ServiceState;
use crate::clock;

/// The page.
pub(super) async fn show(State(shown): State<Shown>) -> Json<Vec<ServiceState>> {
    Json(shown.client.services(clock::now()))
}
