//! What a client knows of the services it calls, for those who run it. Times are milliseconds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::ServiceClient;
use super::service::{Service, Snapshot};
use crate::balance::{Mark, Slot};
use crate::clock::Instant;
use crate::resilience::breaker::{Breaker, State};

/// A called service as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceState {
    /// Its logical name, or the host that is called as it is.
    pub service: String,
    /// Whether it is a host that discovery does not know.
    pub plain: bool,
    /// The balancer's name in the configuration.
    pub balancer: String,
    /// So few endpoints are healthy that all are used.
    pub panic: bool,
    /// Its endpoints, in the order of the source; empty for a balancer of one's own that has no fleet.
    pub endpoints: Vec<EndpointState>,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EndpointState {
    /// Its name, as `host:port`.
    pub endpoint: String,
    /// Where it is connected to, if that is not left to DNS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<String>,
    /// Whether calls go to it; else one of the reasons below says why not.
    pub eligible: bool,
    /// It was set aside as an outlier.
    pub ejected: bool,
    /// For so long still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ejected_for_ms: Option<f64>,
    /// An active health check failed.
    pub unhealthy: bool,
    /// It said that it is draining.
    pub draining: bool,
    /// Its breaker's state; none without a breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<&'static str>,
    /// Requests in flight from here.
    pub in_flight: u32,
    /// The estimated latency; none before the first answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// The share of failures lately, from 0 to 1.
    pub failure_share: f32,
    /// Its weight.
    pub weight: u32,
    /// How much of its share it gets while it starts slowly, from 0 to 1.
    pub ramp: f32,
    /// Its zone, when the source knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What else the source knows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// One endpoint's circuit breaker.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EndpointCircuit {
    /// The called service.
    pub service: Arc<str>,
    /// The endpoint, as `host:port`.
    pub endpoint: String,
    /// Its breaker.
    pub breaker: Arc<Breaker>,
    /// Whether the breaker is asked at all.
    pub enabled: bool,
    /// Whether it only reports.
    pub dark: bool,
}

/// What limits the calls to one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// The called service.
    pub service: String,
    /// Calls at a time.
    pub bulkhead: Option<BulkheadState>,
    /// The adaptive limit; none while it is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitState>,
    /// The rate limit; none while there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateState>,
    /// The share of calls that the throttle turns away now; none without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttle_rejects: Option<f64>,
    /// Retries, or gRPC's tokens, that the budget has left; none when it is unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_budget: Option<f64>,
}

/// A bulkhead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BulkheadState {
    /// Calls that it holds.
    pub running: u32,
    /// Calls that wait for a place.
    pub waiting: u32,
    /// Places that are free.
    pub available: u32,
}

/// An adaptive limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LimitState {
    /// `off`, `dark` or `on`.
    pub mode: String,
    /// What may run at once.
    pub limit: u32,
    /// What runs.
    pub in_flight: u32,
    /// What waits.
    pub waiting: u32,
}

/// A rate limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RateState {
    /// Permits in a window.
    pub limit: u32,
    /// The window.
    pub window_ms: f64,
    /// Permits that are left.
    pub remaining: i64,
}

impl LimitState {
    /// A guard's limit as it is now.
    pub(crate) fn of(guard: &crate::resilience::limit::LimitGuard) -> Self {
        let limiter = guard.limiter();
        Self {
            mode: named(&guard.mode()),
            limit: limiter.limit(),
            in_flight: limiter.in_flight(),
            waiting: limiter.waiting(),
        }
    }
}

impl ServiceClient {
    /// The services that were called so far, by name: their endpoints and how these do.
    #[must_use]
    pub fn services(&self, now: Instant) -> Vec<ServiceState> {
        self.each(now, |service, state| ServiceState {
            service: service.name().to_string(),
            plain: service.is_plain(),
            balancer: named(&state.policies.settings.balancer),
            panic: state.balancer.fleet().is_some_and(|fleet| fleet.in_panic()),
            endpoints: slots(state)
                .iter()
                .map(|slot| endpoint(slot, state, now))
                .collect(),
        })
    }

