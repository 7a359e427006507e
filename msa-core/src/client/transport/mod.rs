//! The seam below the outbound stack: how one attempt reaches one endpoint.
//!
//! The stack has decided everything when it comes here: which endpoint, which headers, how long to wait. A [`Transport`]
//! only carries the request there and the response's headers back. [`ReqwestTransport`] is the one that ships; tests put
//! an in-memory router or a simulated network in its place, and the same stack runs above them.

mod classify;
mod error;
pub(crate) mod lean;
mod reqwest;
mod tls_cache;

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::ClientSettings;
use crate::discovery::Endpoint;

pub use self::reqwest::ReqwestTransport;
pub use error::{Failure, TransportError};

/// The future of one attempt: ends when the response's headers are there, or with the reason why not.
pub type SendFuture<'a> =
    Pin<Box<dyn Future<Output = Result<::reqwest::Response, TransportError>> + Send + 'a>>;

/// Carries a request to an endpoint.
pub trait Transport: Send + Sync + fmt::Debug + 'static {
    /// Sends the request to the endpoint and returns when the response's headers are there.
    ///
    /// The request's URL names the endpoint already (scheme, host and port are its own), its headers are complete, and it has
    /// no timeout of its own: the stack drops the future when the time is up. A transport does not retry, follow
    /// redirects or look at the environment. A response that it builds itself gets the request's URL
    /// (`reqwest::ResponseBuilderExt::url`).
    fn send<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        request: ::reqwest::Request,
        options: &'a SendOptions<'a>,
    ) -> SendFuture<'a>;

    /// The endpoint left discovery or its connection settings changed: drop the idle connections to it.
    ///
    /// Requests in flight on it finish. The endpoint may be called again later. Does nothing unless overridden.
    fn forget(&self, endpoint: &Endpoint) {
        let _ = endpoint; // a transport without a pool has nothing to drop
    }
}

/// What the stack tells a transport beside the request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct SendOptions<'a> {
    /// The logical name of the service.
    pub service: &'a str,
    /// Which try of the call this is, from 1.
    pub attempt: u32,
    /// How connections to the service are made and kept.
    pub connection: &'a Arc<ConnectionSettings>,
    /// The host was not found in discovery and is its own endpoint: it is never forgotten, so connections to all such
    /// hosts should share one pool that ends them by its idle timeout.
    pub plain: bool,
}

impl<'a> SendOptions<'a> {
    /// The first attempt of a call to a service of discovery.
    #[must_use]
    pub fn new(service: &'a str, connection: &'a Arc<ConnectionSettings>) -> Self {
        Self {
            service,
            attempt: 1,
            connection,
            plain: false,
        }
    }
}

/// How connections to a service are made and kept: the part of the client's settings that a transport needs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionSettings {
    /// How long a connection may take to be there, TLS included. Default 1 s.
    pub connect_timeout: Duration,
    /// How long an idle connection is kept. Default 30 s: less than half of what servers keep theirs, so that no request
    /// meets the server's close.
    pub pool_idle_timeout: Duration,
    /// How many idle connections are kept per endpoint. Default 1024.
    pub pool_max_idle: usize,
    /// Speak HTTP/2 to `http://` endpoints without asking; `https://` endpoints choose by ALPN. Default `false`.
    pub http2: bool,
    /// A PEM file with certificate authorities to trust besides those of the platform.
    pub ca_file: Option<PathBuf>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self::from(&ClientSettings::default())
    }
}

impl From<&ClientSettings> for ConnectionSettings {
    fn from(settings: &ClientSettings) -> Self {
        Self {
            connect_timeout: settings.connect_timeout.get(),
            pool_idle_timeout: settings.pool_idle_timeout.get(),
            pool_max_idle: settings.pool_max_idle,
            http2: settings.http2,
            ca_file: settings.ca_file.clone(),
        }
    }
}
