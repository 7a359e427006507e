//! Zone-aware: the own zone first, and the others for what it cannot carry.

mod fan;
mod share;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use self::fan::Fan;
use self::share::Route;
use super::{Algorithm, Chance, Members, PickHint, Probe, Slot, Standing, Watch};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU64, Ordering};

/// How old the capacities of the zones may be. An endpoint that is set aside gets no calls from the first moment on; only how much
/// its zone spills follows later.
const REFRESH: Duration = Duration::from_millis(250);

/// Makes the algorithm that chooses within a zone.
pub type MakeAlgorithm = Box<dyn Fn() -> Box<dyn Algorithm> + Send + Sync>;

/// Sends a call to an endpoint of the caller's zone, as far as the healthy endpoints there carry it, and chooses among them by another
/// algorithm; traffic between zones costs money and time.
///
/// How much stays is Envoy's formula: with c the zone's share of the healthy capacity (weight times slow start of the endpoints that are
/// neither set aside, draining nor broken) and f its share of the callers, min(1, c / f) stays, and the rest goes where capacity exceeds the
/// callers there, in proportion to that. Every zone with endpoints is taken to have as many callers as any other, unless told
/// otherwise. So a zone that has its share keeps all of its calls, a zone that lost half of its endpoints gives away what they
/// carried, and a lone endpoint is not swamped by the zone around it.
///
/// A call whose own zone has no endpoint left that it has not tried goes on to the others. Without a zone (neither configured nor in the
/// [hint](PickHint::zone)) all endpoints are one set.
pub struct ZoneAware {
    own: Option<String>,
    callers: Option<f64>,
    make: MakeAlgorithm,
    chance: Chance,
    state: ArcSwap<State>,
    fan: Option<Arc<Fan>>,
}

struct State {
    begun: Option<Instant>,
    /// All endpoints, for callers without a zone.
    all: Part,
    zones: Box<[Zone]>,
    routes: ArcSwap<Routes>,
    /// When the routes were made, in nanoseconds since `begun`.
    refreshed: AtomicU64,
}

struct Zone {
    name: Option<String>,
    part: Part,
}

#[derive(Clone)]
struct Part {
    members: Arc<Members>,
    inner: Arc<dyn Algorithm>,
}

/// For the callers of each zone, and last for those of a zone without endpoints.
type Routes = Box<[Route]>;

impl ZoneAware {
    /// Zone-aware choice for callers in the zone `own`, where a share of `callers` (0 to 1) of all callers of the service
    /// stands; `None` takes all zones to have alike. `make` makes the algorithm of each zone, and one more for all together.
    #[must_use]
    pub fn new(own: Option<String>, callers: Option<f64>, make: MakeAlgorithm, seed: u64) -> Self {
        let all = Part {
            members: Arc::default(),
            inner: Arc::from(make()),
        };
        Self {
            own,
            callers,
            chance: Chance::new(seed),
            fan: all.inner.watch().map(|_| Arc::default()),
            state: ArcSwap::from_pointee(State::new(None, all, Box::default())),
            make,
        }
    }

    /// The algorithm of a zone: the one that it had, as long as the zone is there.
    fn inner(&self, old: &State, name: Option<&str>) -> Arc<dyn Algorithm> {
        (old.zones.iter().find(|zone| zone.name.as_deref() == name))
            .map_or_else(|| Arc::from((self.make)()), |zone| zone.part.inner.clone())
    }

    fn choose_in_zone(
        &self,
        state: &State,
        own: &str,
        hint: &PickHint<'_>,
        now: Instant,
    ) -> Option<Arc<Slot>> {
        state.refresh(self.callers, now);
        let here = (state.zones.iter()).position(|zone| zone.name.as_deref() == Some(own));
        let here = here.unwrap_or(state.zones.len());
        let routes = state.routes.load();
        let drawn = f64::from(self.chance.unit());
        let first = routes.get(here)?.zone(here, drawn);
        let ask = |zone: &Zone| {
            let slot = zone.part.inner.choose(hint, now)?;
            let standing = slot.standing(hint, now)?;
            Some((standing, slot))
        };
        let mut best = state.zones.get(first).and_then(ask);
        // The own zone next, then the others.
        let rest = (0..state.zones.len()).filter(|at| *at != first && *at != here);
        for at in (first != here).then_some(here).into_iter().chain(rest) {
            if matches!(best, Some((Standing::BEST, _))) {
                break;
            }
            let next = state.zones.get(at).and_then(ask);
            if let Some((standing, _)) = &next
                && best.as_ref().is_none_or(|(best, _)| standing < best)
            {
                best = next;
            }
        }
        best.map(|(_, slot)| slot)
    }
}

