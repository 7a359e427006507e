//! What the client knows of one service: its endpoints, its balancer, its settings.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::builder::MakeBalancer;
use super::policies::Policies;
use super::record::CallRecord;
use super::transport::{ConnectionSettings, Transport};
use crate::balance::{Balancer, Fleet, Pick};
use crate::clock::Instant;
use crate::config::{BalanceSettings, BalancerName, ClientSettings, Settings};
use crate::discovery::{Endpoint, EndpointSet};
use crate::event::Observers;
use crate::telemetry::Sensitive;
use crate::telemetry::journal::Journal;
use crate::telemetry::traces::Traces;

/// What all services of a client share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) observers: Observers,
    pub(super) make_balancer: MakeBalancer,
    /// Where all chance comes from.
    pub(super) seed: u64,
    pub(super) settings: watch::Receiver<Arc<Settings>>,
    /// Where calls are noted that stand in no request.
    pub(super) journal: Option<Journal>,
    pub(super) traces: Traces,
    pub(super) sensitive: Sensitive,
}

/// One service, or one plain host.
pub(super) struct Service {
    name: Arc<str>,
    plain: bool,
    now: ArcSwap<Snapshot>,
    refreshing: Mutex<()>,
    /// Whether a task sees to its active health checks.
    pub(super) is_asked: AtomicBool,
    /// When discovery was last asked for the name of a plain host, in milliseconds of the client's life.
    asked: AtomicU64,
}

/// A service as it is now. A call takes one and keeps it.
pub(super) struct Snapshot {
    pub(super) limits: Limits,
    pub(super) connection: Arc<ConnectionSettings>,
    pub(super) balancer: Arc<dyn Balancer>,
    pub(super) policies: Policies,
    pub(super) endpoints: EndpointSet,
    fleet: Arc<Fleet>,
    balancer_name: BalancerName,
    balance: BalanceSettings,
    /// Marked as seen up to this snapshot; `None` when the source has ended and nothing will change any more.
    endpoint_news: Option<watch::Receiver<EndpointSet>>,
    setting_news: Option<watch::Receiver<Arc<Settings>>>,
}

/// The settings that a call obeys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    pub(super) attempt_timeout: Duration,
    pub(super) max_response: u64,
}

impl From<&ClientSettings> for Limits {
    fn from(settings: &ClientSettings) -> Self {
        Self {
            timeout: settings.timeout.get(),
            attempt_timeout: settings.attempt_timeout.get(),
            max_response: settings.max_response.get(),
        }
    }
}

impl Service {
    /// A service that discovery knows.
    pub(super) fn discovered(
        name: Arc<str>,
        endpoints: watch::Receiver<EndpointSet>,
        shared: &Shared,
        now: Instant,
    ) -> Self {
        Self::new(name, Some(endpoints), EndpointSet::default(), shared, now)
    }

    /// A host that is its own endpoint.
    pub(super) fn plain(name: Arc<str>, endpoint: Endpoint, shared: &Shared, now: Instant) -> Self {
        let alone = EndpointSet::from_iter([endpoint]);
        Self::new(name, None, alone, shared, now)
    }

