//! Which service a URL names.
//!
//! A service's state is made by the first call to it; from then on a call finds it without waiting for anybody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use url::{Position, Url};

use super::service::{Service, Shared};
use super::{CallError, CallErrorKind};
use crate::clock::Instant;
use crate::discovery::{Discover, Endpoint, Scheme, normalize};
use crate::txn::Txn;

/// The state of so many plain hosts is kept. When there are more, all of it is dropped and made anew: hosts may come from
/// outside, and memory must have a bound.
const PLAIN_HOSTS: usize = 1024;

pub(super) struct Services {
    shared: Shared,
    discovery: Box<[Arc<dyn Discover>]>,
    /// `None` leaves it to the settings of each service.
    allow_plain_hosts: Option<bool>,
    /// By host.
    known: ArcSwap<Map>,
    /// By scheme, host and port.
    plain: ArcSwap<Map>,
    making: Mutex<()>,
    born: Instant,
}

/// Ordered: comparing a few short names is cheaper than hashing one, and nobody outside can make it slow.
type Map = BTreeMap<Box<str>, Arc<Service>>;

impl Services {
    pub(super) fn new(
        shared: Shared,
        discovery: Vec<Arc<dyn Discover>>,
        allow_plain_hosts: Option<bool>,
        now: Instant,
    ) -> Self {
        Self {
            shared,
            discovery: discovery.into(),
            allow_plain_hosts,
            known: ArcSwap::default(),
            plain: ArcSwap::default(),
            making: Mutex::new(()),
            born: now,
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Every service that was called so far, by name; a service that is called by several spellings once.
    pub(super) fn all(&self) -> Vec<Arc<Service>> {
        let (known, plain) = (self.known.load(), self.plain.load());
        let mut all: Vec<_> = known.values().chain(plain.values()).cloned().collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all.dedup_by(|one, other| Arc::ptr_eq(one, other));
        all
    }

    /// The transaction that a call belongs to: the current one, or one that begins with the call. A call that stands in no
    /// request has a page of its own in the journal.
    pub(super) fn noted(&self, current: Option<Txn>, now: Instant) -> Txn {
        let txn = current.unwrap_or_else(|| Txn::begin_at(now));
        match &self.shared.journal {
            Some(journal) if txn.notes().is_none() => journal.note_alone(txn, now),
            _ => txn,
        }
    }

    /// The service that the URL's host names, or the host itself where plain addresses are allowed.
    pub(super) fn find(&self, url: &Url, now: Instant) -> Result<Arc<Service>, CallError> {
        let Some(host) = url.host_str() else {
            // What stands behind the scheme may be anything.
            let message = format!("its URL, of scheme `{}`, has no host", url.scheme());
            return Err(CallError::new(CallErrorKind::Invalid, message));
        };
        if let Some(service) = self.known.load().get(host) {
            return Ok(service.clone());
        }
        let origin = &url[Position::BeforeScheme..Position::BeforePath];
        if let Some(service) = self.plain.load().get(origin) {
            let life = now.saturating_duration_since(self.born);
            if !service.should_ask(life) {
                return Ok(service.clone());
            }
        }
        self.make(url, host, origin, now)
    }

    fn make(
        &self,
        url: &Url,
        host: &str,
        origin: &str,
        now: Instant,
    ) -> Result<Arc<Service>, CallError> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = self.known.load().get(host) {
            return Ok(service.clone()); // somebody else was first
        }
        let name = &*normalize(host);
        if let Some(service) = self.known.load().get(name) {
            return Ok(insert(&self.known, host, service.clone())); // another spelling
        }
        let subscribed = self
            .discovery
            .iter()
            .find_map(|source| source.subscribe(name));
        if let Some(endpoints) = subscribed {
            let service = Service::discovered(name.into(), endpoints, &self.shared, now);
            return Ok(insert(&self.known, host, Arc::new(service)));
        }
        if let Some(service) = self.plain.load().get(origin) {
            return Ok(service.clone());
        }
        if !self.allows_plain(host) {
            return Err(self.unknown(host));
        }
        let endpoint = plain_endpoint(url)?;
        let service = Service::plain(host.into(), endpoint, &self.shared, now);
        if self.plain.load().len() >= PLAIN_HOSTS {
            self.plain.store(Arc::default());
        }
        Ok(insert(&self.plain, origin, Arc::new(service)))
    }

    fn allows_plain(&self, host: &str) -> bool {
        self.allow_plain_hosts
            .unwrap_or_else(|| self.shared.settings.borrow().client(host).allow_plain_hosts)
    }

    /// Says what is known, what may have been meant, and what to configure.
    fn unknown(&self, host: &str) -> CallError {
        let mut names: Vec<String> = self
            .discovery
            .iter()
            .flat_map(|source| source.services())
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut text = "no discovery source knows a service of this name".to_owned();
        let nearest = names
            .iter()
            .map(|name| (strsim::damerau_levenshtein(name, host), name))
            .filter(|(distance, _)| *distance <= host.len().div_ceil(3))
            .min();
        if let Some((_, name)) = nearest {
            text += &format!("; did you mean `{name}`?");
        }
        text += &match &*names {
            [] => "; no service is known at all".to_owned(),
            names => format!("; known are `{}`", names.join("`, `")),
        };
        text += &format!(
            "; set `clients.{host}.endpoints = [\"http://host:port\"]`, or `clients.{host}.allow_plain_hosts = true` to call the host as it is"
        );
        let mut error = CallError::new(CallErrorKind::NoEndpoint, text).with_service(host.into());
        // A source that fails may be why the name is not there.
        if let Some(reason) = self.discovery.iter().find_map(|source| source.last_error()) {
            error = error.with_source(SourceFails(reason));
        }
        error
    }
}

/// A discovery source fails, and what it says may be out of date.
#[derive(Debug, thiserror::Error)]
#[error("discovery fails: {0}")]
struct SourceFails(String);

fn insert(map: &ArcSwap<Map>, key: &str, service: Arc<Service>) -> Arc<Service> {
    let mut next = Map::clone(&map.load());
    next.insert(key.into(), service.clone());
    map.store(Arc::new(next));
    service
}

fn plain_endpoint(url: &Url) -> Result<Endpoint, CallError> {
    let invalid = || {
        let message = format!("its URL `{url}` is neither http:// nor https:// with a host");
        CallError::new(CallErrorKind::Invalid, message)
    };
    let scheme = match url.scheme() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err(invalid()),
    };
    let host = url.host().ok_or_else(invalid)?.to_owned();
    let port = url.port_or_known_default().ok_or_else(invalid)?;
    Ok(Endpoint::new(scheme, host, port))
}
