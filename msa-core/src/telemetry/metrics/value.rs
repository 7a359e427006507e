//! What a series holds: a counter, a gauge, a histogram. All are atomics that are only ever added to, so recording never waits.
//!
//! They are not sharded: threads that record the same series at once share its cache line. A request touches few series, each for
//! one addition, which stays far below the cost of its parsing; sharding would multiply the memory of every histogram.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::exemplar::Exemplars;

/// Whether there is anything to show: what was never recorded is left out.
pub(super) trait Recorded {
    fn is_empty(&self) -> bool;
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(super) fn one(&self) {
        self.add(1);
    }

    #[inline]
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Recorded for Counter {
    fn is_empty(&self) -> bool {
        self.get() == 0
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub(super) struct Gauge(AtomicI64);

impl Gauge {
    #[inline]
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn down(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn set(&self, to: i64) {
        self.0.store(to, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The upper ends of a histogram's buckets, and what its unit is made of.
#[derive(Debug)]
pub(super) struct Bounds {
    /// In the small unit that is recorded.
    ends: &'static [u64],
    /// The same as text in the unit that is shown.
    pub(super) shown: &'static [&'static str],
    /// How many of the small unit make the one that is shown.
    scale: f64,
}

impl Bounds {
    /// The upper ends, in the unit that is shown.
    // Casts: whole numbers far below 2^53
    pub(super) fn uppers(&self) -> impl Iterator<Item = f64> {
        self.ends.iter().map(|end| *end as f64 / self.scale)
    }
}

/// Nanoseconds, shown as seconds: the boundaries that OpenTelemetry's HTTP conventions advise.
static SECONDS: Bounds = Bounds {
    ends: &[
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        75_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        750_000_000,
        1_000_000_000,
        2_500_000_000,
        5_000_000_000,
        7_500_000_000,
        10_000_000_000,
    ],
    shown: &[
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
        "5.0", "7.5", "10.0",
    ],
    scale: 1e9,
};

/// Bytes, in steps of ten from 100 B to 10 MB: the conventions name none.
static BYTES: Bounds = Bounds {
    ends: &[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000],
    shown: &[
        "100.0",
        "1000.0",
        "10000.0",
        "100000.0",
        "1000000.0",
        "10000000.0",
    ],
    scale: 1.0,
};

/// How often a value fell between which bounds, and the sum of all.
#[derive(Debug)]
pub(super) struct Histogram {
    pub(super) bounds: &'static Bounds,
    /// One more than there are bounds. The count is their sum, so that a reader never sees one without the other.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
    pub(super) exemplars: Exemplars,
}

impl Histogram {
    fn new(bounds: &'static Bounds, exemplars: bool) -> Self {
        let buckets = bounds.ends.len() + 1;
        Self {
            bounds,
            buckets: (0..buckets).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            exemplars: Exemplars::new(if exemplars { buckets } else { 0 }),
        }
    }

    /// Of times.
    pub(super) fn seconds() -> Self {
        Self::new(&SECONDS, false)
    }

    /// Of times, with an example for each bucket.
    pub(super) fn seconds_with_exemplars() -> Self {
        Self::new(&SECONDS, true)
    }

    /// Of sizes.
    pub(super) fn bytes() -> Self {
        Self::new(&BYTES, false)
    }

    /// The upper ends of the buckets of times, in seconds.
    pub(super) fn seconds_ends() -> impl Iterator<Item = f64> {
        SECONDS.ends.iter().map(|end| *end as f64 / SECONDS.scale)
    }

    /// Adds a value, and tells its bucket.
    #[inline]
    pub(super) fn record(&self, value: u64) -> usize {
        let bucket = self.bounds.ends.partition_point(|end| *end < value);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
        bucket
    }

    /// Adds a time, and tells its bucket.
    #[inline]
    pub(super) fn took(&self, time: Duration) -> usize {
        self.record(nanos(time))
    }

    /// How many values are in each bucket alone.
    pub(super) fn buckets(&self) -> impl Iterator<Item = u64> {
        let buckets = self.buckets.iter();
        buckets.map(|bucket| bucket.load(Ordering::Relaxed))
    }

    /// In the unit that is shown.
    // Casts: 53 bits of nanoseconds are 104 days; beyond, it is less exact
    pub(super) fn sum(&self) -> f64 {
        self.sum.load(Ordering::Relaxed) as f64 / self.bounds.scale
    }
}

impl Recorded for Histogram {
    fn is_empty(&self) -> bool {
        self.buckets().all(|count| count == 0)
    }
}

/// Whole nanoseconds, without the detour by 128 bits.
#[inline]
pub(super) fn nanos(time: Duration) -> u64 {
    (time.as_secs().saturating_mul(1_000_000_000)).saturating_add(time.subsec_nanos().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_a_bound_is_in_the_bucket_that_ends_there() {
        let histogram = Histogram::seconds();
        assert_eq!(histogram.took(Duration::from_millis(5)), 0);
        assert_eq!(histogram.took(Duration::from_nanos(5_000_001)), 1);
        assert_eq!(histogram.took(Duration::from_secs(10)), 13);
        assert_eq!(histogram.took(Duration::from_secs(11)), 14);
        assert_eq!(histogram.buckets().sum::<u64>(), 4);
        assert!((histogram.sum() - 21.010_000_001).abs() < 1e-12);
    }

    #[test]
    fn the_bounds_are_written_as_they_are() {
        for bounds in [&SECONDS, &BYTES] {
            assert_eq!(bounds.ends.len(), bounds.shown.len());
            for (upper, shown) in bounds.uppers().zip(bounds.shown) {
                assert_eq!(upper, shown.parse::<f64>().unwrap());
            }
        }
    }
}
