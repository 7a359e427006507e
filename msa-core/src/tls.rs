//! One rustls configuration for all connections that trust the same authorities, and one for a listener.

mod names;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_platform_verifier::Verifier;

pub(crate) use names::Names;

/// Certificates or keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("cannot read the certificates in `{path}`: {source}")]
    Unreadable { path: PathBuf, source: pem::Error },
    #[error("`{path}` holds no certificate: it must have a PEM block `BEGIN CERTIFICATE`")]
    Empty { path: PathBuf },
    #[error("cannot read the private key in `{path}`: {source}")]
    Key { path: PathBuf, source: pem::Error },
    #[error(
        "no authority to trust: {0}; install the platform's certificates (ca-certificates) or name a `ca_file`"
    )]
    Roots(rustls::Error),
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// ring, named here and nowhere installed: a process-wide default would be the application's to choose.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Trusts the platform's authorities and those in the file. Reads files: 3 ms, once per configuration.
pub(crate) fn trusting(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    trusting_as(ca_file, None)
}

/// The same, and shows a certificate of its own to servers that ask for one: the files of the certificate and of its key.
pub(crate) fn trusting_as(
    ca_file: Option<&Path>,
    identity: Option<(&Path, &Path)>,
) -> Result<ClientConfig, TlsError> {
    let extra = match ca_file {
        Some(path) => read(path)?,
        None => Vec::new(),
    };
    let provider = provider();
    let verifier =
        Verifier::new_with_extra_roots(extra, provider.clone()).map_err(TlsError::Roots)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .dangerous() // rustls's word for any verifier that is not its own; this one asks the platform
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some((certificate, key)) => config
            .with_client_auth_cert(read(certificate)?, private_key(key)?)
            .map_err(TlsError::Setup)?,
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn();
    Ok(config)
}

/// Trusts nobody: for clients that speak no TLS, since reqwest would build them an expensive default.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

/// Serves with this certificate and key. Clients may show a certificate of these authorities; one of others ends the handshake.
pub(crate) fn serving(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<ServerConfig, TlsError> {
    let provider = provider();
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?;
    let builder = match client_ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in read(path)? {
                roots.add(authority).map_err(TlsError::Setup)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsError::Setup(rustls::Error::General(error.to_string())))?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder
        .with_single_cert(read(certificate)?, private_key(key)?)
        .map_err(TlsError::Setup)?;
    config.alpn_protocols = alpn();
    Ok(config)
}

fn alpn() -> Vec<Vec<u8>> {
    let mut protocols = vec![b"http/1.1".to_vec()];
    if cfg!(feature = "http2") {
        protocols.insert(0, b"h2".to_vec());
    }
    protocols
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Key {
        path: path.to_owned(),
        source,
    })
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(path)
        .map_err(unreadable)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
