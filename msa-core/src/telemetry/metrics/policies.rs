//! What the policies tell, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Metrics;
use super::few::Few;
use super::http::{CANCELLED, attempted, with_name};
use super::table::Table;
use super::value::{Counter, Gauge, Histogram, Recorded, nanos};
use crate::clock::{self, Instant};
use crate::event::{Event, Observer};

mod counts;
mod show;

pub(crate) use counts::{CallCounts, EndpointCounts};

/// What is known of each called service, or of each policy by its key.
pub(super) type Services = Table<1, Service>;

/// What is known of each endpoint, by service and endpoint.
pub(super) type Endpoints = Table<2, Endpoint>;

/// What discovery knows of each service.
pub(super) type Discovered = Table<1, Snapshot>;

#[derive(Debug, Default)]
pub(super) struct Service {
    calls: Few<1, Calls, 32>,
    attempts: Counter,
    retries: Few<2, Counter, 32>,
    retry_refusals: Few<1, Counter>,
    hedges: Few<1, Counter, 2>,
    transitions: Few<4, Counter, 64>,
    refusals: Few<2, Counter>,
    timeouts: Few<1, Counter, 8>,
    fallbacks: Few<2, Counter, 32>,
    coalesced: Counter,
    cache_hits: Counter,
    faults: Few<1, Counter, 8>,
    ejections: Few<2, Counter, 32>,
    returns: Counter,
    drains: Counter,
    panics: Counter,
}

#[derive(Debug)]
struct Calls(Histogram);

impl Default for Calls {
    fn default() -> Self {
        Self(Histogram::seconds())
    }
}

impl Recorded for Calls {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Debug, Default)]
pub(super) struct Endpoint {
    picks: Counter,
    outcomes: Few<1, Counter>,
    /// Of attempts that were not cancelled: their number and their nanoseconds.
    ended: Counter,
    took: Counter,
    /// When it was first missed, in milliseconds since 1970; 0 while it is there.
    missed: AtomicU64,
}

#[derive(Debug, Default)]
pub(super) struct Snapshot {
    endpoints: Gauge,
    changes: Counter,
    /// In milliseconds since 1970.
    changed: AtomicU64,
    failures: Counter,
}

/// What no service is named for.
#[derive(Debug, Default)]
pub(super) struct Own {
    sheds: Few<3, Counter, 32>,
    loops: Counter,
    headers: Few<1, Counter, 16>,
    reloads: Few<1, Counter, 2>,
}

const fn dark(dark: bool) -> &'static str {
    if dark { "true" } else { "false" }
}

impl Observer for Metrics {
    fn on_event(&self, event: &Event<'_>) {
        self.on_event_at(event, clock::now());
    }

    fn on_event_at(&self, event: &Event<'_>, now: Instant) {
        match *event {
            Event::Picked {
                service, endpoint, ..
            } => {
                let endpoints = &self.0.endpoints;
                endpoints.with([service, endpoint], |endpoint| endpoint.picks.one());
            }
            Event::AttemptEnded {
                service,
                endpoint,
                outcome,
                elapsed,
                method,
                ..
            } => {
                self.0.endpoints.with([service, endpoint], |endpoint| {
                    with_name(&outcome, |outcome| {
                        endpoint.outcomes.get([outcome]).one();
                        if outcome != CANCELLED {
                            endpoint.ended.one();
                            endpoint.took.add(nanos(elapsed));
                        }
                    });
                });
                attempted(&self.0.clients, method, service, &outcome, elapsed, now);
            }
            Event::CallEnded {
                service,
                attempts,
                outcome,
                elapsed,
            } => {
                self.0.services.with([service], |service| {
                    service.attempts.add(attempts.into());
                    let calls = with_name(&outcome, |outcome| service.calls.get([outcome]));
                    calls.0.took(elapsed);
                });
            }
            _ => self.decided(event),
        }
    }
}

