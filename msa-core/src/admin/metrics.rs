//! `/metrics`: every number, for Prometheus.
//!
//! What was counted is in [`Metrics`](crate::telemetry::metrics::Metrics). What is a state is looked up here, when it is asked for.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};

use super::{Inside, Shown};
use crate::client::{EndpointState, LimitState, ServiceLimits, ServiceState};
use crate::clock::{self, Instant};
use crate::discovery::Discover as _;
use crate::health::{CheckStatus, Kind, Phase};
use crate::problem::Problem;
use crate::resilience::breaker::State as Circuit;
use crate::telemetry::metrics::push::Collected;
use crate::telemetry::metrics::{Exposition, Format, Metrics, catalog as metric};

/// The page.
pub(super) async fn show(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let Some(metrics) = &shown.metrics else {
        let why = "nothing is counted: telemetry.metrics.enabled is false";
        return Problem::not_found(why).into_response();
    };
    let accepted: Vec<_> = (headers.get_all(ACCEPT).iter())
        .filter_map(|value| value.to_str().ok())
        .collect();
    let format = Format::accepted(&accepted.join(","));
    let text = looked(&shown, metrics, |now, state| {
        metrics.render_with(format, now, state)
    });
    let headers = [(CONTENT_TYPE, format.content_type()), (VARY, "accept")];
    (headers, text).into_response()
}

/// The same as numbers, for who pushes them; nothing when nothing is counted.
pub(crate) fn collect(shown: &Inside) -> Option<Collected> {
    let metrics = shown.metrics.as_ref()?;
    Some(looked(shown, metrics, |now, state| {
        metrics.collect_with(now, state)
    }))
}

/// Looks at everything now.
fn looked<R>(
    shown: &Inside,
    metrics: &Metrics,
    show: impl FnOnce(Instant, &dyn Fn(&mut Exposition)) -> R,
) -> R {
    let now = clock::now();
    let services = shown.client.services(now);
    let there: BTreeSet<_> = (services.iter())
        .flat_map(|service| {
            (service.endpoints.iter()).map(|one| (&*service.service, &*one.endpoint))
        })
        .collect();
    metrics.forget_gone(
        |service, endpoint| there.contains(&(service, endpoint)),
        now,
    );
    show(now, &|out| state(shown, &services, now, out))
}

/// What the service is like now.
fn state(shown: &Inside, services: &[ServiceState], now: Instant, out: &mut Exposition) {
    endpoints(shown, services, now, out);
    limits(shown, now, out);
    lifecycle(shown, now, out);
}

fn yes(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

fn count(count: usize) -> f64 {
    count as f64
}

/// Why calls go to an endpoint or not: the first reason of several.
pub(super) fn state_of(endpoint: &EndpointState) -> &'static str {
    match endpoint {
        EndpointState { ejected: true, .. } => "ejected",
        EndpointState {
            unhealthy: true, ..
        } => "unhealthy",
        EndpointState { draining: true, .. } => "draining",
        EndpointState { eligible: true, .. } => "eligible",
        _ => "broken",
    }
}

const STATES: [&str; 5] = ["eligible", "draining", "unhealthy", "ejected", "broken"];

fn endpoints(shown: &Inside, services: &[ServiceState], now: Instant, out: &mut Exposition) {
    let mut family = out.family(&metric::ENDPOINTS);
    for service in services {
        for state in STATES {
            let so = (service.endpoints.iter()).filter(|endpoint| state_of(endpoint) == state);
            family.gauge(&[&service.service, state], count(so.count()));
        }
    }
    let mut family = out.family(&metric::CLIENT_ACTIVE);
    for service in services {
        let active = service.endpoints.iter().map(|one| f64::from(one.in_flight));
        family.gauge(&[&service.service], active.sum());
    }
    let mut family = out.family(&metric::PANIC);
    for service in services {
        family.gauge(&[&service.service], yes(service.panic));
    }
    // Those beyond the bound have no series of their own; `msa.endpoints` still counts them.
    let most = shown.config.settings().telemetry.metrics.max_endpoints;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let each: Vec<_> = (services.iter())
        .flat_map(|service| service.endpoints.iter().map(|one| (&*service.service, one)))
        .take(most)
        .collect();
    let names = Circuit::ALL.map(Circuit::as_str);
    let mut family = out.family(&metric::BREAKER_STATE);
    for (service, endpoint) in &each {
        if let Some(now) = endpoint.breaker {
            family.states(&[service, &endpoint.endpoint], &names, now);
        }
    }
    for policy in shown.policies.all() {
        if let Some((breaker, _)) = policy.breaker_and_dark() {
            family.states(&[policy.name(), ""], &names, breaker.state(now).as_str());
        }
    }
    type Of = fn(&EndpointState) -> Option<f64>;
    let gauges: [(_, Of); 4] = [
        (&metric::ENDPOINT_ELIGIBLE, |one| Some(yes(one.eligible))),
        (&metric::ENDPOINT_IN_FLIGHT, |one| {
            Some(one.in_flight.into())
        }),
        (&metric::ENDPOINT_LATENCY, |one| {
            one.latency_ms.map(|ms| ms / 1e3)
        }),
        (&metric::ENDPOINT_FAILURE, |one| {
            Some(one.failure_share.into())
        }),
    ];
    for (metric, of) in gauges {
        let mut family = out.family(metric);
        for (service, endpoint) in &each {
            if let Some(value) = of(endpoint) {
                family.gauge(&[service, &endpoint.endpoint], value);
            }
        }
    }
}

