//! One instance of a service.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use url::{Host, Url};

/// One instance of a service: where it listens and what is known of it. Cheap to clone.
///
/// Two endpoints are equal when everything known of them is equal, weight and labels included. They are the same instance
/// when their [`identity`](Self::identity) is: that is what statistics, connections and "already tried" go by, so that
/// a changed weight resets none of them. [`Endpoint::authority`] names one in logs and metrics.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Arc<Inner>);

#[derive(PartialEq, Eq)]
struct Inner {
    scheme: Scheme,
    host: Host<String>,
    port: u16,
    authority: String,
    /// What a relative URL is resolved against; `None` for a host that no URL can name.
    base: Option<Url>,
    addr: Option<SocketAddr>,
    weight: u32,
    zone: Option<String>,
    labels: BTreeMap<String, String>,
}

/// What makes two endpoints one instance: how it is spoken to, under which name, and at which address.
///
/// One name may stand for several instances at different addresses, as a DNS name does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity<'a> {
    scheme: Scheme,
    authority: &'a str,
    addr: Option<SocketAddr>,
}

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
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

impl Endpoint {
    /// The endpoint at `host:port`, its address to be found by DNS unless `host` is one.
    ///
    /// A domain is taken in lower case, since DNS does not tell case apart.
    #[must_use]
    pub fn new(scheme: Scheme, host: Host<String>, port: u16) -> Self {
        let host = match host {
            Host::Domain(mut domain) => {
                domain.make_ascii_lowercase();
                Host::Domain(domain)
            }
            ip => ip,
        };
        let addr = match &host {
            Host::Ipv4(ip) => Some(SocketAddr::from((*ip, port))),
            Host::Ipv6(ip) => Some(SocketAddr::from((*ip, port))),
            Host::Domain(_) => None,
        };
        let authority = format!("{host}:{port}");
        let base = Url::parse(&format!("{}://{authority}/", scheme.as_str())).ok();
        Self(Arc::new(Inner {
            scheme,
            host,
            port,
            authority,
            base,
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
        // The address itself once more: a link-local one has a scope that the host's name cannot carry.
        Self::new(Scheme::Http, host, addr.port()).with_addr(addr)
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

    /// What makes this endpoint one instance; the key for whatever is kept per instance.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        Identity {
            scheme: self.0.scheme,
            authority: &self.0.authority,
            addr: self.0.addr,
        }
    }

    /// Whether both are one instance, whatever their weights and labels say.
    #[must_use]
    pub fn same_instance(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.identity() == other.identity()
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

    /// The URL of its root; `None` for a host that no URL can name.
    pub(crate) fn base(&self) -> Option<&Url> {
        self.0.base.as_ref()
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
            base: old.base.clone(),
            addr: old.addr,
            weight: old.weight,
            zone: old.zone.clone(),
            labels: old.labels.clone(),
        };
        change(&mut inner);
        Self(Arc::new(inner))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_survives_in_the_address() {
        let scoped = SocketAddr::from(std::net::SocketAddrV6::new(
            "fe80::1".parse().unwrap(),
            80,
            0,
            7,
        ));
        assert_eq!(Endpoint::at(scoped).addr(), Some(scoped));
    }

    #[test]
    fn an_instance_stays_itself_when_its_weight_changes_but_not_its_address() {
        let one = endpoint("http://users:80");
        let heavier = one.clone().with_weight(200).with_label("track", "canary");
        assert_ne!(one, heavier);
        assert!(one.same_instance(&heavier));
        let elsewhere = one.clone().with_addr("10.0.0.2:80".parse().unwrap());
        assert!(!one.same_instance(&elsewhere));
        assert!(!one.same_instance(&endpoint("https://users:80")));
    }
}
