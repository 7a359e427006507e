//! `/circuits`: circuit breakers, and operators' hands on them.

use std::sync::Arc;

use axum::Extension;
use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::guard::Peer;
use super::{Inside, Shown};
use crate::clock::{self, Instant};
use crate::discovery::normalize;
use crate::problem::{Json, Path, Problem};
use crate::resilience::breaker::{Breaker, Reason};

/// A change that an operator asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    action: Action,
    /// One endpoint, as `host:port`; all of the service when it is left out.
    endpoint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// Refuses every call until it is told otherwise.
    Open,
    /// Lets every call through and counts nothing, until it is told otherwise.
    Close,
    /// Closed, with nothing counted; judges for itself again.
    Reset,
}

/// A breaker, and whose it is.
pub(super) struct Circuit {
    /// The called service, or the policy's key.
    pub(super) service: String,
    /// Empty for that of a policy.
    pub(super) endpoint: String,
    pub(super) breaker: Arc<Breaker>,
    pub(super) enabled: bool,
    pub(super) dark: bool,
}

/// Those of endpoints, then those of policies.
pub(super) fn all(shown: &Inside, now: Instant) -> Vec<Circuit> {
    let endpoints = shown
        .client
        .circuits(now)
        .into_iter()
        .map(|circuit| Circuit {
            service: circuit.service.to_string(),
            endpoint: circuit.endpoint,
            breaker: circuit.breaker,
            enabled: circuit.enabled,
            dark: circuit.dark,
        });
    let policies = shown.policies.all().into_iter().filter_map(|policy| {
        let (breaker, dark) = policy.breaker_and_dark()?;
        Some(Circuit {
            service: policy.name().to_owned(),
            endpoint: String::new(),
            breaker,
            enabled: true,
            dark,
        })
    });
    endpoints.chain(policies).collect()
}

/// The page.
pub(super) async fn show(State(shown): State<Shown>) -> Answer<Vec<Value>> {
    let now = clock::now();
    let circuits = all(&shown, now);
    Answer(circuits.iter().map(|circuit| state(circuit, now)).collect())
}

/// Opens, closes or resets the breakers of a service, of one of its endpoints, or of a policy.
pub(super) async fn change(
    State(shown): State<Shown>,
    Extension(peer): Extension<Peer>,
    Path(service): Path<String>,
    Json(change): Json<Change>,
) -> Result<Answer<Vec<Value>>, Problem> {
    let now = clock::now();
    let named = normalize(&service);
    let wanted = |circuit: &Circuit| {
        (circuit.service == service || circuit.service == *named)
            && (change.endpoint.as_ref()).is_none_or(|endpoint| *endpoint == circuit.endpoint)
    };
    let circuits: Vec<_> = all(&shown, now).into_iter().filter(wanted).collect();
    if circuits.is_empty() {
        return Err(Problem::not_found(
            "no circuit breaker of that name: `/circuits` lists those of services that were called, and of policies",
        ));
    }
    for circuit in &circuits {
        match change.action {
            Action::Open => circuit.breaker.force_open(now),
            Action::Close => circuit.breaker.disable(now),
            Action::Reset => circuit.breaker.close(now),
        }
        tracing::info!(
            target: "msa::audit",
            %peer,
            action = ?change.action,
            upstream = circuit.service,
            endpoint = circuit.endpoint,
            "circuit breaker changed by hand"
        );
    }
    Ok(Answer(
        circuits.iter().map(|circuit| state(circuit, now)).collect(),
    ))
}

fn state(circuit: &Circuit, now: Instant) -> Value {
    let metrics = circuit.breaker.metrics(now);
    let buckets = circuit.breaker.buckets(now);
    let buckets: Vec<_> = (buckets.iter())
        .map(|bucket| [bucket.ok, bucket.failed, bucket.slow])
        .collect();
    let since = metrics.since.map(|since| ms(now, since));
    let unwell = metrics.unwell_since.map(|since| ms(now, since));
    let trial = metrics.trial_at.map(|trial| ms(trial, now));
    json!({
        "service": circuit.service,
        "endpoint": circuit.endpoint,
        "state": metrics.state.as_str(),
        "reason": metrics.reason.map(Reason::as_str),
        "for_ms": since,
        "unwell_for_ms": unwell,
        "trial_in_ms": trial,
        "enabled": circuit.enabled,
        "dark": circuit.dark,
        "calls": metrics.counts.total(),
        "failed": metrics.counts.failed,
        "slow": metrics.counts.slow,
        "failure_rate": metrics.failure_rate,
        "slow_rate": metrics.slow_rate,
        "refused": metrics.refused,
        "refused_total": metrics.refused_total,
        "buckets": buckets,
    })
}

/// The milliseconds from one moment to a later one.
fn ms(later: Instant, earlier: Instant) -> f64 {
    later.saturating_duration_since(earlier).as_secs_f64() * 1000.0
}
