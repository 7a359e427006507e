//! One watch for the algorithms of all zones.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::balance::{Answer, End, LoadReport, Slot, Watch};
use crate::clock::Instant;

/// Passes on what it is told; each algorithm knows which slots are its own.
#[derive(Debug, Default)]
pub(super) struct Fan(ArcSwap<Vec<Arc<dyn Watch>>>);

impl Fan {
    pub(super) fn set(&self, watches: Vec<Arc<dyn Watch>>) {
        self.0.store(Arc::new(watches));
    }

    fn tell(&self, tell: impl Fn(&dyn Watch)) {
        for watch in self.0.load().iter() {
            tell(&**watch);
        }
    }
}

impl Watch for Fan {
    fn answered(
        &self,
        slot: &Arc<Slot>,
        answer: Answer,
        latency: std::time::Duration,
        now: Instant,
    ) {
        self.tell(|watch| watch.answered(slot, answer, latency, now));
    }

    fn ended(&self, slot: &Arc<Slot>, end: End) {
        self.tell(|watch| watch.ended(slot, end));
    }

    fn reported(&self, slot: &Arc<Slot>, report: LoadReport, now: Instant) {
        self.tell(|watch| watch.reported(slot, report, now));
    }

    fn draining(&self, slot: &Arc<Slot>, now: Instant) {
        self.tell(|watch| watch.draining(slot, now));
    }
}
