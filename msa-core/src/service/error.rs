//! The error of a whole service.

use std::error::Error as StdError;

use super::UsageError;
use crate::config::ConfigError;
use crate::server::ServerError;
use crate::telemetry::LogError;

/// Why a service could not start or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong. Exit code 78.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `log.level` is wrong. Exit code 78.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The command line is wrong. Exit code 64.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The service cannot listen or serve.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// An error of the program's own; see [`Error::other`].
    #[error("{0}")]
    Other(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// An error of the program's own.
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// What the process should exit with, after sysexits.h: 78 for a wrong configuration, 64 for a wrong command line,
    /// else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Log(_) => 78,
            Self::Usage(_) => 64,
            Self::Server(_) | Self::Other(_) => 1,
        }
    }
}
