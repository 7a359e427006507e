//! What all exports share: who this process is, where the collector is, and how it is spoken to.

#[cfg(any(feature = "otlp", feature = "zipkin"))]
pub(super) mod client;
#[cfg(feature = "otlp")]
pub(super) mod otlp;
mod resource;

use std::error::Error as StdError;
use std::io;

#[cfg(feature = "otel")]
pub(super) use resource::PID;
pub(crate) use resource::Resource;

/// What was recorded cannot be exported as configured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// An exporter is named that was not compiled in.
    #[error(
        "`telemetry` asks for an export that msa-core has with its feature `{feature}` only; add it in Cargo.toml, or set the exporter to \"none\""
    )]
    Feature {
        /// Which.
        feature: &'static str,
    },
    /// Not an address of a collector.
    #[error("{key} = `{text}` is no URL to export to; write one such as http://localhost:4318")]
    Endpoint {
        /// The setting.
        key: &'static str,
        /// What it says.
        text: String,
    },
    /// Half of what a client certificate needs.
    #[error(
        "`client_certificate` and `client_key` of `telemetry.otlp` go together; set both or neither"
    )]
    HalfIdentity,
    /// The exporter cannot be made.
    #[error("nothing can be exported to {to}")]
    Exporter {
        /// Where it would go.
        to: String,
        /// Why not.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The thread that exports cannot be started.
    #[error("the thread that exports cannot be started")]
    Thread(#[source] io::Error),
}

impl ExportError {
    #[cfg(any(feature = "otlp", feature = "zipkin"))]
    pub(super) fn exporter(to: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Exporter {
            to: shown(to),
            source: source.into(),
        }
    }
}

/// An address as errors and logs have it: without who asks and without its query, where collectors take keys.
#[cfg(any(feature = "otlp", feature = "zipkin"))]
pub(super) fn shown(address: &str) -> String {
    let address = address.split('?').next().unwrap_or_default();
    crate::config::redacted(address).into_owned()
}

/// A runtime of one thread that exports, and of nobody else.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, ExportError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ExportError::Thread)
}

/// An error with what caused it.
#[cfg(feature = "otlp")]
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(": ");
        text.push_str(&error.to_string());
        next = error.source();
    }
    text
}
