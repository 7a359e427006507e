//! A whole service: configuration, logs, health, discovery, client, listeners and the end of the process, put together.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use msa_core::prelude::*;
//!
//! async fn greet(State(client): State<ServiceClient>, Path(id): Path<u64>) -> Result<String, Problem> {
//!     let user = client.get(format!("http://user-service/users/{id}")).send().await?;
//!     Ok(format!("Hello, {}", user.text().await.map_err(CallError::from)?))
//! }
//!
//! fn main() -> ExitCode {
//!     msa_core::run(async {
//!         let service = Service::from_env("greeter")?;
//!         let router = Router::new().route("/greet/{id}", get(greet)).with_state(service.client());
//!         service.routes(router).run().await
//!     })
//! }
//! ```

mod advice;
mod background;
mod builder;
mod cli;
mod error;
mod front;
pub mod outcome;
mod run;
mod running;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;

pub use builder::ServiceBuilder;
pub use cli::UsageError;
pub use error::Error;
pub use run::run;
pub use running::Running;

use crate::admin::{HystrixStats, Identity, Secured};
use crate::client::ServiceClient;
use crate::config::{Config, ConfigError};
use crate::discovery::Chain;
use crate::discovery::{FileSource, FixedSource};
use crate::health;
use crate::resilience::policy::Policies;
use crate::server::MsaLayer;
use crate::server::signal::Shutdown;
use crate::telemetry::Logs;
use crate::telemetry::journal::Journal;
use crate::telemetry::metrics::push::Push;
use crate::telemetry::metrics::{Metrics, PushCounter};
use crate::telemetry::traces::Traces;

type Hook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// A service, ready to be given its routes and run.
#[must_use = "a service does nothing until it is run"]
pub struct Service {
    name: Arc<str>,
    config: Config,
    command: Option<&'static str>,
    logs: Logs,
    layer: MsaLayer,
    health: health::Registry,
    journal: Journal,
    metrics: Option<Metrics>,
    push: Option<Push>,
    secured: Option<Secured>,
    sources: Chain,
    identity: Identity,
    hystrix: Arc<HystrixStats>,
    client: ServiceClient,
    traces: Traces,
    fixed: Arc<FixedSource>,
    file: Option<Arc<FileSource>>,
    policies: Policies,
    shutdown: Shutdown,
    routes: Router,
    hooks: Vec<Hook>,
}

impl Service {
    /// The service of this name, configured by its environment and command line.
    ///
    /// Answers `--help`, `--version`, `--check-config`, `--print-config` and `--print-schema` by printing and exiting the
    /// process, as argument parsers do. Sets up the process's logs.
    ///
    /// # Errors
    ///
    /// The configuration or the command line is wrong; the error lists everything that is.
    pub fn from_env(name: &str) -> Result<Self, Error> {
        Self::builder(name).from_env()
    }

    /// A service with settings, commands or sources of its own.
    pub fn builder(name: &str) -> ServiceBuilder {
        ServiceBuilder::new(name)
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command that the command line named, of those given to [`ServiceBuilder::command`].
    #[must_use]
    pub fn command(&self) -> Option<&'static str> {
        self.command
    }

    /// The configuration, with its live values.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The section that was given to [`ServiceBuilder::section`], as it is now.
    ///
    /// # Errors
    ///
    /// No such section was given to the builder, or with another type.
    pub fn section<T: Send + Sync + 'static>(&self, name: &str) -> Result<Arc<T>, ConfigError> {
        self.config.section(name)
    }

    /// The client for calls to other services.
    #[must_use]
    pub fn client(&self) -> ServiceClient {
        self.client.clone()
    }

    /// The policies that `policies.<name>` of the configuration overrides, live: those of functions with attributes, and those that the
    /// program [registers](crate::resilience::policy::PolicyBuilder::register).
    ///
    /// A service made by [`from_env`](Self::from_env) has the [process's](Policies::process); any other has its own, in whose
    /// [scope](Policies::scope) its requests are, so that tests share no breaker.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// The transaction journal: recent requests with their calls, attempts and reasons.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// What is counted; none when `telemetry.metrics.enabled` is off.
    #[must_use]
    pub fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Counts how often the numbers were pushed to a collector; none when they are not.
    #[must_use]
    pub fn pushes(&self) -> Option<PushCounter> {
        self.push.as_ref().map(Push::counter)
    }

    /// How this service carries traces on, and records them: for a client or a stack of one's own.
    #[must_use]
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Where health checks are registered.
    #[must_use]
    pub fn health(&self) -> &health::Registry {
        &self.health
    }

    /// Ends the service when asked; a program's own reason to stop. Signals ask it by themselves.
    #[must_use]
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// What the service answers. Called again, the routers are merged.
    ///
    /// # Panics
    ///
    /// Two routers have the same route, as axum's own merge does.
    pub fn routes(mut self, router: Router) -> Self {
        self.routes = self.routes.merge(router);
        self
    }

    /// Runs after the drain, before the process ends: closes what the service opened. The last one given runs first; all
    /// together have `server.drain.flush` (3 s).
    pub fn on_shutdown<F, Fut>(mut self, hook: F) -> Self
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hooks.push(Box::new(move || Box::pin(hook())));
        self
    }

    /// Serves until SIGTERM or SIGINT, then drains.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on, or a listener failed later.
    pub async fn run(self) -> Result<(), Error> {
        self.shutdown
            .listen()
            .map_err(crate::server::ServerError::Signals)?;
        self.start()?.finished().await?;
        Ok(())
    }

    /// Begins to serve, and leaves signals to the caller: for tests, and for several services in one process.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on, or there is no tokio runtime.
    pub fn start(self) -> Result<Running, Error> {
        running::start(self)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("name", &self.name)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}