    fn new(
        name: Arc<str>,
        source: Option<watch::Receiver<EndpointSet>>,
        alone: EndpointSet,
        shared: &Shared,
        now: Instant,
    ) -> Self {
        let mut setting_news = shared.settings.clone();
        let settings = setting_news.borrow_and_update().client(&name);
        let plain = source.is_none();
        let mut endpoint_news = source;
        let endpoints = endpoint_news
            .as_mut()
            .map_or(alone, |news| news.borrow_and_update().clone());
        let seed = shared.seed_of(&name);
        let policies = Policies::new(&name, &settings, &shared.observers, seed, now);
        let fleet = policies.fleet(&settings);
        let balancer = (shared.make_balancer)(&name, &settings, &fleet, seed, now);
        balancer.update(&endpoints, now);
        let snapshot = Snapshot {
            limits: Limits::from(&settings),
            connection: Arc::new(ConnectionSettings::from(&settings)),
            balancer,
            policies,
            endpoints,
            fleet,
            balancer_name: settings.balancer,
            balance: settings.balance,
            endpoint_news,
            setting_news: Some(setting_news),
        };
        Self {
            name,
            plain,
            now: ArcSwap::from_pointee(snapshot),
            refreshing: Mutex::new(()),
            is_asked: AtomicBool::new(false),
            asked: AtomicU64::new(0),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The name, unless it is a plain host's.
    pub(super) fn named(&self) -> Option<&str> {
        (!self.plain).then_some(&self.name)
    }

    pub(super) fn is_plain(&self) -> bool {
        self.plain
    }

    /// Whether it is time to ask discovery again for the name of a plain host; at most one caller a second hears yes.
    pub(super) fn should_ask(&self, life: Duration) -> bool {
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        let asked = self.asked.load(Ordering::Relaxed);
        life.saturating_sub(asked) >= 1000
            && self
                .asked
                .compare_exchange(asked, life, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// The service as it is now. Costs two atomic reads when nothing changed.
    pub(super) fn current(&self, shared: &Shared, now: Instant) -> Arc<Snapshot> {
        let snapshot = self.now.load();
        if !snapshot.is_stale() {
            return arc_swap::Guard::into_inner(snapshot);
        }
        drop(snapshot);
        self.refresh(shared, now)
    }

    fn refresh(&self, shared: &Shared, now: Instant) -> Arc<Snapshot> {
        let _refreshing = self
            .refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let old = self.now.load_full();
        if !old.is_stale() {
            return old; // somebody else was first
        }
        let mut next = Snapshot {
            limits: old.limits,
            connection: old.connection.clone(),
            balancer: old.balancer.clone(),
            policies: old.policies.clone(),
            fleet: old.fleet.clone(),
            endpoints: old.endpoints.clone(),
            balancer_name: old.balancer_name,
            balance: old.balance.clone(),
            endpoint_news: old.endpoint_news.clone(),
            setting_news: old.setting_news.clone(),
        };
        if let Some(endpoints) = take_news(&mut next.endpoint_news) {
            next.endpoints = endpoints;
        }
        if let Some(settings) = take_news(&mut next.setting_news) {
            let settings = settings.client(&self.name);
            next.limits = Limits::from(&settings);
            let connection = ConnectionSettings::from(&settings);
            if connection != *next.connection {
                next.connection = Arc::new(connection);
            }
            if settings.balancer != next.balancer_name || settings.balance != next.balance {
                let seed = shared.seed_of(&self.name);
                next.balancer =
                    (shared.make_balancer)(&self.name, &settings, &next.fleet, seed, now);
                next.balancer.update(&next.endpoints, now);
                next.balancer_name = settings.balancer;
                next.balance = settings.balance.clone();
            }
            next.policies.configure(&settings, &*next.balancer, now);
        }
        if next.endpoints != old.endpoints {
            next.balancer.update(&next.endpoints, now);
        }
        let next = Arc::new(next);
        self.now.store(next.clone());
        self.forget_unused(&old, &next, &*shared.transport);
        next
    }

    /// Drops the connections to endpoints that left, or to all when connections are made otherwise now.
    fn forget_unused(&self, old: &Snapshot, next: &Snapshot, transport: &dyn Transport) {
        if self.plain {
            return; // plain hosts share one pool
        }
        let reconnect = old.connection != next.connection;
        for endpoint in old.endpoints.as_slice() {
            let stays = next
                .endpoints
                .as_slice()
                .iter()
                .any(|other| endpoint.same_instance(other));
            if reconnect || !stays {
                transport.forget(endpoint);
            }
        }
    }
}

impl Shared {
    /// Each service has its own chance.
    pub(super) fn seed_of(&self, service: &str) -> u64 {
        let mix = |seed: u64, byte| seed.rotate_left(7) ^ u64::from(byte);
        service.bytes().fold(self.seed, mix)
    }
}

impl Snapshot {
    /// Tells of what the endpoint's breaker did since the last time; `true` when that was anything.
    pub(super) fn tell_breaker(&self, record: &CallRecord, pick: &Pick, now: Instant) -> bool {
        let changed = (self.policies.breakers).tell(pick, record);
        if changed {
            self.policies.outliers.breaker_changed(now);
        }
        changed
    }

    fn is_stale(&self) -> bool {
        has_news(self.endpoint_news.as_ref()) || has_news(self.setting_news.as_ref())
    }
}

fn has_news<T>(receiver: Option<&watch::Receiver<T>>) -> bool {
    // A source that ended is looked at once more, and then never again.
    receiver.is_some_and(|receiver| receiver.has_changed().unwrap_or(true))
}

/// The newest value when there is news; the receiver goes when there will never be any again.
fn take_news<T: Clone>(receiver: &mut Option<watch::Receiver<T>>) -> Option<T> {
    let news = receiver.as_mut()?;
    let ended = match news.has_changed() {
        Ok(false) => return None,
        Ok(true) => false,
        Err(_) => true,
    };
    let value = news.borrow_and_update().clone();
    if ended {
        *receiver = None;
    }
    Some(value)
}
