//! Why a service cannot be served.

use std::io;

use tokio::runtime::TryCurrentError;
use tokio::task::JoinError;

use super::accept::BindError;
use crate::discovery::EndpointsError;

/// A service cannot be built or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A setting names a header that cannot exist.
    #[error("`{name}` in {key} is not a header's name: use letters, digits and `-`")]
    HeaderName {
        /// The setting.
        key: &'static str,
        /// What it says.
        name: String,
    },
    /// A setting names an origin that cannot exist.
    #[error(
        "`{0}` in server.cors.origins is not an origin: write it as https://shop.example, or `*` for any"
    )]
    Origin(String),
    /// A setting asks for something that was left out when msa-core was compiled.
    #[error(
        "{key} is on, but msa-core was compiled without the feature `{feature}`: add it to msa-core in Cargo.toml"
    )]
    Feature {
        /// The setting.
        key: &'static str,
        /// The feature.
        feature: &'static str,
    },
    /// The faults of `server.fault` cannot be.
    #[cfg(feature = "fault")]
    #[error("server.fault: {0}")]
    Fault(#[from] crate::fault::FaultError),
    /// The endpoints of a service are not.
    #[error(transparent)]
    Endpoints(EndpointsError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Bind(BindError),
    /// A listener does not tell its address.
    #[error("the listener's address cannot be read")]
    Address(#[source] io::Error),
    /// The operating system refuses signal handlers.
    #[error("SIGTERM and SIGINT cannot be listened to")]
    Signals(#[source] io::Error),
    /// Nothing can run outside of a runtime.
    #[error(
        "there is no tokio runtime here: start the service inside of `msa_core::run` or `#[tokio::main]`"
    )]
    Runtime(#[source] TryCurrentError),
    /// The loop that accepts connections has died, which is an error of msa's or of the listener's.
    #[error("the accept loop failed, so that no connection is taken any more: restart the process")]
    Accept(#[source] JoinError),
}

impl ServerError {
    /// Whether the configuration must be changed before the service can run.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        #[cfg(feature = "fault")]
        if matches!(self, Self::Fault(_)) {
            return true;
        }
        matches!(
            self,
            Self::HeaderName { .. } | Self::Origin(_) | Self::Feature { .. } | Self::Endpoints(_)
        )
    }
}
