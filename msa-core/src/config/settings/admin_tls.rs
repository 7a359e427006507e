//! `admin.tls`: TLS on the management listener.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS on the management listener: on when it has a certificate. Needs the feature `tls`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct AdminTlsSettings {
    /// The listener's certificate, with those between it and its authority: a PEM file. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub certificate: Option<PathBuf>,
    /// Its private key, a PEM file. None by default. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub key: Option<PathBuf>,
    /// Whose certificates clients may show in place of `admin.token`: a PEM file of authorities. None by default: nobody's. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub client_ca: Option<PathBuf>,
    /// Which of those clients may: a certificate has one of these as its common name, or among its alternative names of hosts or URIs
    /// (`spiffe://shop/ops`). All of them unless set.
    #[schemars(extend("items" = {"type": "string", "format": "name"}))]
    pub clients: Vec<String>,
}

impl AdminTlsSettings {
    /// Whether a client's certificate can stand for the token.
    #[must_use]
    pub fn takes_certificates(&self) -> bool {
        self.certificate.is_some() && self.key.is_some() && self.client_ca.is_some()
    }
}
