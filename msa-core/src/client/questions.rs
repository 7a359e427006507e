//! What a client asks endpoints of its own accord: how they are (active health checks), and how busy (Prequal's probes).

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use reqwest::{Method, Request, Response};
use tokio::task::JoinSet;

use super::service::{Service, Shared, Snapshot};
use super::transport::{ConnectionSettings, SendOptions, Transport};
use crate::balance::{ActiveHealth, Health, LOAD_HEADER, LoadReport};
use crate::clock::{self, Instant};
use crate::discovery::{Endpoint, EndpointSet};

/// Cheap to answer, and answered by every service of ours with its load.
const PROBE_PATH: &str = "/livez";

/// A probe that takes longer tells of a load that was.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a service's settings and endpoints are looked at when nobody is to be asked before.
const LOOK: Duration = Duration::from_secs(1);

/// Sends the probes that are due, each as a task of its own.
pub(super) fn probe(service: &Service, state: &Snapshot, shared: &Shared, now: Instant) {
    while let Some(probe) = state.balancer.probe_due(now) {
        let (transport, name) = (shared.transport.clone(), service.name().clone());
        let connection = state.connection.clone();
        tokio::spawn(async move {
            let endpoint = probe.endpoint().clone();
            let asked = ask(&*transport, &name, &connection, &endpoint, PROBE_PATH);
            let Ok(Some(response)) = tokio::time::timeout(PROBE_TIMEOUT, asked).await else {
                return; // dropped, the endpoint is not probed again for a while
            };
            let load = response.headers().get(LOAD_HEADER);
            if let Some(report) = load.and_then(|load| LoadReport::parse(load.as_bytes())) {
                probe.report(report, clock::now());
            }
        });
    }
}

/// Sees to the active health checks of a service, if they are switched on and nobody does yet.
#[inline]
pub(super) fn follow_health(service: &Arc<Service>, state: &Snapshot, shared: &Shared) {
    if state.policies.settings.active_health.enabled
        && !service.is_asked.swap(true, Ordering::Relaxed)
    {
        tokio::spawn(ask_for_health(Arc::downgrade(service), shared.clone()));
    }
}

/// Asks until the checks are switched off or the client is gone.
async fn ask_for_health(weak: Weak<Service>, shared: Shared) {
    let mut known = EndpointSet::default();
    let mut health: Option<ActiveHealth> = None;
    let mut asking = JoinSet::new();
    loop {
        let Some(service) = weak.upgrade() else {
            return;
        };
        let now = clock::now();
        let state = service.current(&shared, now);
        let settings = &state.policies.settings.active_health;
        let seed = shared.seed_of(service.name());
        let checks = health.get_or_insert_with(|| ActiveHealth::new(settings.clone(), seed));
        let outliers = &state.policies.outliers;
        for endpoint in checks.configure(settings.clone()) {
            outliers.checked(&endpoint, true, Duration::ZERO, now);
        }
        if !settings.enabled {
            service.is_asked.store(false, Ordering::Relaxed);
            return;
        }
        if state.endpoints != known {
            known = state.endpoints.clone();
            checks.update(&known, now);
        }
        for endpoint in checks.due(now) {
            let (transport, name) = (shared.transport.clone(), service.name().clone());
            let connection = state.connection.clone();
            let (path, timeout) = (checks.path().to_owned(), checks.timeout());
            asking.spawn(async move {
                let asked = ask(&*transport, &name, &connection, &endpoint, &path);
                let answer = tokio::time::timeout(timeout, asked).await.ok().flatten();
                let well = answer.is_some_and(|response| response.status().is_success());
                (endpoint, well)
            });
        }
        let next = checks.next_due().unwrap_or(now + LOOK).min(now + LOOK);
        let (outliers, recovery) = (outliers.clone(), checks.recovery());
        // Not held while it waits: the client may go meanwhile.
        drop((state, service));
        tokio::select! {
            Some(Ok((endpoint, well))) = asking.join_next() => {
                let now = clock::now();
                if let Some(health) = checks.answered(&endpoint, well, now) {
                    outliers.checked(&endpoint, health == Health::Healthy, recovery, now);
                }
            }
            () = tokio::time::sleep_until(next) => {}
        }
    }
}

/// One question past the whole stack; `None` when there is no answer.
async fn ask(
    transport: &dyn Transport,
    service: &str,
    connection: &Arc<ConnectionSettings>,
    endpoint: &Endpoint,
    path: &str,
) -> Option<Response> {
    let mut url = endpoint.base()?.clone();
    url.set_path(path);
    let request = Request::new(Method::GET, url);
    let options = SendOptions::new(service, connection);
    transport.send(endpoint, request, &options).await.ok()
}
