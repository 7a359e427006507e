//! What the page shows, as one value.
//!
//! It is made of what the other pages show, and of the counters of `/metrics`: there is no second truth. Counters go as they are, from
//! the start of the process on; rates and percentiles of the last seconds are differences, which the page makes. So nothing is
//! remembered for anybody here, and nothing is computed while nobody watches.
//!
//! It is sent every second, so what there can be hundreds of (endpoints and their breakers) has short names and leaves out what is as it
//! should be.

mod circuit;
mod endpoint;
mod server;

use std::collections::HashMap;

use serde::Serialize;

use self::circuit::CircuitRow;
use self::endpoint::EndpointRow;
use self::server::Server;
use super::super::{Inside, circuits};
use crate::client::{ServiceLimits, ServiceState};
use crate::clock::{self, Instant};
use crate::discovery::Discover as _;
use crate::health::{CheckStatus, Kind, Phase};
use crate::telemetry::metrics::{CallCounts, Metrics};

/// The windows of so many breakers are told bucket by bucket; of more than that, only of those that have something to tell.
const WINDOWS: usize = 32;

/// The service at one moment. Times are milliseconds.
#[derive(Debug, Serialize)]
pub(super) struct Snapshot {
    /// By the wall clock, since 1970.
    at: u64,
    name: String,
    version: Option<String>,
    /// New in each process: whoever sees another one starts anew with what he has counted.
    instance: String,
    up: u64,
    #[serde(serialize_with = "in_lower_case")]
    phase: Phase,
    ready: bool,
    /// Checks that do not pass.
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_error: Option<String>,
    /// Whether anything is counted (`telemetry.metrics.enabled`); else there are states alone.
    counted: bool,
    /// The upper ends of the buckets of times.
    bounds: Vec<f64>,
    server: Server,
    services: Vec<Service>,
    /// Breakers of the program's own policies.
    policies: Vec<Policy>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: String,
    kind: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A called service.
#[derive(Debug, Serialize)]
struct Service {
    name: String,
    plain: bool,
    balancer: String,
    panic: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    calls: Option<CallCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<ServiceLimits>,
    endpoints: Vec<EndpointRow>,
}

#[derive(Debug, Serialize)]
struct Policy {
    name: String,
    circuit: CircuitRow,
}

impl Snapshot {
    /// As things are now.
    pub(super) fn take(shown: &Inside, now: Instant) -> Self {
        let metrics = shown.metrics.as_ref();
        let phase = shown.health.lifecycle().phase();
        let up = now.saturating_duration_since(shown.identity.started);
        let mut circuits = Circuits::of(shown, now);
        let policies = circuits.policies();
        Self {
            at: clock::unix_ms_at(now),
            name: shown.journal.service().to_owned(),
            version: shown.identity.version.clone(),
            instance: shown.journal.instance().to_owned(),
            up: u64::try_from(up.as_millis()).unwrap_or(u64::MAX),
            phase,
            ready: shown.health.is_ready(),
            checks: checks(shown),
            discovery_error: shown.sources.last_error(),
            config_error: shown.config.last_error(),
            counted: metrics.is_some(),
            bounds: Metrics::bounds_ms().collect(),
            server: Server::of(shown, now),
            services: services(shown, &mut circuits, now),
            policies,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }
}

fn checks(shown: &Inside) -> Vec<Check> {
    let kinds = [
        Kind::Startup,
        Kind::Readiness,
        Kind::Liveness,
        Kind::Advisory,
    ];
    let all = kinds
        .into_iter()
        .flat_map(|kind| shown.health.reports(kind));
    let failing = all.filter(|report| report.status != CheckStatus::Passed);
    failing
        .map(|report| Check {
            name: report.name.to_string(),
            kind: report.kind.as_str(),
            status: report.status.as_str(),
            why: match report.status {
                CheckStatus::Failed(why) => Some(why),
                _ => None,
            },
        })
        .collect()
}

/// Every breaker, until somebody asks for it.
struct Circuits(HashMap<(String, String), CircuitRow>);

impl Circuits {
    fn of(shown: &Inside, now: Instant) -> Self {
        let all = circuits::all(shown, now);
        let few = all.len() <= WINDOWS;
        let each = all
            .into_iter()
            .filter(|circuit| circuit.enabled)
            .map(|circuit| {
                let row = CircuitRow::of(&circuit, few, now);
                ((circuit.service, circuit.endpoint), row)
            });
        Self(each.collect())
    }

    /// Those that belong to no endpoint.
    fn policies(&mut self) -> Vec<Policy> {
        let own = self.0.extract_if(|(_, endpoint), _| endpoint.is_empty());
        let own = own.map(|((name, _), circuit)| Policy { name, circuit });
        let mut own: Vec<_> = own.collect();
        own.sort_by(|one, other| one.name.cmp(&other.name));
        own
    }
}

fn services(shown: &Inside, circuits: &mut Circuits, now: Instant) -> Vec<Service> {
    let metrics = shown.metrics.as_ref();
    let mut calls = metrics.map(Metrics::calls).unwrap_or_default();
    let attempts = metrics.map(Metrics::attempts).unwrap_or_default();
    let mut limits: HashMap<_, _> = (shown.client.limits(now).into_iter())
        .map(|limits| (limits.service.clone(), limits))
        .collect();
    let each = shown.client.services(now).into_iter().map(|state| {
        let ServiceState {
            service: name,
            plain,
            balancer,
            panic,
            endpoints,
            ..
        } = state;
        let attempts = attempts.get(&name);
        let rows = endpoints.iter().map(|endpoint| {
            let key = (name.clone(), endpoint.endpoint.clone());
            let counts = attempts.and_then(|attempts| attempts.get(&endpoint.endpoint));
            EndpointRow::of(endpoint, counts, circuits.0.remove(&key))
        });
        Service {
            endpoints: rows.collect(),
            calls: calls.remove(&name),
            limits: limits.remove(&name),
            name,
            plain,
            balancer,
            panic,
        }
    });
    each.collect()
}

fn in_lower_case<S: serde::Serializer>(phase: &Phase, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(phase.as_str())
}

/// Two digits behind the point are enough for eyes.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
