//! The error of a whole service.

use std::error::Error as StdError;

use super::UsageError;
use crate::admin::AdminTlsError;
use crate::config::ConfigError;
use crate::server::ServerError;
use crate::telemetry::ExportError;
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
    /// `telemetry` asks for an export that cannot be made. Exit code 78.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// `admin.tls` cannot be used. Exit code 78.
    #[error(transparent)]
    AdminTls(#[from] AdminTlsError),
    /// The command line is wrong. Exit code 64.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The service cannot listen or serve.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// `TOKIO_WORKER_THREADS` is not a number from 1. Exit code 78.
    #[error("TOKIO_WORKER_THREADS: needs a number of threads, 1 or more; got {0:?}")]
    WorkerThreads(String),
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
            Self::Config(_)
            | Self::Log(_)
            | Self::Export(_)
            | Self::AdminTls(_)
            | Self::WorkerThreads(_) => ConfigError::EXIT_CODE,
            Self::Usage(_) => USAGE,
            Self::Server(error) if error.is_configuration() => ConfigError::EXIT_CODE,
            Self::Server(_) => 1,
            Self::Other(error) => exit_code(&**error),
        }
    }
}

/// `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

/// The exit code of the first error in a chain that has one of its own, so that neither `?` into a program's own error
/// type nor a context around it changes the code.
pub(super) fn exit_code(error: &(dyn StdError + 'static)) -> u8 {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.exit_code();
        }
        if error.is::<ConfigError>()
            || error.is::<LogError>()
            || error.is::<ExportError>()
            || error.is::<AdminTlsError>()
        {
            return ConfigError::EXIT_CODE;
        }
        if error.is::<UsageError>() {
            return USAGE;
        }
        next = error.source();
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Loader;

    fn wrong() -> ConfigError {
        let loader = Loader::new("svc").env([("MSA_SERVER__ADRR", "x")]);
        loader.toml_str("msa.toml", "").load().unwrap_err()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot start the shop")]
    struct Shop(#[source] Box<dyn StdError + Send + Sync>);

    #[test]
    fn a_wrong_configuration_is_78_however_it_was_wrapped() {
        assert_eq!(exit_code(&wrong()), 78);
        assert_eq!(exit_code(&Error::from(wrong())), 78);
        assert_eq!(exit_code(&Error::other(wrong())), 78);
        assert_eq!(exit_code(&Shop(wrong().into())), 78);
        assert_eq!(
            exit_code(&Shop(Error::other(Shop(wrong().into())).into())),
            78
        );
        assert_eq!(
            Error::from(ServerError::Origin("shop".into())).exit_code(),
            78
        );
        assert_eq!(exit_code(&Shop("the database is away".into())), 1);
        assert_eq!(Error::other("the database is away").exit_code(), 1);
    }
}
