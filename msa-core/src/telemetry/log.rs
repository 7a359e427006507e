//! Where log lines go, and which.

use std::io::IsTerminal as _;
use std::sync::Arc;

use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt};

use super::json::Json;
use super::pretty::Pretty;
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

fn filter(level: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(level)
        .map_err(|source| LogError::Level {
            level: level.to_owned(),
            source,
        })
}
