//! The management listener: pages for those who run the service, on an address of its own.
//!
//! | path | shows |
//! | --- | --- |
//! | `/` | the admin page for a browser, this list for the others |
//! | `/events` | what the page shows: a snapshot a second, as server-sent events; at most 8 may watch |
//! | `/livez`, `/readyz`, `/startupz` | the probes; `?verbose` tells each check |
//! | `/info` | name, versions, start, uptime |
//! | `/config` | every effective value with its source, secrets as `***`; `?format=json` |
//! | `/endpoints` | the services called and their endpoints: eligible or why not, in flight, latency, weight |
//! | `/circuits` | their breakers, and those of the program's own policies; `POST` opens, closes, resets one |
//! | `/limits` | the server's own limit; bulkheads, limits, rate limits, retry budgets of calls |
//! | `/metrics` | every number, for Prometheus; OpenMetrics when asked for |
//! | `/loggers` | log levels; `PUT /loggers/{target}` changes one, for a while if told so |
//! | `/txn` | the latest requests: errors and slow ones, and the others |
//! | `/txn/{gtxid}` | a transaction: each call, attempt, decision and reason; `?scope=all` across processes, `?format=text` for people |
//! | `/hystrix.stream` | the breakers as the Hystrix Dashboard reads them |
//!
//! # Who may
//!
//! It is bound to the loopback interface unless configured otherwise, for what it shows is not for callers. There it answers to
//! addresses, `localhost` and `admin.hosts`. On any other address all but the probes need `Authorization: Bearer <admin.token>`, or a
//! client certificate; without either the service does not start, unless `admin.open = true`. Changes need `content-type: application/json`. Each change, and
//! each refusal, is a log line of the target `msa::audit`.
//!
//! With `admin.tls.certificate` and `.key` the listener speaks TLS alone, and with `admin.tls.client_ca` a certificate of these authorities
//! is as good as the token; `admin.tls.clients` names which. The audit log has the subject of who showed one. Probes ask for neither,
//! but do need TLS here: a kubelet's are for the main listener.
//!
//! # A transaction across processes
//!
//! `/txn/{gtxid}?scope=all` asks the services that this one called for that transaction, they ask theirs, and the answers are put
//! together by branch and attempt. A called process is found by the label `admin` of its endpoint (`9090`, `host:9090`, or `https://host:9090`), which the
//! discovery file can give it; without one by the port that it told in `x-msa-admin`: each service tells it to callers of our kind who
//! can reach the listener, and only the port is believed, on the host that was called. The token goes along where the label
//! names the place, and on the loopback interface; never to a place that an answer named. A listener that speaks TLS is told to nobody:
//! it needs the label, and an authority that `client.ca_file` or the platform knows.
//!
//! Asking ends: only branches that were called are asked for, at most 16 hops deep, 32 processes a hop, within
//! `telemetry.journal.ask_timeout` (2 s) in all. A process that does not answer is shown with what its caller knows of it, and why.

mod circuits;
mod config;
mod endpoints;
mod guard;
mod hystrix;
mod index;
mod info;
mod limits;
mod loggers;
mod metrics;
mod page;
mod secure;
mod txn;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post, put};

pub(crate) use hystrix::HystrixStats;
pub(crate) use info::Identity;
pub(crate) use metrics::collect;
pub(crate) use page::Watchers;
pub use secure::AdminTlsError;
pub(crate) use secure::Secured;

use crate::client::ServiceClient;
use crate::client::transport::ReqwestTransport;
use crate::config::{AdminSettings, Config};
use crate::discovery::Chain;
use crate::health;
use crate::resilience::policy::Policies;
use crate::server::MsaLayer;
use crate::server::accept::{self, BindError, TcpListener};
use crate::telemetry::Logs;
use crate::telemetry::journal::Journal;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::push::PushCounter;
use crate::telemetry::traces::Traces;

/// What the pages show.
pub(crate) type Shown = Arc<Inside>;

