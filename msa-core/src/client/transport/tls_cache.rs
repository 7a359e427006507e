//! TLS configurations made so far, one per file of authorities.

use std::path::Path;
#[cfg(feature = "tls")]
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use super::TransportError;
use crate::discovery::Scheme;

/// Gives each client the one configuration that it shares with the others; empty without the feature `tls`.
#[derive(Debug, Default)]
pub(super) struct TlsCache {
    #[cfg(feature = "tls")]
    made: Mutex<HashMap<(Scheme, Option<PathBuf>), rustls::ClientConfig>>,
}

#[cfg(feature = "tls")]
impl TlsCache {
    pub(super) fn apply(
        &self,
        builder: reqwest::ClientBuilder,
        scheme: Scheme,
        ca_file: Option<&Path>,
    ) -> Result<reqwest::ClientBuilder, TransportError> {
        use super::Failure;
        use crate::tls;

        let ca_file = ca_file.filter(|_| scheme == Scheme::Https);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scheme, ca_file.map(Path::to_owned));
        let config = match made.get(&key) {
            Some(config) => config.clone(),
            None => {
                let config = match scheme {
                    Scheme::Https => tls::trusting(ca_file),
                    Scheme::Http => tls::trusting_nobody(),
                }
                .map_err(|error| TransportError::because(Failure::Tls, error))?;
                made.insert(key, config.clone());
                config
            }
        };
        Ok(builder.tls_backend_preconfigured(config))
    }
}

#[cfg(not(feature = "tls"))]
impl TlsCache {
    pub(super) fn apply(
        &self,
        builder: reqwest::ClientBuilder,
        scheme: Scheme,
        _ca_file: Option<&Path>,
    ) -> Result<reqwest::ClientBuilder, TransportError> {
        match scheme {
            Scheme::Http => Ok(builder),
            Scheme::Https => Err(TransportError::because(
                super::Failure::Invalid,
                "https:// endpoints need the feature `tls` of msa-core",
            )),
        }
    }
}
