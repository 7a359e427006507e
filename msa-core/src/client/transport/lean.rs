//! A reqwest client with everything off that the stack above decides.

use reqwest::redirect;
use url::Host;

use super::tls_cache::TlsCache;
use super::{ConnectionSettings, TransportError};
use crate::discovery::{Endpoint, Scheme};

/// The client of one endpoint: only connects, keeps connections and speaks HTTP.
pub(super) fn client(
    endpoint: &Endpoint,
    settings: &ConnectionSettings,
    tls: &TlsCache,
) -> Result<reqwest::Client, TransportError> {
    let mut builder = bare()
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(settings.pool_idle_timeout)
        .pool_max_idle_per_host(settings.pool_max_idle)
        .tcp_nodelay(true);
    if let (Host::Domain(name), Some(addr)) = (endpoint.host(), endpoint.addr()) {
        builder = builder.resolve(name, addr);
    }
    #[cfg(feature = "http2")]
    if settings.http2 && endpoint.scheme() == Scheme::Http {
        builder = builder.http2_prior_knowledge();
    }
    let builder = tls.apply(builder, endpoint.scheme(), settings.ca_file.as_deref())?;
    Ok(builder.build()?)
}

/// A client that is never sent with: reqwest-middleware's builders need one.
///
/// # Errors
///
/// When reqwest or rustls cannot be set up at all.
pub(crate) fn idle() -> Result<reqwest::Client, TransportError> {
    let builder = TlsCache::default().apply(bare(), Scheme::Http, None)?;
    Ok(builder.build()?)
}

fn bare() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        // Without the zero it never retries either, but keeps a copy of every request for it.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
}