/// The service from inside.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) identity: Identity,
    /// Where this listener is, or would be.
    pub(crate) local: SocketAddr,
    /// Its TLS, if it speaks that.
    pub(crate) secured: Option<Secured>,
    pub(crate) config: Config,
    pub(crate) client: ServiceClient,
    pub(crate) layer: MsaLayer,
    pub(crate) logs: Logs,
    pub(crate) journal: Journal,
    pub(crate) policies: Policies,
    pub(crate) metrics: Option<Metrics>,
    /// What became of the pushes of these, if there are any.
    pub(crate) pushes: Option<PushCounter>,
    pub(crate) traces: Traces,
    pub(crate) health: health::Registry,
    /// Everything that knows endpoints.
    pub(crate) sources: Chain,
    pub(crate) hystrix: Arc<HystrixStats>,
    /// Those who watch the page.
    pub(crate) watchers: Watchers,
    /// For questions to other services' management listeners.
    pub(crate) transport: ReqwestTransport,
}

/// The probes alone, with `?verbose`: what a program without a [`Service`](crate::Service) can show.
pub fn router(health: health::Registry) -> Router {
    const INDEX: &str = "/livez /readyz /startupz\nadd ?verbose to see each check\n";
    Router::new()
        .route("/", get(async || INDEX))
        .merge(health::router(health, true))
}

/// All pages.
pub(crate) fn pages(shown: Shown, health: health::Registry) -> Router {
    let checked = middleware::from_fn_with_state(shown.clone(), guard::check);
    Router::new()
        .route("/", get(index::show))
        .route("/info", get(info::show))
        .route("/config", get(config::show))
        .route("/endpoints", get(endpoints::show))
        .route("/circuits", get(circuits::show))
        .route("/circuits/{service}", post(circuits::change))
        .route("/limits", get(limits::show))
        .route("/metrics", get(metrics::show))
        .route("/loggers", get(loggers::show))
        .route(
            "/loggers/{target}",
            put(loggers::change)
                .post(loggers::change)
                .delete(loggers::forget),
        )
        .route("/txn", get(txn::latest))
        .route("/txn/{gtxid}", get(txn::show))
        .route("/hystrix.stream", get(hystrix::stream))
        .route("/events", get(page::stream))
        .fallback(index::missing)
        .method_not_allowed_fallback(index::not_so)
        .layer(checked)
        .layer(middleware::from_fn(page::front))
        .with_state(shown)
        .merge(page::router())
        .merge(health::router(health, true))
}

/// Binds the management listener.
///
/// `configured` tells whether somebody chose the address. When nobody did and it is taken, several services on one
/// machine all want the default, so a free port of the same interface is taken instead; the caller logs the real one.
///
/// # Errors
///
/// When the address is configured and cannot be had, or no port at all is free.
pub fn bind(settings: &AdminSettings, configured: bool) -> Result<TcpListener, BindError> {
    let bound = accept::bind(settings.addr, "admin.addr");
    match bound {
        Err(error) if !configured && error.is_taken() => {
            let mut any = settings.addr;
            any.set_port(0);
            accept::bind(any, "admin.addr")
        }
        bound => bound,
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn taken() -> (TcpListener, AdminSettings) {
        let mut settings = AdminSettings::default();
        settings.addr.set_port(0);
        let first = bind(&settings, true).unwrap();
        settings.addr = accept::Listener::local_addr(&first).unwrap();
        (first, settings)
    }

    #[tokio::test]
    async fn a_taken_default_address_gives_a_free_port() {
        let (_first, settings) = taken();
        let second = bind(&settings, false).unwrap();
        let addr = accept::Listener::local_addr(&second).unwrap();
        assert_eq!(addr.ip(), settings.addr.ip());
        assert_ne!(addr.port(), settings.addr.port());
    }

    #[tokio::test]
    async fn a_taken_configured_address_names_the_setting() {
        let (_first, settings) = taken();
        let error = bind(&settings, true).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "address {} is taken by another process; set admin.addr to a free one",
                settings.addr
            )
        );
    }
}
