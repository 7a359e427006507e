//! The endpoints of one service with what is known of them, shared by every algorithm.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use super::ewma::{Decay, LiveDecay};
use super::{MakeGate, Members, Ramp, Slot, Watch};
use crate::clock::Instant;
use crate::config::{BalanceSettings, LatencyEnd};
use crate::discovery::{EndpointSet, Identity};
use crate::sync::atomic::{AtomicBool, Ordering};

/// How a fleet measures its endpoints.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Measures {
    /// The time in which a latency fades to 1/e. Default 10 s, Finagle's.
    pub decay: Duration,
    /// When the latency of a request ends. Default: with the body.
    pub latency: LatencyEnd,
    /// How a new endpoint comes to its full share. Default: in a straight line over 10 s.
    pub ramp: Ramp,
}

impl From<&BalanceSettings> for Measures {
    fn from(settings: &BalanceSettings) -> Self {
        Self {
            decay: settings.decay.get(),
            latency: settings.latency,
            ramp: Ramp::default(),
        }
    }
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            decay: Duration::from_secs(10),
            latency: LatencyEnd::Body,
            ramp: Ramp::default(),
        }
    }
}

/// The endpoints of one service, each in a [`Slot`] that keeps its statistics for as long as the instance stays.
///
/// It survives a change of the algorithm.
pub struct Fleet {
    members: ArcSwap<Members>,
    updating: Mutex<u64>,
    make_gate: Option<MakeGate>,
    common: Arc<Common>,
}

/// What all slots of a fleet share.
pub(super) struct Common {
    panic: AtomicBool,
    latency_ends_at_headers: AtomicBool,
    decay: LiveDecay,
    ramp: ArcSwap<Ramp>,
    watches: Box<[Arc<dyn Watch>]>,
    algorithm: ArcSwapOption<Arc<dyn Watch>>,
    has_algorithm: AtomicBool,
}

impl Common {
    fn new(measures: &Measures, watches: Box<[Arc<dyn Watch>]>) -> Self {
        let common = Self {
            panic: AtomicBool::new(false),
            latency_ends_at_headers: AtomicBool::new(false),
            decay: LiveDecay::new(measures.decay),
            ramp: ArcSwap::default(),
            watches,
            algorithm: ArcSwapOption::empty(),
            has_algorithm: AtomicBool::new(false),
        };
        common.measure(measures);
        common
    }

    fn measure(&self, measures: &Measures) {
        let at_headers = measures.latency == LatencyEnd::Headers;
        self.latency_ends_at_headers
            .store(at_headers, Ordering::Relaxed);
        self.decay.set(measures.decay);
        self.ramp.store(Arc::new(measures.ramp));
    }

    #[inline]
    pub(super) fn in_panic(&self) -> bool {
        self.panic.load(Ordering::Relaxed)
    }

    /// Tells whether that changed anything.
    pub(super) fn set_panic(&self, on: bool) -> bool {
        self.panic.swap(on, Ordering::Relaxed) != on
    }

    #[inline]
    pub(super) fn decay(&self) -> Decay {
        self.decay.get()
    }

    pub(super) fn ramp(&self) -> Ramp {
        **self.ramp.load()
    }

    #[inline]
    pub(super) fn latency_end(&self) -> LatencyEnd {
        if self.latency_ends_at_headers.load(Ordering::Relaxed) {
            LatencyEnd::Headers
        } else {
            LatencyEnd::Body
        }
    }

    /// Tells everybody who follows the fleet.
    #[inline]
    pub(super) fn tell(&self, tell: impl Fn(&dyn Watch)) {
        for watch in &self.watches {
            tell(&**watch);
        }
        // Relaxed: whoever comes as it changes may tell the old one, or none.
        if self.has_algorithm.load(Ordering::Relaxed)
            && let Some(watch) = &*self.algorithm.load()
        {
            tell(&***watch);
        }
    }
}

impl Fleet {
    /// A fleet without endpoints, gates or watches.
    #[must_use]
    pub fn new(measures: Measures) -> Self {
        Self::with(measures, None, [])
    }

    /// A fleet whose endpoints get gates, and that is followed by watches.
    #[must_use]
    pub fn with(
        measures: Measures,
        make_gate: Option<MakeGate>,
        watches: impl IntoIterator<Item = Arc<dyn Watch>>,
    ) -> Self {
        Self {
            members: ArcSwap::default(),
            updating: Mutex::new(0),
            make_gate,
            common: Arc::new(Common::new(&measures, watches.into_iter().collect())),
        }
    }

    /// Measures like this from now on; what was measured stays.
    pub fn measure(&self, measures: Measures) {
        self.common.measure(&measures);
    }

    /// The members now.
    #[must_use]
    pub fn members(&self) -> Arc<Members> {
        self.members.load_full()
    }

    /// Takes over a new snapshot. Instances that stay, by their
    /// [identity](crate::discovery::Endpoint::identity), keep their statistics; those that join others begin slow start.
    /// Takes time in proportion to the number of endpoints.
    ///
    /// `then` is told the new members before the next update can begin, so that a chooser never sees them in the wrong order.
    pub fn update(&self, endpoints: &EndpointSet, now: Instant, then: impl FnOnce(&Arc<Members>)) {
        let mut ids = self.updating.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.members.load_full();
        let known: HashMap<Identity<'_>, &Arc<Slot>> = old
            .all()
            .iter()
            .map(|slot| (slot.endpoint().identity(), slot))
            .collect();
        let slots = endpoints
            .iter()
            .map(|endpoint| match known.get(&endpoint.identity()) {
                Some(slot) if slot.endpoint() == endpoint => Arc::clone(slot),
                Some(slot) => Arc::new(slot.with_endpoint(endpoint.clone())),
                None => {
                    let id = *ids;
                    *ids += 1;
                    let gate = self.make_gate.as_ref().map(|make| make(endpoint));
                    let slot = Slot::new(endpoint.clone(), id, gate, self.common.clone(), now);
                    if !known.is_empty() {
                        slot.start_ramp(now);
                    }
                    Arc::new(slot)
                }
            });
        let members = Arc::new(Members::new(slots));
        self.members.store(members.clone());
        self.common.tell(|watch| watch.updated(&members, now));
        then(&members);
    }

    /// Whether all endpoints are used, the ejected and broken ones too, since too few are healthy.
    #[must_use]
    pub fn in_panic(&self) -> bool {
        self.common.in_panic()
    }

    /// Begins or ends that; tells whether it changed anything.
    pub fn set_panic(&self, on: bool) -> bool {
        self.common.set_panic(on)
    }

    /// Sets the watch of the algorithm that chooses from this fleet, in place of the last one's.
    pub fn set_algorithm_watch(&self, watch: Option<Arc<dyn Watch>>) {
        let has_one = watch.is_some();
        self.common.algorithm.store(watch.map(Arc::new));
        self.common.has_algorithm.store(has_one, Ordering::Relaxed);
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("members", &self.members.load().all())
            .field("panic", &self.in_panic())
            .finish_non_exhaustive()
    }
}
