//! How long a destination's answers take.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::clock::Instant;
use crate::config::Percent;
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// 16 buckets to each doubling: a value is told 6 % too high at most.
const FINE: u32 = 4;
/// The last doubling ends at 2³² µs, 71 minutes.
const BUCKETS: usize = (32 - FINE as usize + 1) << FINE;
/// How often the percentile is read off anew.
const REFRESH: Duration = Duration::from_secs(1);
/// After so many refreshes the counts are halved: what is older than a minute hardly counts.
const HALVE: u64 = 10;

/// A percentile of latencies, lock-free.
///
/// A log-linear histogram, as HdrHistogram has it, in microseconds. A latency is counted by one atomic addition; once a second whoever
/// records next reads the percentile off and leaves it for all others, and every ten seconds halves all counts, so that the latest 20 s are most of
/// what counts. 2 KiB. Time is passed in.
pub struct Digest {
    percentile: Percent,
    buckets: Box<[AtomicU32]>,
    /// The percentile in nanoseconds; 0 as long as too little is known.
    told: AtomicU64,
    /// How many refreshes there should have been since `base`.
    refreshed: AtomicU64,
    base: OnceLock<Instant>,
}

impl Digest {
    /// Fewer answers say nothing about their tail.
    pub const ENOUGH: u64 = 50;

    /// A digest that tells this percentile.
    #[must_use]
    pub fn new(percentile: Percent) -> Self {
        Self {
            percentile,
            buckets: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            told: AtomicU64::new(0),
            refreshed: AtomicU64::new(0),
            base: OnceLock::new(),
        }
    }

    /// The percentile that it tells.
    #[must_use]
    pub fn percentile(&self) -> Percent {
        self.percentile
    }

    /// An answer took so long.
    #[inline]
    pub fn record(&self, latency: Duration, now: Instant) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        if let Some(bucket) = self.buckets.get(index(micros)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let base = *self.base.get_or_init(|| now);
        let seconds = now.saturating_duration_since(base).as_secs();
        let due = seconds / REFRESH.as_secs() + 1;
        let seen = self.refreshed.load(Ordering::Relaxed);
        // The first answers matter at once, later ones once a second.
        if due > seen {
            self.refresh(seen, due);
        } else if self.told.load(Ordering::Relaxed) == 0 {
            self.tell();
        }
    }

    /// This share of the latest answers took no longer; `None` while there are fewer than [`ENOUGH`](Self::ENOUGH).
    #[must_use]
    #[inline]
    pub fn told(&self) -> Option<Duration> {
        match self.told.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    #[cold]
    fn refresh(&self, seen: u64, due: u64) {
        let mine = self
            .refreshed
            .compare_exchange(seen, due, Ordering::AcqRel, Ordering::Relaxed);
        if mine.is_err() {
            return; // somebody else does it
        }
        let halvings = (due / HALVE).saturating_sub(seen / HALVE).min(32);
        for bucket in &self.buckets {
            let count = bucket.load(Ordering::Relaxed);
            let kept = count.checked_shr(halvings as u32).unwrap_or(0);
            // What is added in this moment stays.
            bucket.fetch_sub(count - kept, Ordering::Relaxed);
        }
        self.tell();
    }

    fn tell(&self) {
        let counts =
            || (self.buckets.iter()).map(|bucket| u64::from(bucket.load(Ordering::Relaxed)));
        let total: u64 = counts().sum();
        let mut nanos = 0;
        if total >= Self::ENOUGH {
            let mut reached = 0;
            for (index, count) in counts().enumerate() {
                reached += count;
                if self.percentile.reached_by(reached, total) {
                    nanos = upper(index).saturating_mul(1000);
                    break;
                }
            }
        }
        self.told.store(nanos, Ordering::Relaxed);
    }
}

/// The bucket of a value.
fn index(micros: u64) -> usize {
    let micros = micros.min(u32::MAX.into());
    let fine = 1_u64 << FINE;
    if micros < fine {
        return micros as usize;
    }
    let doubling = micros.ilog2() - FINE;
    let within = (micros >> doubling) - fine;
    (((u64::from(doubling) + 1) << FINE) + within) as usize
}

/// The end of a bucket, which none of its values is above.
fn upper(index: usize) -> u64 {
    let (doubling, within) = ((index >> FINE) as u32, index as u64 & ((1 << FINE) - 1));
    match doubling.checked_sub(1) {
        None => within.max(1),
        Some(doubling) => (((1 << FINE) + within + 1) << doubling) - 1,
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest")
            .field("percentile", &self.percentile)
            .field("told", &self.told())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[track_caller]
    fn assert_near(digest: &Digest, expected: Duration) {
        let told = digest.told().unwrap();
        assert!(
            told >= expected && told <= expected.mul_f64(1.07),
            "{told:?}"
        );
    }

    #[test]
    fn it_tells_the_percentile_of_what_was_recorded() {
        let (digest, now) = (Digest::new(Percent::new(95)), clock::now());
        for n in 1..=1000 {
            digest.record(ms(n), now);
        }
        digest.record(ms(1), now + REFRESH);
        assert_near(&digest, ms(950));
    }

    #[test]
    fn few_answers_tell_nothing() {
        let (digest, now) = (Digest::new(Percent::new(95)), clock::now());
        for n in 1..Digest::ENOUGH {
            digest.record(ms(n), now);
            assert_eq!(digest.told(), None);
        }
        digest.record(ms(10), now);
        assert!(digest.told().is_some());
    }

    #[test]
    fn it_follows_a_destination_that_becomes_slower_or_faster_and_forgets_one_that_is_not_called() {
        let (digest, start) = (Digest::new(Percent::new(90)), clock::now());
        let second = |from: u64, latency| {
            for n in 0..100 {
                digest.record(latency, start + Duration::from_secs(from) + ms(n * 10));
            }
        };
        (0..60).for_each(|at| second(at, ms(10)));
        assert_near(&digest, ms(10));
        (60..63).for_each(|at| second(at, ms(500)));
        assert_near(&digest, ms(500));
        (63..140).for_each(|at| second(at, ms(10)));
        assert_near(&digest, ms(10));
        digest.record(ms(10), start + Duration::from_secs(10_000));
        assert_eq!(digest.told(), None);
    }

    proptest! {
        #[test]
        fn every_value_lies_in_its_bucket_and_near_its_end(micros: u64) {
            for micros in [micros, micros % 100_000, micros % 20] {
                let index = index(micros);
                prop_assert!(index < BUCKETS);
                let capped = micros.min(u32::MAX.into());
                prop_assert!(upper(index) >= capped);
                prop_assert!(upper(index) <= capped + capped / 16 + 1);
            }
        }
    }
}
