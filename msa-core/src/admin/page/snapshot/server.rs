//! The inbound side in the snapshot.

use std::cmp::Reverse;

use serde::Serialize;

use super::super::super::Inside;
use super::rounded;
use crate::client::LimitState;
use crate::clock::Instant;
use crate::telemetry::metrics::{Metrics, RouteCounts};

/// The busiest routes are told, no more than these.
const ROUTES: usize = 50;

/// What comes in.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    in_flight: u32,
    latency: f64,
    overload: LimitState,
    /// Requests turned away since the start.
    sheds: u64,
    routes: Vec<RouteCounts>,
    /// So many more there are.
    #[serde(skip_serializing_if = "is_zero")]
    more_routes: usize,
}

impl Server {
    pub(super) fn of(shown: &Inside, now: Instant) -> Self {
        let metrics = shown.metrics.as_ref();
        let load = shown.layer.load().report(now);
        let mut routes = metrics.map(Metrics::routes).unwrap_or_default();
        routes.sort_by_key(|route| Reverse(route.took.iter().sum::<u64>()));
        let more_routes = routes.len().saturating_sub(ROUTES);
        routes.truncate(ROUTES);
        Self {
            in_flight: load.in_flight,
            latency: rounded(load.latency.as_secs_f64() * 1000.0),
            overload: LimitState::of(shown.layer.overload().guard()),
            sheds: metrics.map_or(0, Metrics::sheds),
            routes,
            more_routes,
        }
    }
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