fn limits(shown: &Inside, now: Instant, out: &mut Exposition) {
    let clients = shown.client.limits(now);
    type Of = fn(&ServiceLimits) -> Option<f64>;
    let gauges: [(_, Of); 5] = [
        (&metric::RETRY_BUDGET, |one| one.retry_budget),
        (&metric::BULKHEAD_RUNNING, |one| {
            Some(one.bulkhead.as_ref()?.running.into())
        }),
        (&metric::BULKHEAD_WAITING, |one| {
            Some(one.bulkhead.as_ref()?.waiting.into())
        }),
        (&metric::BULKHEAD_AVAILABLE, |one| {
            Some(one.bulkhead.as_ref()?.available.into())
        }),
        (&metric::THROTTLE_REJECTION, |one| one.throttle_rejects),
    ];
    for (metric, of) in gauges {
        let mut family = out.family(metric);
        for client in &clients {
            if let Some(value) = of(client) {
                family.gauge(&[&client.service], value);
            }
        }
    }
    out.gauge(
        &metric::SERVER_IN_FLIGHT,
        shown.layer.load().in_flight().into(),
    );
    let server = LimitState::of(shown.layer.overload().guard());
    let limited: Vec<_> = (clients.iter())
        .filter_map(|client| Some((&*client.service, client.limit.as_ref()?)))
        .chain((server.mode != "off").then_some(("server", &server)))
        .collect();
    let mut family = out.family(&metric::LIMIT);
    for (service, limit) in &limited {
        family.gauge(&[service, &limit.mode], limit.limit.into());
    }
    let mut family = out.family(&metric::LIMIT_IN_FLIGHT);
    for (service, limit) in &limited {
        family.gauge(&[service], limit.in_flight.into());
    }
    let mut family = out.family(&metric::LIMIT_WAITING);
    for (service, limit) in &limited {
        family.gauge(&[service], limit.waiting.into());
    }
}

const PHASES: [Phase; 5] = [
    Phase::Starting,
    Phase::Ready,
    Phase::Draining,
    Phase::Closing,
    Phase::Stopped,
];

fn lifecycle(shown: &Inside, now: Instant, out: &mut Exposition) {
    let failing = shown.sources.last_error().is_some();
    out.gauge(&metric::DISCOVERY_FAILING, yes(failing));
    if let Some(read) = shown.sources.last_read() {
        let age = now.saturating_duration_since(read);
        out.gauge(&metric::DISCOVERY_READ_AGE, age.as_secs_f64());
    }
    let phase = shown.health.lifecycle().phase().as_str();
    out.family(&metric::PHASE)
        .states(&[], &PHASES.map(Phase::as_str), phase);
    let mut family = out.family(&metric::HEALTH);
    for kind in [
        Kind::Startup,
        Kind::Readiness,
        Kind::Liveness,
        Kind::Advisory,
    ] {
        for report in shown.health.reports(kind) {
            let passes = matches!(report.status, CheckStatus::Passed);
            family.gauge(&[kind.as_str(), &report.name], yes(passes));
        }
    }
    let refused = shown.config.last_error().is_some();
    out.gauge(&metric::CONFIG_REFUSED, yes(refused));
    exports(shown, out);
    let name = shown.journal.service();
    let version = shown.identity.version.as_deref().unwrap_or_default();
    let msa = env!("CARGO_PKG_VERSION");
    out.family(&metric::BUILD).info(&[name, version, msa]);
    out.family(&metric::TARGET).info(&[name, version]);
}

/// What became of what was exported; nothing where nothing is.
fn exports(shown: &Inside, out: &mut Exposition) {
    out.family(&metric::LOG_LOST)
        .counter(&[], shown.logs.lost());
    if shown.traces.is_recording() {
        let counts = shown.traces.counts();
        let mut family = out.family(&metric::SPANS);
        family.counter(&["exported"], counts.exported);
        family.counter(&["failed"], counts.failed);
        family.counter(&["dropped"], counts.dropped);
    }
    if let Some(pushes) = &shown.pushes {
        let counts = pushes.get();
        let mut family = out.family(&metric::PUSHES);
        family.counter(&["exported"], counts.exported);
        family.counter(&["failed"], counts.failed);
    }
}