impl State {
    fn new(begun: Option<Instant>, all: Part, zones: Box<[Zone]>) -> Self {
        Self {
            begun,
            all,
            zones,
            routes: ArcSwap::default(),
            refreshed: AtomicU64::new(0),
        }
    }

    /// Makes the routes anew when they are old; one caller does it, the others go on with the old ones.
    fn refresh(&self, callers: Option<f64>, now: Instant) {
        let passed = self
            .begun
            .map_or(Duration::ZERO, |begun| now.saturating_duration_since(begun));
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX);
        let last = self.refreshed.load(Ordering::Relaxed);
        let fresh = u128::from(passed.saturating_sub(last)) < REFRESH.as_nanos();
        let mine = || {
            (self.refreshed)
                .compare_exchange(last, passed, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if !fresh && mine() {
            self.routes.store(Arc::new(self.make_routes(callers, now)));
        }
    }

    fn make_routes(&self, callers: Option<f64>, now: Instant) -> Routes {
        let capacities: Vec<f64> = (self.zones.iter())
            .map(|zone| zone.part.capacity(now))
            .collect();
        let mut routes: Vec<Route> = (0..capacities.len())
            .map(|zone| {
                let callers = callers.unwrap_or(1.0 / capacities.len() as f64);
                Route::new(zone, &capacities, callers)
            })
            .collect();
        // A caller whose zone has no endpoint makes one zone more.
        let zones = capacities.len() + 1;
        let with_own: Vec<f64> = capacities.into_iter().chain([0.0]).collect();
        routes.push(Route::new(
            zones - 1,
            &with_own,
            callers.unwrap_or(1.0 / zones as f64),
        ));
        routes.into()
    }
}

impl Part {
    fn capacity(&self, now: Instant) -> f64 {
        let hint = PickHint::default();
        let healthy = (self.members.active().iter())
            .filter(|slot| slot.standing(&hint, now) == Some(Standing::BEST));
        healthy
            .map(|slot| f64::from(slot.weight()) * f64::from(slot.ramp(now)))
            .sum()
    }
}

impl Algorithm for ZoneAware {
    fn update(&self, members: &Arc<Members>, now: Instant) {
        let old = self.state.load();
        let all = Part {
            members: members.clone(),
            inner: old.all.inner.clone(),
        };
        all.inner.update(members, now);
        let mut names: Vec<Option<&str>> = members
            .all()
            .iter()
            .map(|slot| slot.endpoint().zone())
            .collect();
        names.sort_unstable();
        names.dedup();
        let zones: Box<[Zone]> = (names.into_iter())
            .map(|name| {
                let here = members
                    .all()
                    .iter()
                    .filter(|slot| slot.endpoint().zone() == name);
                let members = Arc::new(Members::new(here.cloned()));
                let inner = self.inner(&old, name);
                inner.update(&members, now);
                Zone {
                    name: name.map(str::to_owned),
                    part: Part { members, inner },
                }
            })
            .collect();
        if let Some(fan) = &self.fan {
            let inners = zones.iter().map(|zone| &zone.part).chain([&all]);
            fan.set(inners.filter_map(|part| part.inner.watch()).collect());
        }
        let state = State::new(Some(now), all, zones);
        state
            .routes
            .store(Arc::new(state.make_routes(self.callers, now)));
        self.state.store(Arc::new(state));
    }

    fn choose(&self, hint: &PickHint<'_>, now: Instant) -> Option<Arc<Slot>> {
        let state = self.state.load();
        match hint.zone.or(self.own.as_deref()) {
            Some(own) => self.choose_in_zone(&state, own, hint, now),
            None => state.all.inner.choose(hint, now),
        }
    }

    fn watch(&self) -> Option<Arc<dyn Watch>> {
        let fan: Arc<dyn Watch> = self.fan.clone()?;
        Some(fan)
    }

    fn probe_due(&self, now: Instant) -> Option<Probe> {
        let state = self.state.load();
        let zones = state.zones.iter().map(|zone| &zone.part);
        (zones.chain([&state.all])).find_map(|part| part.inner.probe_due(now))
    }
}

impl fmt::Debug for ZoneAware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.load();
        let zones: Vec<_> = state
            .zones
            .iter()
            .map(|zone| zone.name.as_deref())
            .collect();
        f.debug_struct("ZoneAware")
            .field("own", &self.own)
            .field("zones", &zones)
            .field("inner", &state.all.inner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests;
