//! An endpoint in the snapshot.

use serde::Serialize;

use super::circuit::CircuitRow;
use super::rounded;
use crate::admin::metrics::state_of;
use crate::client::EndpointState;
use crate::telemetry::metrics::EndpointCounts;

/// An endpoint. Left out: what is as it is while nothing is wrong.
#[derive(Debug, Serialize)]
pub(super) struct EndpointRow {
    /// Its name.
    e: String,
    /// Why calls do not go to it; none when they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    /// It is ejected for so long still.
    #[serde(skip_serializing_if = "Option::is_none")]
    back: Option<f64>,
    /// In flight.
    #[serde(skip_serializing_if = "is_zero")]
    i: u64,
    /// The balancer's estimate of its latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<f64>,
    /// The share of failures lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<f64>,
    /// Its weight, unless it is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    wt: Option<u32>,
    /// How much of its share it gets while it starts slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    ramp: Option<f64>,
    /// Its zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    z: Option<String>,
    /// Attempts that were sent to it since the start.
    #[serde(skip_serializing_if = "is_zero")]
    n: u64,
    /// Those that failed.
    #[serde(skip_serializing_if = "is_zero")]
    x: u64,
    /// Its breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<CircuitRow>,
}

impl EndpointRow {
    pub(super) fn of(
        state: &EndpointState,
        counts: Option<&EndpointCounts>,
        circuit: Option<CircuitRow>,
    ) -> Self {
        let counts = counts.copied().unwrap_or_default();
        let failures = rounded(state.failure_share.into());
        Self {
            e: state.endpoint.clone(),
            s: Some(state_of(state)).filter(|state| *state != "eligible"),
            back: state.ejected_for_ms.map(f64::round),
            i: state.in_flight.into(),
            ms: state.latency_ms.map(rounded),
            f: (failures > 0.0).then_some(failures),
            wt: (state.weight != 100).then_some(state.weight),
            ramp: (state.ramp < 1.0).then(|| rounded(state.ramp.into())),
            z: state.zone.clone(),
            n: counts.picks,
            x: counts.failed,
            c: circuit,
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
