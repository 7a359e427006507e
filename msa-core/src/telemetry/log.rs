//! Where log lines go, and which.

use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt};

use super::json::Json;
use super::levels::{LevelError, Levels, Overrides};
use super::pretty::Pretty;
use crate::clock::Instant;
use crate::config::{LogFormat, LogSettings};

/// The logs of this process. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Logs {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
    levels: Arc<Mutex<Overrides>>,
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
        let (filter, handle) = reload::Layer::new(filter(&settings.level)?);
        let json = match settings.format {
            LogFormat::Json => true,
            LogFormat::Pretty => false,
            LogFormat::Auto => !std::io::stdout().is_terminal(),
        };
        let service: Arc<str> = service.into();
        let layer = if json {
            fmt::layer()
                .event_format(Json::new(&service))
                .fmt_fields(Json::new(&service))
                .boxed()
        } else {
            fmt::layer()
                .event_format(Pretty {
                    colours: std::io::stdout().is_terminal(),
                })
                .boxed()
        };
        let installed: Result<(), TryInitError> = tracing_subscriber::registry()
            .with(filter)
            .with(layer)
            .try_init();
        Ok(Self {
            filter: installed.ok().map(|()| handle),
            levels: Arc::new(Mutex::new(Overrides::new(&settings.level))),
        })
    }

    /// No logs of msa's own.
    pub(crate) fn none() -> Self {
        Self {
            filter: None,
            levels: Arc::default(),
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

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(level)
        .map_err(|source| LogError::Level {
            level: level.to_owned(),
            source,
        })
}
