//! The window over the last seconds: a ring of buckets, counted without a lock.

use std::time::Duration;

use super::cell::{Cell, Turn};
use super::{Counts, Mark};
use crate::sync::{Mutex, MutexGuard};

/// A window over time. Times are those of a [`Timeline`](super::Timeline).
#[derive(Debug)]
pub(crate) struct TimeWindow {
    /// The length of a bucket in nanoseconds, at least a millisecond.
    bucket: u64,
    cells: Box<[Bucket]>,
    /// The time that calls took, kept only on demand, since it takes a lock.
    times: Option<Box<[Mutex<Spent>]>>,
}

#[derive(Debug)]
struct Bucket {
    ok: Cell,
    failed: Cell,
    slow: Cell,
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    turn: Turn,
    time: Duration,
}

impl TimeWindow {
    /// A window over `length` in so many buckets, of a millisecond at least; with `timed` it also sums up the time of the calls.
    pub(crate) fn new(length: Duration, buckets: u32, timed: bool) -> Self {
        let buckets = buckets.max(1);
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        let zero = || {
            Mutex::new(Spent {
                turn: Turn::new(0, 0),
                time: Duration::ZERO,
            })
        };
        Self {
            bucket: (nanos / u64::from(buckets)).max(1_000_000),
            cells: (0..buckets).map(|_| Bucket::new()).collect(),
            times: timed.then(|| (0..buckets).map(|_| zero()).collect()),
        }
    }

    #[inline]
    fn number(&self, at: u64) -> u64 {
        at / self.bucket
    }

    #[inline]
    fn place(&self, number: u64) -> usize {
        let len = self.cells.len() as u64;
        usize::try_from(number % len).unwrap_or(0) // below the length, so it always fits
    }

    /// Counts one call for a generation of the window, as long as `current` says that it is the one in force.
    #[inline]
    pub(crate) fn record(
        &self,
        generation: u64,
        mark: Mark,
        elapsed: Duration,
        at: u64,
        current: impl Fn() -> bool,
    ) {
        let number = self.number(at);
        let turn = Turn::new(generation, number);
        let place = self.place(number);
        let Some(bucket) = self.cells.get(place) else {
            return;
        };
        let cell = if mark.failed {
            &bucket.failed
        } else {
            &bucket.ok
        };
        cell.add(turn, &current);
        if mark.slow {
            bucket.slow.add(turn, &current);
        }
        if let Some(times) = &self.times
            && let Some(spent) = times.get(place)
        {
            let mut spent = lock(spent);
            if spent.turn == turn {
                spent.time = spent.time.saturating_add(elapsed);
            } else if spent.turn.gives_way_to(turn, current) {
                *spent = Spent {
                    turn,
                    time: elapsed,
                };
            }
        }
    }

    /// What was counted for a generation in the window that ends at this time.
    #[inline]
    pub(crate) fn counts(&self, generation: u64, at: u64) -> Counts {
        let last = self.number(at);
        let first = (last + 1).saturating_sub(self.cells.len() as u64);
        let mut counts = Counts::default();
        let mut place = self.place(first);
        for number in first..=last {
            let turn = Turn::new(generation, number);
            if let Some(bucket) = self.cells.get(place) {
                counts.ok += bucket.ok.get(turn);
                counts.failed += bucket.failed.get(turn);
                counts.slow += bucket.slow.get(turn);
            }
            if let Some(spent) = self.times.as_ref().and_then(|times| times.get(place)) {
                let spent = *lock(spent);
                if spent.turn == turn {
                    counts.time = counts.time.saturating_add(spent.time);
                }
            }
            place += 1;
            if place == self.cells.len() {
                place = 0;
            }
        }
        counts
    }

    /// The same bucket by bucket, the oldest first; without the time that the calls took.
    pub(super) fn buckets(&self, generation: u64, at: u64) -> Vec<Counts> {
        let last = self.number(at);
        let first = (last + 1).saturating_sub(self.cells.len() as u64);
        let each = (first..=last).filter_map(|number| {
            let turn = Turn::new(generation, number);
            let bucket = self.cells.get(self.place(number))?;
            Some(Counts {
                ok: bucket.ok.get(turn),
                failed: bucket.failed.get(turn),
                slow: bucket.slow.get(turn),
                time: Duration::ZERO,
            })
        });
        each.collect()
    }