impl Metrics {
    /// What does not happen to every call.
    #[cold]
    fn decided(&self, event: &Event<'_>) {
        let own = &self.0.own;
        let of = |service: &str, count: &dyn Fn(&Service)| {
            self.0.services.with([service], count);
        };
        match *event {
            Event::Retried {
                service,
                reason,
                dark: is_dark,
                ..
            } => of(service, &|service| {
                service.retries.get([reason, dark(is_dark)]).one();
            }),
            Event::RetryRefused { service, why, .. } => of(service, &|service| {
                service.retry_refusals.get([why.as_str()]).one();
            }),
            Event::Hedged {
                service,
                dark: is_dark,
                ..
            } => of(service, &|service| {
                service.hedges.get([dark(is_dark)]).one();
            }),
            Event::BreakerChanged {
                service,
                from,
                to,
                reason,
                dark: is_dark,
                ..
            } => of(service, &|service| {
                let labels = [from, to, reason, dark(is_dark)];
                service.transitions.get(labels).one();
            }),
            Event::Refused {
                service,
                policy,
                dark: is_dark,
            } => of(service, &|service| {
                service.refusals.get([policy, dark(is_dark)]).one();
            }),
            Event::TimedOut { service, limit, .. } => {
                of(service, &|service| service.timeouts.get([limit]).one());
            }
            Event::FellBack {
                service,
                how,
                reason,
            } => of(service, &|service| {
                service.fallbacks.get([how, reason]).one();
            }),
            Event::Coalesced { service } => of(service, &|service| service.coalesced.one()),
            Event::CacheHit { service } => of(service, &|service| service.cache_hits.one()),
            Event::FaultInjected { service, fault } => {
                of(service, &|service| service.faults.get([fault]).one());
            }
            Event::Ejected {
                service,
                reason,
                dark: is_dark,
                ..
            } => of(service, &|service| {
                service.ejections.get([reason, dark(is_dark)]).one();
            }),
            Event::Returned { service, .. } => of(service, &|service| service.returns.one()),
            Event::Draining { service, .. } => of(service, &|service| service.drains.one()),
            Event::Panicked { service, on: true } => of(service, &|service| service.panics.one()),
            Event::Shed {
                criticality,
                reason,
                dark: is_dark,
            } => own.sheds.get([criticality, reason, dark(is_dark)]).one(),
            Event::LoopRefused { .. } => own.loops.one(),
            Event::HeaderRejected { header } => own.headers.get([header]).one(),
            Event::EndpointsChanged { service, endpoints } => {
                let now = clock::unix_ms();
                self.0.discovered.with([service], |snapshot| {
                    snapshot.changes.one();
                    snapshot.changed.store(now, Ordering::Relaxed);
                    let endpoints = i64::try_from(endpoints).unwrap_or(i64::MAX);
                    snapshot.endpoints.set(endpoints);
                });
            }
            Event::DiscoveryFailed { service, .. } => {
                let discovered = &self.0.discovered;
                discovered.with([service], |snapshot| snapshot.failures.one());
            }
            Event::ConfigReloaded { accepted } => {
                let accepted = if accepted { "true" } else { "false" };
                own.reloads.get([accepted]).one();
            }
            _ => {} // what is shown as a state when it is asked for, or told by another event
        }
    }

    /// Forgets endpoints that have been gone for a while: addresses come and go, and each would take a place for ever. Until then
    /// their last counts can be read.
    pub(crate) fn forget_gone(&self, is_there: impl Fn(&str, &str) -> bool, now: Instant) {
        const KEPT_MS: u64 = 10 * 60 * 1000;
        let now = clock::unix_ms_at(now);
        self.0.endpoints.retain(|series| {
            let [service, endpoint] = series.labels();
            let missed = &series.value.missed;
            if is_there(service, endpoint) {
                missed.store(0, Ordering::Relaxed);
                return true;
            }
            match missed.load(Ordering::Relaxed) {
                0 => missed.store(now.max(1), Ordering::Relaxed),
                since => return now.saturating_sub(since) < KEPT_MS,
            }
            true
        });
    }
}

#[cfg(test)]
mod tests;
