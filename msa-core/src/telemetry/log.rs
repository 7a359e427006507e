//! Where log lines go, and which.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer, fmt};

use super::json::Json;
use super::pretty::Pretty;
use super::traces::Traces;
use crate::config::{LogFormat, LogSettings};

/// The logs of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Logs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

/// The logs cannot be set up or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// `log.level` cannot be read.
    #[error(
        "log.level = `{level}` is not understood ({source}); write a level such as `info`, or `info,sqlx=warn`"
    )]
    Level {
        /// What it says.
        level: String,
        /// Why not.
        source: ParseError,
    },
}

impl Logs {
    /// Sends the process's logs to standard output, unless the program has set up a subscriber of its own, which stays.
    ///
    /// # Errors
    ///
    /// `log.level` is not understood.
    pub fn install(service: &str, settings: &LogSettings) -> Result<Self, LogError> {
        Self::install_with(service, settings, &Traces::default())
    }

    /// The same, and where traces are recorded the program's own `tracing` spans are too: those of level `info` and above, whatever
    /// `log.level` says.
    ///
    /// # Errors
    ///
    /// `log.level` is not understood.
    pub fn install_with(
        service: &str,
        settings: &LogSettings,
        traces: &Traces,
    ) -> Result<Self, LogError> {
        let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
        let json = match settings.format {
            LogFormat::Json => true,
            LogFormat::Pretty => false,
            LogFormat::Auto => !std::io::stdout().is_terminal(),
        };
        let service: Arc<str> = service.into();
        let lines = Format { json, service };
        let installed = init(filter, &lines, traces);
        Ok(Self {
            filter: installed.ok().map(|()| handle),
        })
    }

    /// No logs of msa's own.
    pub(crate) fn none() -> Self {
        Self { filter: None }
    }

    /// Changes the level while the service runs; without effect on a program's own subscriber.
    ///
    /// # Errors
    ///
    /// The level is not understood; the old one stays.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        let filter = filter(level)?;
        if let Some(handle) = &self.filter
            && let Err(error) = handle.reload(filter)
        {
            tracing::warn!(target: "msa::log", %error, "the log level could not be changed");
        }
        Ok(())
    }
}

type Filter = reload::Layer<EnvFilter, Registry>;

/// How lines look.
struct Format {
    json: bool,
    service: Arc<str>,
}

impl Format {
    fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if self.json {
            return fmt::layer()
                .event_format(Json::new(&self.service))
                .fmt_fields(Json::new(&self.service))
                .boxed();
        }
        let colours = std::io::stdout().is_terminal();
        fmt::layer().event_format(Pretty { colours }).boxed()
    }
}

/// Lines alone: one filter before everything is the cheapest.
fn only_lines(filter: Filter, lines: &Format) -> Result<(), TryInitError> {
    tracing_subscriber::registry()
        .with(filter)
        .with(lines.layer())
        .try_init()
}

#[cfg(not(feature = "otel"))]
fn init(filter: Filter, lines: &Format, _traces: &Traces) -> Result<(), TryInitError> {
    only_lines(filter, lines)
}

#[cfg(feature = "otel")]
fn init(filter: Filter, lines: &Format, traces: &Traces) -> Result<(), TryInitError> {
    use tracing_subscriber::filter::LevelFilter;

    let Some(tracer) = traces.tracer() else {
        return only_lines(filter, lines);
    };
    // Where in the source a span stands would be most of what is sent.
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer.clone())
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO);
    tracing_subscriber::registry()
        .with(lines.layer().with_filter(filter))
        .with(spans)
        .try_init()
}

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(level)
        .map_err(|source| LogError::Level {
            level: level.to_owned(),
            source,
        })
}
