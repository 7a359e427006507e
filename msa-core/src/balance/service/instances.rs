//! The inner services, one per endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::balance::{Balanced, Balancer, Pick, PickHint};
use crate::clock::Instant;
use crate::discovery::{Endpoint, EndpointSet};

/// One service per endpoint, made when the endpoint is first picked and dropped when it has left.
pub(super) struct Instances<S> {
    balanced: Arc<Balanced>,
    make: Box<dyn Fn(&Endpoint) -> S + Send + Sync>,
    now: ArcSwap<Snapshot<S>>,
    refreshing: Mutex<()>,
}

struct Snapshot<S> {
    /// By the slot's id.
    services: HashMap<u64, Arc<OnceLock<S>>>,
    /// Marked as seen up to this snapshot; `None` when the source has ended and nothing will change any more.
    news: Option<watch::Receiver<EndpointSet>>,
}

impl<S> Snapshot<S> {
    fn is_stale(&self) -> bool {
        (self.news.as_ref()).is_some_and(|news| news.has_changed().unwrap_or(true))
    }
}

impl<S: Clone> Instances<S> {
    pub(super) fn new(
        balanced: Arc<Balanced>,
        mut endpoints: watch::Receiver<EndpointSet>,
        make: impl Fn(&Endpoint) -> S + Send + Sync + 'static,
    ) -> Self {
        endpoints.mark_changed();
        Self {
            balanced,
            make: Box::new(make),
            now: ArcSwap::from_pointee(Snapshot {
                services: HashMap::new(),
                news: Some(endpoints),
            }),
            refreshing: Mutex::new(()),
        }
    }

    pub(super) fn balanced(&self) -> &Balanced {
        &self.balanced
    }

    /// Chooses an endpoint, and gives its service.
    pub(super) fn pick(&self, hint: &PickHint<'_>, now: Instant) -> Option<(Pick, S)> {
        if self.now.load().is_stale() {
            self.refresh(now);
        }
        let pick = self.balanced.pick(hint, now)?;
        let service = self.service(&pick);
        Some((pick, service))
    }

    fn service(&self, pick: &Pick) -> S {
        let id = pick.slot().id();
        let make = || (self.make)(pick.endpoint());
        if let Some(cell) = self.now.load().services.get(&id) {
            return cell.get_or_init(make).clone();
        }
        // The choice knows the new endpoints a little earlier than we have a place for them.
        let _refreshed = self.lock();
        match self.now.load().services.get(&id) {
            Some(cell) => cell.get_or_init(make).clone(),
            None => make(), // it has left since: one more request
        }
    }

    fn refresh(&self, now: Instant) {
        let _refreshing = self.lock();
        let old = self.now.load_full();
        let Some(mut news) = old.news.clone().filter(|_| old.is_stale()) else {
            return; // somebody else was first
        };
        let ended = news.has_changed().is_err();
        let set = news.borrow_and_update().clone();
        self.balanced.update(&set, now);
        let members = self.balanced.fleet().members();
        let services = members.all().iter().map(|slot| {
            let kept = old.services.get(&slot.id()).cloned();
            (slot.id(), kept.unwrap_or_default())
        });
        self.now.store(Arc::new(Snapshot {
            services: services.collect(),
            news: (!ended).then_some(news),
        }));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ()> {
        self.refreshing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
