//! Putting a [`Service`] together.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::Arc;

use axum::Router;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::advice;
use super::background::endpoints;
use super::cli::{self, Ask, Job};
use super::{Error, Service};
use crate::admin::{HystrixStats, Identity, Secured};
use crate::client::ServiceClient;
use crate::clock;
use crate::config::{Config, Loader};
use crate::discovery::{Chain, Discover, FileSource, FixedSource};
use crate::event::{Observer, Observers};
use crate::health::{Lifecycle, Registry};
use crate::resilience::policy::Policies;
use crate::server::signal::Shutdown;
use crate::server::{MsaLayer, ServerError};
use crate::telemetry::export::Resource;
use crate::telemetry::journal::{Journal, Noting};
use crate::telemetry::metrics::Metrics;
use crate::telemetry::metrics::push::Push;
use crate::telemetry::traces::Traces;
use crate::telemetry::{Logs, PolicyLog};

/// Builds a [`Service`].
#[must_use = "a builder does nothing until it is built"]
pub struct ServiceBuilder {
    name: String,
    about: Option<String>,
    version: Option<String>,
    loader: Loader,
    jobs: Vec<Job>,
    sources: Vec<Arc<dyn Discover>>,
    observers: Observers,
    build: Vec<(String, String)>,
}

impl ServiceBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: None,
            version: None,
            loader: Loader::new(name),
            jobs: Vec::new(),
            sources: Vec::new(),
            observers: Observers::none().with(Arc::new(PolicyLog)),
            build: Vec::new(),
        }
    }

    /// One sentence for `--help`. Defaults to none.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    /// What `--version` prints, usually `env!("CARGO_PKG_VERSION")`. Defaults to msa's own version.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Something of the build that `/info` of the management listener shows, such as `("commit", env!("GIT_COMMIT"))`. Defaults to none.
    pub fn build_info(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.build.push((key.into(), value.into()));
        self
    }

    /// A section of the configuration that is the service's own.
    pub fn section<T>(mut self, name: &'static str) -> Self
    where
        T: DeserializeOwned + Serialize + JsonSchema + Default + Send + Sync + 'static,
    {
        self.loader = self.loader.section::<T>(name);
        self
    }

    /// A variable that sets a key, such as `DATABASE_URL`. It wins over `MSA_*` variables.
    pub fn env_alias(mut self, variable: &'static str, key: &'static str) -> Self {
        self.loader = self.loader.env_alias(variable, key);
        self
    }

    /// A one-off job that the command line can name, such as `migrate`: the program asks for it by
    /// [`Service::command`], under the same configuration and logs.
    pub fn command(mut self, name: &'static str, about: &'static str) -> Self {
        self.jobs.push(Job { name, about });
        self
    }

    /// A source of endpoints of one's own, asked after the configuration and the file.
    pub fn discovery(mut self, source: Arc<dyn Discover>) -> Self {
        self.sources.push(source);
        self
    }

    /// Somebody who is told of every decision, besides the log ([`PolicyLog`]).
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers = self.observers.with(observer);
        self
    }

    /// The service, configured by its environment and command line; see [`Service::from_env`].
    ///
    /// # Errors
    ///
    /// The configuration or the command line is wrong; the error lists everything that is.
    pub fn from_env(mut self) -> Result<Service, Error> {
        let line = cli::parse(std::env::args_os().collect::<Vec<OsString>>(), &self.jobs)?;
        match line.ask {
            Ask::Help => print_and_exit(&cli::help(&self.name, self.about.as_deref(), &self.jobs)),
            Ask::Version => {
                let version = self.version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
                print_and_exit(&format!("{} {version}\n", self.name))
            }
            Ask::Run | Ask::CheckConfig | Ask::PrintConfig | Ask::PrintSchema => {}
        }
        if let Some(dir) = line.dir {
            self.loader = self.loader.dir(dir);
        }
        if let Some(profile) = line.profile {
            self.loader = self.loader.profile(profile);
        }
        let loader = std::mem::replace(&mut self.loader, Loader::new(&self.name));
        let config = loader.load()?;
        match line.ask {
            Ask::PrintConfig => print_and_exit(&config.print()),
            Ask::PrintSchema => print_and_exit(&format!("{:#}\n", config.schema())),
            Ask::CheckConfig => {
                let mut warnings = config.warnings();
                // Without the logs, which would stand between the lines of the answer.
                let telemetry = config.settings().telemetry.clone();
                Traces::check(&telemetry)?;
                Push::check(&telemetry)?;
                let traces = Traces::new(&telemetry);
                let service = self.assemble(config, Logs::none(), traces, None, Policies::new())?;
                warnings.extend(service.file.and_then(|file| file.last_error()));
                let warnings = warnings
                    .iter()
                    .map(|warning| format!("warning: {warning}\n"));
                let warnings: String = warnings.collect();
                print_and_exit(&format!("{warnings}ok\n"))
            }
            Ask::Run | Ask::Help | Ask::Version => {
                self.build(config, line.job, Policies::process().clone())
            }
        }
    }

    /// The service with a configuration that was loaded some other way: for tests.
    ///
    /// # Errors
    ///
    /// A value that only its user can check is wrong: a header's name, a log filter.
    pub fn with_config(self, config: Config) -> Result<Service, Error> {
        self.build(config, None, Policies::new())
    }

    fn build(
        self,
        config: Config,
        command: Option<&'static str>,
        policies: Policies,
    ) -> Result<Service, Error> {
        let settings = config.settings();
        let resource = Resource::of(&self.name, self.version.as_deref(), &settings.telemetry);
        let traces = Traces::start_as(&resource, &settings.telemetry)?;
        let push = Push::start(&resource, &settings.telemetry)?;
        let logs = Logs::install_with(&self.name, &settings.log, &traces)?;
        for warning in config.warnings() {
            tracing::warn!(target: "msa::config", "{warning}");
        }
        let mut service = self.assemble(config, logs, traces, command, policies)?;
        service.push = push;
        Ok(service)
    }

    fn assemble(
        self,
        config: Config,
        logs: Logs,
        traces: Traces,
        command: Option<&'static str>,
        policies: Policies,
    ) -> Result<Service, Error> {
        let settings = config.settings();
        let secured = match settings.admin.enabled {
            true => Secured::of(&settings.admin.tls)?,
            false => None,
        };
        let started = clock::now();
        let counted = &settings.telemetry.metrics;
        let metrics = (counted.enabled).then(|| Metrics::new(counted, started));
        let observers = match &metrics {
            Some(metrics) => self.observers.with(Arc::new(metrics.clone())),
            None => self.observers,
        };
        config.observe(observers.clone());
        let journal = Journal::new(self.name.as_str(), &settings.telemetry.journal);
        let hystrix = Arc::new(HystrixStats::new(started));
        let traced = traces.observed(observers.clone());
        let noting = |what: Noting| traced.with(Arc::new(what));
        policies.observe(&noting(Noting::everything()));
        #[cfg(feature = "macros")]
        policies.make_functions();
        // What is unknown by then is told when the service starts, as the program may register more.
        policies.apply(&settings);
        let layer = MsaLayer::new(&settings)?
            .observed_by(noting(Noting::everything()))
            .noted_in(journal.clone())
            .traced_by(traces.clone());
        let layer = match &metrics {
            Some(metrics) => layer.counted_in(metrics.clone()),
            None => layer,
        };
        let fixed = Arc::new(FixedSource::new(observers.clone()));
        fixed
            .update(endpoints(&settings))
            .map_err(ServerError::Endpoints)?;
        let file = settings.discovery.file.as_ref();
        let file = file.map(|path| FileSource::open(path, observers.clone()));
        let mut sources: Vec<Arc<dyn Discover>> = vec![fixed.clone()];
        sources.extend(file.iter().map(|file| file.clone() as Arc<dyn Discover>));
        sources.extend(self.sources);
        let client = ServiceClient::builder()
            .live_settings(config.watch())
            .headers(layer.headers().clone())
            .observers(noting(Noting::of_client()).with(hystrix.clone()))
            .journal(journal.clone())
            .traces(traces.clone());
        let client = sources
            .iter()
            .cloned()
            .fold(client, |client, source| client.discovery(source));
        let health = Registry::with_settings(Lifecycle::new(), settings.health.clone());
        let sources = Chain::new(sources);
        advice::register(&health, config.clone(), sources.clone());
        Ok(Service {
            name: self.name.into(),
            command,
            logs,
            layer,
            health,
            journal,
            metrics,
            push: None,
            secured,
            sources,
            identity: Identity {
                version: self.version,
                build: self.build,
                started,
            },
            hystrix,
            traces,
            client: client.build().map_err(Error::other)?,
            fixed,
            file,
            policies,
            shutdown: Shutdown::new(),
            routes: Router::new(),
            hooks: Vec::new(),
            config,
        })
    }
}

/// What was asked for is on standard output; a reader that went away is no failure of ours.
// Documented at `from_env`: the process was started to print this.
fn print_and_exit(text: &str) -> ! {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    std::process::exit(i32::from(
        printed.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe),
    ))
}

impl fmt::Debug for ServiceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceBuilder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
