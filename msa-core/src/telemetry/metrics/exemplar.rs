//! One example for each bucket of a histogram: a transaction that fell into it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::ExemplarFilter;
use crate::txn::{Gtxid, Txn};

/// A bucket takes a new example at most once in this time: younger than a scrape is old, and recording stays cheap.
const EVERY_MS: u64 = 1_000;

/// One transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exemplar {
    pub(super) trace_id: u128,
    pub(super) span_id: u64,
    /// Whether a tracing backend may know it.
    pub(super) is_sampled: bool,
    pub(super) gtxid: Gtxid,
    /// In the unit that is shown.
    pub(super) value: f64,
    /// When, in milliseconds since 1970.
    pub(super) at: u64,
}

impl Exemplar {
    pub(super) fn of(txn: &Txn, value: f64, at: u64) -> Self {
        let span = txn.span();
        Self {
            trace_id: span.trace_id(),
            span_id: span.span_id(),
            is_sampled: span.is_sampled(),
            gtxid: *txn.gtxid(),
            value,
            at,
        }
    }
}

/// The examples of one histogram; none for one that keeps none.
#[derive(Debug)]
pub(super) struct Exemplars(Box<[Slot]>);

#[derive(Debug, Default)]
struct Slot {
    at: AtomicU64,
    held: Mutex<Option<Exemplar>>,
}

impl Exemplars {
    pub(super) fn new(buckets: usize) -> Self {
        Self((0..buckets).map(|_| Slot::default()).collect())
    }

    /// Keeps an example, if the last one is old. Who finds the place taken goes on without.
    #[inline]
    pub(super) fn offer(&self, bucket: usize, at: u64, make: impl FnOnce() -> Option<Exemplar>) {
        let Some(slot) = self.0.get(bucket) else {
            return;
        };
        let last = slot.at.load(Ordering::Relaxed);
        if last == 0 || at.saturating_sub(last) >= EVERY_MS {
            slot.keep(at, make);
        }
    }

    /// The example of a bucket, if it has one that may be shown.
    pub(super) fn get(&self, bucket: usize, filter: ExemplarFilter) -> Option<Exemplar> {
        let slot = self.0.get(bucket)?;
        let held = (*slot.held.try_lock().ok()?)?;
        let shown = match filter {
            ExemplarFilter::AlwaysOn => true,
            ExemplarFilter::TraceBased => held.is_sampled,
            ExemplarFilter::AlwaysOff => false,
        };
        shown.then_some(held)
    }
}

impl Slot {
    #[cold]
    fn keep(&self, at: u64, make: impl FnOnce() -> Option<Exemplar>) {
        if let Ok(mut held) = self.held.try_lock()
            && let Some(exemplar) = make()
        {
            self.at.store(at, Ordering::Relaxed);
            *held = Some(exemplar);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_keeps_an_example_for_a_second_and_then_takes_a_newer_one() {
        let exemplars = Exemplars::new(2);
        let offer = |trace_id, at| {
            let exemplar = Exemplar {
                trace_id,
                span_id: 1,
                is_sampled: true,
                gtxid: Gtxid::from_u128(trace_id),
                value: 0.0,
                at,
            };
            exemplars.offer(1, at, || Some(exemplar));
        };
        for (id, at) in [(1, 5_000), (2, 5_999), (3, 6_000), (4, 6_500)] {
            offer(id, at);
        }
        let get = |bucket| exemplars.get(bucket, ExemplarFilter::AlwaysOn);
        assert_eq!(get(1).unwrap().trace_id, 3);
        assert!(get(0).is_none());
        assert!(get(2).is_none());
    }
}
