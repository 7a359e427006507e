//! The transport that ships: one small reqwest client per endpoint.
//!
//! An endpoint's name must stand in the URL, in `Host`, in SNI and in the certificate, while its address comes from
//! discovery. reqwest resolves names per client, so each endpoint has its own client, made by the first call to it and
//! dropped with the endpoint: then no keep-alive pool outlives discovery either. With one shared TLS configuration that
//! is cheap: 1 to 4 µs and 2 KiB each (with reqwest's defaults, 2.9 ms and 104 KiB). The first call by TLS reads the
//! platform's authorities, which takes about 3 ms, once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use url::Host;

use super::tls_cache::TlsCache;
use super::{
    ConnectionSettings, Failure, SendFuture, SendOptions, Transport, TransportError, lean,
};
use crate::discovery::{Endpoint, Scheme};

/// Sends by reqwest: HTTP/1.1 and HTTP/2, TLS by rustls with ring. The default transport.
///
/// An endpoint with a name and an address is connected to at the address under its name; one with a name only is left to
/// DNS; one named by an IP is connected to there. Redirects, proxies from the environment and reqwest's own retries are off.
#[derive(Default)]
pub struct ReqwestTransport {
    /// By authority. Calls read it without waiting; only a call to a new endpoint writes.
    clients: ArcSwap<Clients>,
    making: Mutex<()>,
    tls: TlsCache,
}

type Clients = BTreeMap<Box<str>, Vec<Pooled>>;

/// The key of the pools that all plain hosts share.
const PLAIN: &str = "";

#[derive(Clone)]
struct Pooled {
    scheme: Scheme,
    addr: Option<std::net::SocketAddr>,
    settings: Arc<ConnectionSettings>,
    client: reqwest::Client,
}

impl ReqwestTransport {
    /// No clients yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many clients, and so pools, there are now.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load().values().map(Vec::len).sum()
    }

    fn client(
        &self,
        endpoint: &Endpoint,
        options: &SendOptions<'_>,
    ) -> Result<reqwest::Client, TransportError> {
        let (key, addr) = if options.plain {
            (PLAIN, None)
        } else {
            (endpoint.authority(), endpoint.addr())
        };
        let fits = |pooled: &&Pooled| {
            pooled.scheme == endpoint.scheme()
                && pooled.addr == addr
                && (Arc::ptr_eq(&pooled.settings, options.connection)
                    || pooled.settings == *options.connection)
        };
        let find = |clients: &Clients| {
            let pooled = clients.get(key)?.iter().find(fits)?;
            Some(pooled.client.clone())
        };
        if let Some(client) = find(&self.clients.load()) {
            return Ok(client);
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clients = Clients::clone(&self.clients.load());
        if let Some(client) = find(&clients) {
            return Ok(client);
        }
        let client = lean::client(endpoint, options.connection, &self.tls)?;
        clients.entry(key.into()).or_default().push(Pooled {
            scheme: endpoint.scheme(),
            addr,
            settings: options.connection.clone(),
            client: client.clone(),
        });
        self.clients.store(Arc::new(clients));
        Ok(client)
    }
}

impl Transport for ReqwestTransport {
    fn send<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        mut request: reqwest::Request,
        options: &'a SendOptions<'a>,
    ) -> SendFuture<'a> {
        let client = match self.client(endpoint, options) {
            Ok(client) => client,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        // reqwest would connect to a port in the URL rather than to that of the address.
        let elsewhere = matches!(endpoint.host(), Host::Domain(_))
            && endpoint
                .addr()
                .is_some_and(|addr| addr.port() != endpoint.port());
        if elsewhere && request.url_mut().set_port(None).is_err() {
            let reason = "the endpoint's URL cannot be without a port";
            return Box::pin(std::future::ready(Err(TransportError::because(
                Failure::Invalid,
                reason,
            ))));
        }
        let sent = client.execute(request);
        Box::pin(async move { Ok(sent.await?) })
    }

    fn forget(&self, endpoint: &Endpoint) {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let clients = self.clients.load();
        if clients.contains_key(endpoint.authority()) {
            let mut rest = Clients::clone(&clients);
            rest.remove(endpoint.authority());
            self.clients.store(Arc::new(rest));
        }
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("clients", &self.clients())
            .finish_non_exhaustive()
    }
}
