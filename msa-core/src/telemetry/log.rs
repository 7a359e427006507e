//! Where log lines go, and which.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer, fmt};

use super::json::Json;
use super::levels::{LevelError, Levels, Overrides};
use super::output::Output;
use super::pretty::Pretty;
use super::traces::Traces;
use crate::clock::Instant;
use crate::config::{LogFormat, LogSettings};

/// The logs of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Logs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    levels: Arc<Mutex<Overrides>>,
    output: Option<Output>,
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
        let output = Output::stdout();
        let lines = Format {
            json,
            service,
            output: output.clone(),
        };
        let installed = init(filter, &lines, traces).is_ok();
        Ok(Self {
            filter: installed.then_some(handle),
            output: installed.then_some(output),
            levels: Arc::new(Mutex::new(Overrides::new(&settings.level))),
        })
    }

    /// No logs of msa's own.
    pub(crate) fn none() -> Self {
        Self {
            filter: None,
            levels: Arc::default(),
            output: None,
        }
    }

    /// Changes the configured level while the service runs; without effect on a program's own subscriber.
    ///
    /// # Errors
    ///
    /// The level is not understood; the old one stays.
    pub fn set_level(&self, level: &str) -> Result<(), LogError> {
        filter(level)?;
        let mut levels = self.overrides();
        levels.configure(level);
        self.apply(&levels);
        Ok(())
    }

    /// Changes the level of one target (`root`: of everything) over the configured one, for this time or until it is changed
    /// again. Who gives a time calls [`expire`](Self::expire) when it is over.
    ///
    /// # Errors
    ///
    /// The target or the level is not one, too many are changed, or the program has a subscriber of its own.
    pub fn override_level(
        &self,
        target: &str,
        level: &str,
        time: Option<Duration>,
        now: Instant,
    ) -> Result<(), LevelError> {
        if self.filter.is_none() {
            return Err(LevelError::NotOurs);
        }
        let mut levels = self.overrides();
        levels.put(target, level, time, now)?;
        self.apply(&levels);
        Ok(())
    }

    /// Takes a changed level back; `false` when it was not changed.
    pub fn forget_level(&self, target: &str) -> bool {
        let mut levels = self.overrides();
        let forgotten = levels.remove(target);
        self.apply(&levels);
        forgotten
    }

    /// Takes changed levels back whose time is over.
    pub fn expire(&self, now: Instant) {
        let mut levels = self.overrides();
        if levels.expire(now) {
            self.apply(&levels);
        }
    }

    /// The levels in effect.
    #[must_use]
    pub fn levels(&self, now: Instant) -> Levels {
        self.overrides().levels(now)
    }

    /// Lines that were lost since nobody read standard output: while its reader stalls, 1 MiB of lines waits for it, and no request does.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.output.as_ref().map_or(0, Output::lost)
    }

    /// Waits until no line waits for the reader of standard output, for this time at most.
    pub(crate) async fn flush(&self, most: Duration) {
        const LOOK: Duration = Duration::from_millis(5);
        let Some(output) = &self.output else { return };
        let caught_up = async {
            while output.is_behind() {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Who does not read by then is not waited for.
        let _elapsed = tokio::time::timeout(most, caught_up).await;
    }

    fn overrides(&self) -> MutexGuard<'_, Overrides> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, levels: &Overrides) {
        let Some(handle) = &self.filter else { return };
        let changed = filter(&levels.directives()).map_err(|error| error.to_string());
        let changed =
            changed.and_then(|filter| handle.reload(filter).map_err(|error| error.to_string()));
        if let Err(error) = changed {
            tracing::warn!(target: "msa::log", error, "the log level could not be changed");
        }
    }
}

type Filter = reload::Layer<EnvFilter, Registry>;

/// How lines look.
struct Format {
    json: bool,
    service: Arc<str>,
    output: Output,
}

impl Format {
    fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        if self.json {
            return fmt::layer()
                .with_writer(self.output.clone())
                .event_format(Json::new(&self.service))
                .fmt_fields(Json::new(&self.service))
                .boxed();
        }
        let colours = std::io::stdout().is_terminal();
        fmt::layer()
            .with_writer(self.output.clone())
            .event_format(Pretty { colours })
            .boxed()
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
