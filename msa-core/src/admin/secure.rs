//! TLS on the management listener, by `admin.tls`.

use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;

use crate::config::AdminTlsSettings;
#[cfg(feature = "tls")]
use crate::server::accept::{Certified, TcpListener, TlsListener};
#[cfg(feature = "tls")]
use crate::tls::{self, Names};

/// TLS, and whose certificates were shown. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Secured {
    #[cfg(feature = "tls")]
    config: Arc<rustls::ServerConfig>,
    #[cfg(feature = "tls")]
    certified: Certified,
}

/// `admin.tls` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminTlsError {
    /// Half of what a server needs.
    #[error("`admin.tls.certificate` and `admin.tls.key` go together; set both or neither")]
    Half,
    /// Authorities for clients, and no TLS.
    #[error("`admin.tls.client_ca` needs `admin.tls.certificate` and `admin.tls.key`")]
    NoServer,
    /// It was not compiled in.
    #[error("`admin.tls` needs the feature `tls`; add it to msa-core in Cargo.toml")]
    Feature,
    /// A file cannot be used.
    #[error("admin.tls: {0}")]
    Files(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Secured {
    /// `None` when the listener speaks plain HTTP. Reads files.
    pub(crate) fn of(settings: &AdminTlsSettings) -> Result<Option<Self>, AdminTlsError> {
        match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => {
                Self::with(certificate, key, settings.client_ca.as_deref()).map(Some)
            }
            (None, None) if settings.client_ca.is_some() => Err(AdminTlsError::NoServer),
            (None, None) => Ok(None),
            _ => Err(AdminTlsError::Half),
        }
    }

    #[cfg(feature = "tls")]
    fn with(
        certificate: &std::path::Path,
        key: &std::path::Path,
        client_ca: Option<&std::path::Path>,
    ) -> Result<Self, AdminTlsError> {
        let config = tls::serving(certificate, key, client_ca)
            .map_err(|error| AdminTlsError::Files(error.into()))?;
        Ok(Self {
            config: Arc::new(config),
            certified: Certified::default(),
        })
    }

    #[cfg(not(feature = "tls"))]
    fn with(
        _certificate: &std::path::Path,
        _key: &std::path::Path,
        _client_ca: Option<&std::path::Path>,
    ) -> Result<Self, AdminTlsError> {
        Err(AdminTlsError::Feature)
    }

    #[cfg(feature = "tls")]
    pub(crate) fn listen(&self, tcp: TcpListener) -> TlsListener {
        TlsListener::new(tcp, self.config.clone(), self.certified.clone())
    }

    /// What is known of a client that showed a certificate of `admin.tls.client_ca`.
    #[cfg(feature = "tls")]
    pub(super) fn client(&self, peer: SocketAddr, settings: &AdminTlsSettings) -> Option<Client> {
        let names = self.certified.of(peer)?;
        Some(Client {
            may: names.are_among(&settings.clients),
            names,
        })
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn client(&self, _peer: SocketAddr, _settings: &AdminTlsSettings) -> Option<Client> {
        None
    }
}

/// A client whose certificate was verified.
#[derive(Debug, Clone)]
pub(super) struct Client {
    /// Whether it is one of `admin.tls.clients`.
    pub(super) may: bool,
    #[cfg(feature = "tls")]
    names: Arc<Names>,
}

impl std::fmt::Display for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[cfg(feature = "tls")]
        return f.write_str(self.names.as_str());
        #[cfg(not(feature = "tls"))]
        f.write_str("")
    }
}
