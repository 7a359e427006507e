//! How many requests are in flight over all endpoints, without a counter that every thread fights for.

use std::sync::Arc;

use crate::balance::Slot;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Up to so many endpoints are added up for each pick.
const WINDOW: usize = 8;

/// Adds up a window of the endpoints for each pick, and publishes the sum at the end of each round.
///
/// So the sum is at most n / 8 picks old: per endpoint that is an error of an eighth of a request at most while load rises.
/// Threads that meet in a window may count a part into the next round; the round after is right again, since nothing is carried
/// over. Up to 8 endpoints the sum is exact.
#[derive(Debug)]
pub(super) struct Total {
    next: AtomicUsize,
    part: AtomicU64,
    last: AtomicU64,
}

impl Total {
    pub(super) fn new(slots: &[Arc<Slot>]) -> Self {
        Self {
            next: AtomicUsize::new(0),
            part: AtomicU64::new(0),
            last: AtomicU64::new(sum(slots)),
        }
    }

    pub(super) fn in_flight(&self, slots: &[Arc<Slot>]) -> u64 {
        if slots.len() <= WINDOW {
            return sum(slots);
        }
        let windows = slots.len().div_ceil(WINDOW);
        let window = self.next.fetch_add(1, Ordering::Relaxed) % windows;
        let start = window * WINDOW;
        let end = slots.len().min(start + WINDOW);
        let part = sum(slots.get(start..end).unwrap_or_default());
        let so_far = self.part.fetch_add(part, Ordering::Relaxed) + part;
        if window + 1 == windows {
            self.part.store(0, Ordering::Relaxed);
            self.last.store(so_far, Ordering::Relaxed);
        }
        self.last.load(Ordering::Relaxed)
    }
}

fn sum(slots: &[Arc<Slot>]) -> u64 {
    slots.iter().map(|slot| u64::from(slot.in_flight())).sum()
}