    /// The breakers of all endpoints of the services that were called so far.
    #[must_use]
    pub fn circuits(&self, now: Instant) -> Vec<EndpointCircuit> {
        let each = self.each(now, |service, state| {
            let settings = &state.policies.settings.breaker;
            let circuit = |slot: &Arc<Slot>| {
                Some(EndpointCircuit {
                    service: service.name().clone(),
                    endpoint: slot.endpoint().authority().to_owned(),
                    breaker: super::breaker::of_slot(slot)?,
                    enabled: settings.enabled,
                    dark: settings.dark,
                })
            };
            slots(state).iter().filter_map(circuit).collect::<Vec<_>>()
        });
        each.into_iter().flatten().collect()
    }

    /// What limits the calls to each service that was called so far.
    #[must_use]
    pub fn limits(&self, now: Instant) -> Vec<ServiceLimits> {
        self.each(now, |service, state| {
            let policies = &state.policies;
            let bulkhead = &policies.bulkhead;
            let limit = LimitState::of(&policies.limit);
            ServiceLimits {
                service: service.name().to_string(),
                bulkhead: policies.settings.bulkhead.enabled.then(|| BulkheadState {
                    running: bulkhead.running(),
                    waiting: bulkhead.waiting(),
                    available: bulkhead.available(),
                }),
                limit: (limit.mode != "off").then_some(limit),
                rate_limit: rate(state, now),
                throttle_rejects: (policies.throttle.as_ref())
                    .map(|throttle| throttle.probability(now)),
                retry_budget: policies.retry.budget_left(now),
            }
        })
    }

    fn each<T>(&self, now: Instant, look: impl Fn(&Service, &Snapshot) -> T) -> Vec<T> {
        let services = &self.0.services;
        let known = services.all().into_iter();
        known
            .map(|service| look(&service, &service.current(services.shared(), now)))
            .collect()
    }
}

fn slots(state: &Snapshot) -> Vec<Arc<Slot>> {
    let fleet = state.balancer.fleet();
    fleet.map_or_else(Vec::new, |fleet| fleet.members().all().to_vec())
}

fn endpoint(slot: &Arc<Slot>, state: &Snapshot, now: Instant) -> EndpointState {
    let known = slot.endpoint();
    let breaker = super::breaker::of_slot(slot).filter(|_| state.policies.settings.breaker.enabled);
    let breaker: Option<State> = breaker.map(|breaker| breaker.state(now));
    let (ejected, unhealthy) = (slot.is(Mark::Ejected), slot.is(Mark::Unhealthy));
    let draining = slot.is(Mark::Draining);
    let until = slot.health().ejected_until().filter(|_| ejected);
    EndpointState {
        endpoint: known.authority().to_owned(),
        addr: known.addr().map(|addr| addr.to_string()),
        eligible: !ejected && !unhealthy && !draining && slot.gate_admits(now),
        ejected,
        ejected_for_ms: until.map(|until| ms(until.saturating_duration_since(now))),
        unhealthy,
        draining,
        breaker: breaker.map(State::as_str),
        in_flight: slot.in_flight(),
        latency_ms: slot.latency(now).map(ms),
        failure_share: slot.failure_share(now),
        weight: slot.weight(),
        ramp: slot.ramp(now),
        zone: known.zone().map(str::to_owned),
        labels: known.labels().clone(),
    }
}

#[cfg(feature = "rate-limit")]
fn rate(state: &Snapshot, now: Instant) -> Option<RateState> {
    let quota = state.policies.rate_limit.as_ref()?.quota(now);
    Some(RateState {
        limit: quota.limit,
        window_ms: ms(quota.window),
        remaining: quota.remaining,
    })
}

#[cfg(not(feature = "rate-limit"))]
fn rate(_: &Snapshot, _: Instant) -> Option<RateState> {
    None
}

/// A setting's value as the configuration writes it.
fn named(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
