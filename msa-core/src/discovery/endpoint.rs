//! One instance of a service, and the set of them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

/// One instance of a service: where it listens and what is known of it. Cheap to clone.
///
/// Two endpoints are equal when everything a client must know to call them is equal; [`Endpoint::authority`] names one
/// in logs and metrics.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
    authority: String,
    addr: Option<SocketAddr>,
    weight: u32,
    zone: Option<String>,
    labels: BTreeMap<String, String>,
}

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain TCP.
    Http,
    /// TLS; the certificate must be for the endpoint's own host name.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An endpoint's URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{url}` is not an endpoint: {reason}; write it as http://host:port")]
pub struct EndpointError {
    url: String,
    reason: String,
}

impl Endpoint {
    /// The endpoint at `host:port`, its address to be found by DNS unless `host` is one.
    #[must_use]
    pub fn new(scheme: Scheme, host: Host<String>, port: u16) -> Self {
        let addr = match &host {
            Host::Ipv4(ip) => Some(SocketAddr::from((*ip, port))),
            Host::Ipv6(ip) => Some(SocketAddr::from((*ip, port))),
            Host::Domain(_) => None,
        };
        let authority = format!("{host}:{port}");
        Self(Arc::new(Inner {
            scheme,
            host,
            port,
            authority,
            addr,
            weight: 100,
            zone: None,
            labels: BTreeMap::new(),
        }))
    }

    /// Plain HTTP at an address.
    #[must_use]
    pub fn at(addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V4(v4) => Host::Ipv4(*v4.ip()),
            SocketAddr::V6(v6) => Host::Ipv6(*v6.ip()),
        };
        Self::new(Scheme::Http, host, addr.port())
    }

    /// The same endpoint, to be reached at this address while keeping its own name for TLS and `Host`.
    #[must_use]
    pub fn with_addr(self, addr: SocketAddr) -> Self {
        self.edit(|inner| inner.addr = Some(addr))
    }

    /// The same endpoint with another weight. Default 100; 0 takes no traffic while others can.
    #[must_use]
    pub fn with_weight(self, weight: u32) -> Self {
        self.edit(|inner| inner.weight = weight)
    }

    /// The same endpoint in a zone.
    #[must_use]
    pub fn with_zone(self, zone: impl Into<String>) -> Self {
        self.edit(|inner| inner.zone = Some(zone.into()))
    }

    /// The same endpoint with one more label.
    #[must_use]
    pub fn with_label(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.edit(|inner| {
            inner.labels.insert(key.into(), value.into());
        })
    }

    /// `http` or `https`.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.0.scheme
    }

    /// The endpoint's own name: what goes into `Host`, SNI and the certificate check.
    #[must_use]
    pub fn host(&self) -> &Host<String> {
        &self.0.host
    }

    /// The TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// `host:port`, the name of this endpoint in logs and metrics.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.0.authority
    }

    /// Where to connect; `None` leaves it to DNS.
    #[must_use]
    pub fn addr(&self) -> Option<SocketAddr> {
        self.0.addr
    }

    /// The share of traffic relative to the others, 100 by default.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.0.weight
    }

    /// The zone that the endpoint stands in, when the source knows.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.0.zone.as_deref()
    }

    /// What else the source knows.
    #[must_use]
    pub fn labels(&self) -> &BTreeMap<String, String> {
        &self.0.labels
    }

    fn edit(self, change: impl FnOnce(&mut Inner)) -> Self {
        let old = &self.0;
        let mut inner = Inner {
            scheme: old.scheme,
            host: old.host.clone(),
            port: old.port,
            authority: old.authority.clone(),
            addr: old.addr,
            weight: old.weight,
            zone: old.zone.clone(),
            labels: old.labels.clone(),
        };
        change(&mut inner);
        Self(Arc::new(inner))
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    /// Reads `http://host:port`. The port may be left out (80, 443); anything else beyond the authority is refused.
    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let refuse = |reason: &str| EndpointError {
            url: text.to_owned(),
            reason: reason.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(refuse("the scheme is neither http nor https")),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it has a path or a query, which belong to the call"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "it has a user name or a password, which belong into a secret",
            ));
        }
        let host = url
            .host()
            .ok_or_else(|| refuse("it has no host"))?
            .to_owned();
        let port = url
            .port_or_known_default()
            .ok_or_else(|| refuse("it has no port"))?;
        if port == 0 {
            return Err(refuse("port 0 cannot be called"));
        }
        Ok(Self::new(scheme, host, port))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme.as_str(), self.0.authority)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// A whole snapshot of a service's endpoints; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointSet(Arc<[Endpoint]>);

impl EndpointSet {
    /// The endpoints, in the order of their source.
    #[must_use]
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: a call to such a service is an immediate error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Endpoint> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        Self(endpoints.into_iter().collect())
    }
}
