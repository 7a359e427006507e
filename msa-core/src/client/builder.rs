//! Putting a [`ServiceClient`] together.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;
use reqwest_middleware::{ClientBuilder, Middleware};
use tokio::sync::watch;

use super::middleware::Outbound;
use super::service::Shared;
use super::services::Services;
use super::transport::{ReqwestTransport, Transport, lean};
use super::{CallError, CallErrorKind, ServiceClient};
use crate::balance::{self, Balanced, Balancer, Fleet};
use crate::clock::{self, Instant};
use crate::config::{BalancerName, ClientSettings, Settings};
use crate::discovery::Discover;
use crate::event::{Observer, Observers};
use crate::telemetry::Sensitive;
use crate::telemetry::journal::Journal;
use crate::telemetry::traces::Traces;
use crate::txn::{Headers, Txn};

/// Makes the balancer of a service, on this fleet unless it has its own, by this seed.
pub(super) type MakeBalancer = Arc<
    dyn Fn(&str, &ClientSettings, &Arc<Fleet>, u64, Instant) -> Arc<dyn Balancer> + Send + Sync,
>;

/// Builds a [`ServiceClient`].
#[must_use = "it does nothing until you `build` it"]
pub struct ServiceClientBuilder {
    discovery: Vec<Arc<dyn Discover>>,
    settings: watch::Receiver<Arc<Settings>>,
    allow_plain_hosts: Option<bool>,
    make_balancer: Option<MakeBalancer>,
    seed: Option<u64>,
    transport: Option<Arc<dyn Transport>>,
    observers: Observers,
    middlewares: Vec<Arc<dyn Middleware>>,
    headers: Headers,
    journal: Option<Journal>,
    traces: Traces,
}

impl ServiceClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            discovery: Vec::new(),
            settings: fixed(Settings::default()),
            allow_plain_hosts: None,
            make_balancer: None,
            seed: None,
            transport: None,
            observers: Observers::none(),
            middlewares: Vec::new(),
            headers: Headers::default(),
            journal: None,
            traces: Traces::default(),
        }
    }

    /// Adds a source of endpoints. The first source that knows a name serves it. Defaults to none.
    pub fn discovery(mut self, source: Arc<dyn Discover>) -> Self {
        self.discovery.push(source);
        self
    }

    /// The same settings for every service. Defaults to `ClientSettings::default()`.
    pub fn client_settings(self, settings: ClientSettings) -> Self {
        self.settings(Settings {
            client: settings,
            ..Settings::default()
        })
    }

    /// `client` and `clients.<name>` of these settings. Defaults to `Settings::default()`.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = fixed(settings);
        self
    }

    /// `client` and `clients.<name>` of settings that may change: each call obeys those of its moment.
    pub fn live_settings(mut self, settings: watch::Receiver<Arc<Settings>>) -> Self {
        self.settings = settings;
        self
    }

    /// Whether a host that discovery does not know is called at its own address, through the same stack.
    /// Defaults to `clients.<name>.allow_plain_hosts`, which is `false` unless set.
    pub fn allow_plain_hosts(mut self, allow: bool) -> Self {
        self.allow_plain_hosts = Some(allow);
        self
    }

    /// Makes the balancer of a service, given the service's name and `clients.<name>.balancer`. Defaults to the named one.
    ///
    /// Breakers and outlier detection belong to the fleet that the library makes; a balancer of your own goes without, unless
    /// its fleet brings them.
    pub fn balancer<F>(mut self, make: F) -> Self
    where
        F: Fn(&str, BalancerName) -> Arc<dyn Balancer> + Send + Sync + 'static,
    {
        self.make_balancer = Some(Arc::new(move |service, settings, _, _, _| {
            make(service, settings.balancer)
        }));
        self
    }

    /// Where the balancers' chance comes from, so that a test repeats. Defaults to a new one for each client: many processes
    /// that start at once must not all call the same endpoint first.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// What carries requests to endpoints. Defaults to a [`ReqwestTransport`].
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Adds somebody who is told of each pick, attempt and call. Defaults to nobody.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers = self.observers.with(observer);
        self
    }

    /// Everybody who is told, in place of those added before.
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }

    /// Adds a middleware of your own. It stands before the whole stack, so it sees a call once, not its attempts:
    /// the URL is still the logical one, and the transaction's headers are not there yet.
    pub fn with(mut self, middleware: impl Middleware) -> Self {
        self.middlewares.push(Arc::new(middleware));
        self
    }

    /// The names of the transaction's headers. Defaults to `Headers::default()`.
    pub fn headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Where calls are noted that stand in no request; the others are noted in their request's page. Defaults to nowhere.
    pub fn journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// How traces go on with calls, and who records them. Defaults to W3C Trace Context, and nobody.
    pub fn traces(mut self, traces: Traces) -> Self {
        self.traces = traces;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`CallErrorKind::Invalid`] when reqwest or rustls cannot be set up at all.
    pub fn build(self) -> Result<ServiceClient, CallError> {
        let idle = lean::idle().map_err(|error| {
            CallError::new(CallErrorKind::Invalid, "reqwest cannot be set up").with_source(error)
        })?;
        let sensitive = sensitive(&self.settings.borrow())?;
        let seed = self.seed.unwrap_or_else(any_seed);
        let shared = Shared {
            transport: self
                .transport
                .unwrap_or_else(|| Arc::new(ReqwestTransport::new())),
            observers: self.observers,
            make_balancer: self.make_balancer.unwrap_or_else(|| Arc::new(by_name)),
            seed,
            settings: self.settings,
            journal: self.journal,
            traces: self.traces,
            sensitive,
        };
        let services = Arc::new(Services::new(
            shared,
            self.discovery,
            self.allow_plain_hosts,
            clock::now(),
        ));
        let outbound = Outbound {
            services: services.clone(),
            headers: self.headers.clone(),
        };
        let client = self
            .middlewares
            .into_iter()
            .fold(ClientBuilder::new(idle), ClientBuilder::with_arc)
            .with(outbound)
            .build();
        Ok(ServiceClient::new(client, services, self.headers))
    }
}

/// The headers of requests and answers whose values are not shown.
fn sensitive(settings: &Settings) -> Result<Sensitive, CallError> {
    let names = settings.server.sensitive_headers.iter();
    let names: Result<Vec<HeaderName>, _> = names.map(|name| name.parse()).collect();
    names.map(Sensitive::new).map_err(|error| {
        let message = "server.sensitive_headers has what is no header's name";
        CallError::new(CallErrorKind::Invalid, message).with_source(error)
    })
}

/// The balancer that the configuration names.
fn by_name(
    _service: &str,
    settings: &ClientSettings,
    fleet: &Arc<Fleet>,
    seed: u64,
    now: Instant,
) -> Arc<dyn Balancer> {
    let algorithm = balance::algorithm(settings.balancer, &settings.balance, seed);
    Arc::new(Balanced::new(fleet.clone(), algorithm, now))
}

/// Half of a new GTXID: the one place where chance comes from outside.
fn any_seed() -> u64 {
    let id = Txn::begin().gtxid().as_trace_id().unwrap_or_default();
    u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default()
}

fn fixed(settings: Settings) -> watch::Receiver<Arc<Settings>> {
    watch::channel(Arc::new(settings)).1
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceClientBuilder")
            .field("sources", &self.discovery.len())
            .field("transport", &self.transport)
            .field("middlewares", &self.middlewares.len())
            .finish_non_exhaustive()
    }
}