    /// When the bucket after that of this time begins.
    pub(super) fn next_change(&self, at: u64) -> Option<u64> {
        (self.number(at) + 1).checked_mul(self.bucket)
    }

    /// How much time the window covers, in nanoseconds.
    pub(super) fn length(&self) -> u64 {
        self.bucket.saturating_mul(self.cells.len() as u64)
    }
}

impl Bucket {
    fn new() -> Self {
        Self {
            ok: Cell::new(),
            failed: Cell::new(),
            slow: Cell::new(),
        }
    }
}

fn lock(spent: &Mutex<Spent>) -> MutexGuard<'_, Spent> {
    // Nothing can panic while it is held; should it, the sum is still one.
    spent
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn mark(failed: bool) -> Mark {
        Mark {
            failed,
            slow: false,
        }
    }

    proptest! {
        #[test]
        fn it_counts_what_a_list_of_all_calls_says(
            steps in prop::collection::vec((0_u64..4_000, any::<bool>(), any::<bool>()), 1..200),
            buckets in 1_u32..12,
        ) {
            let length = 12_u64;
            let window = TimeWindow::new(Duration::from_secs(length), buckets, true);
            let bucket = length * SECOND / u64::from(buckets);
            let mut all = Vec::new();
            let mut at = 0;
            for (ms, failed, slow) in steps {
                at += ms * 1_000_000;
                let elapsed = Duration::from_millis(ms);
                window.record(1, Mark { failed, slow }, elapsed, at, || true);
                all.push((at / bucket, Mark { failed, slow }, elapsed));
                let last = at / bucket;
                let mut expected = Counts::default();
                for (number, mark, elapsed) in &all {
                    if number + u64::from(buckets) > last {
                        expected.add(*mark, *elapsed);
                    }
                }
                prop_assert_eq!(window.counts(1, at), expected);
                let buckets = window.buckets(1, at);
                let sum = |of: fn(&Counts) -> u64| buckets.iter().map(of).sum::<u64>();
                prop_assert_eq!(
                    (sum(|one| one.ok), sum(|one| one.failed), sum(|one| one.slow)),
                    (expected.ok, expected.failed, expected.slow)
                );
            }
        }
    }

    #[test]
    fn an_outcome_told_late_counts_in_its_own_bucket_while_the_window_holds_it() {
        let window = TimeWindow::new(Duration::from_secs(10), 10, false);
        window.record(1, mark(false), Duration::ZERO, 9 * SECOND, || true);
        window.record(1, mark(true), Duration::ZERO, 2 * SECOND, || true);
        assert_eq!(window.counts(1, 9 * SECOND).failed, 1);
        assert_eq!(window.counts(1, 12 * SECOND).failed, 0);
        window.record(1, mark(false), Duration::ZERO, 13 * SECOND, || true);
        window.record(1, mark(true), Duration::ZERO, 3 * SECOND, || true);
        assert_eq!(window.counts(1, 13 * SECOND).failed, 0);
    }

    #[test]
    fn another_generation_begins_with_nothing() {
        let window = TimeWindow::new(Duration::from_secs(10), 10, true);
        window.record(1, mark(true), Duration::from_secs(1), SECOND, || true);
        assert_eq!(window.counts(2, SECOND), Counts::default());
        window.record(2, mark(false), Duration::from_secs(2), SECOND, || true);
        let counts = window.counts(2, SECOND);
        assert_eq!((counts.ok, counts.failed, counts.time.as_secs()), (1, 0, 2));
    }

    #[test]
    fn threads_lose_nothing_where_buckets_turn() {
        let window = TimeWindow::new(Duration::from_millis(4), 4, false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for call in 0..40_000_u64 {
                        // Every thread passes through the same 40 buckets of 1 ms.
                        let at = call * 1_000;
                        window.record(1, mark(call % 10 == 0), Duration::ZERO, at, || true);
                    }
                });
            }
        });
        let counts = window.counts(1, 39_999_000);
        // The last four buckets hold 4,000 calls of each thread, unless a thread came when its bucket was gone; no more.
        assert!(counts.total() <= 16_000, "{counts:?}");
        let last = window.counts(1, 42_000_000);
        assert_eq!(
            last.total(),
            4_000,
            "the last bucket is nobody's but its own"
        );
        assert_eq!(last.failed, 400);
    }
}
