//! Failures in a row.

use crate::sync::atomic::{AtomicU32, Ordering};

/// Counts failures since the last success, and trips at every so-many-th.
///
/// Exact under contention: of any number of failures without a success between them, each full threshold trips once, on
/// whichever thread told the last of it.
#[derive(Debug)]
pub(super) struct Streak(AtomicU32);

impl Streak {
    pub(super) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// One more failure. Tells whether it completes a row of `threshold`; 0 never trips. The count then begins anew.
    pub(super) fn failure(&self, threshold: u32) -> bool {
        if threshold == 0 {
            return false;
        }
        // Acquire and release: who trips has seen what the failures before it did.
        let count = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |count| {
                let next = count.saturating_add(1);
                Some(if next >= threshold { 0 } else { next })
            });
        count.is_ok_and(|count| count.saturating_add(1) >= threshold)
    }

    /// A success, or a fresh start.
    #[inline]
    pub(super) fn reset(&self) {
        // A look first: successes are many, and a store would take the line from every other thread.
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_full_row_trips_once_and_a_success_breaks_it() {
        let streak = Streak::new();
        let trips = |n| (0..n).filter(|_| streak.failure(5)).count();
        assert_eq!(trips(4), 0);
        streak.reset();
        assert_eq!(trips(4), 0);
        assert_eq!(trips(1), 1);
        assert_eq!(trips(10), 2);
        assert_eq!((0..10).filter(|_| streak.failure(0)).count(), 0);
    }

    #[test]
    fn a_threshold_lowered_below_the_count_trips_at_the_next_failure() {
        let streak = Streak::new();
        assert_eq!((0..4).filter(|_| streak.failure(5)).count(), 0);
        assert!(streak.failure(2));
    }
}

#[cfg(all(test, msa_loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_each_full_row_of_failures_trips_exactly_once() {
        loom::model(|| {
            let streak = Arc::new(Streak::new());
            let two = |streak: Arc<Streak>| {
                move || usize::from(streak.failure(2)) + usize::from(streak.failure(2))
            };
            let others: Vec<_> = (0..2).map(|_| thread::spawn(two(streak.clone()))).collect();
            let trips: usize = others.into_iter().map(|other| other.join().unwrap()).sum();
            assert_eq!(trips, 2, "four failures are two rows of two");
        });
    }

    #[test]
    fn loom_a_success_amid_failures_delays_a_trip_and_never_adds_one() {
        loom::model(|| {
            let streak = Arc::new(Streak::new());
            let success = {
                let streak = streak.clone();
                thread::spawn(move || streak.reset())
            };
            let trips = (0..3).filter(|_| streak.failure(2)).count();
            success.join().unwrap();
            assert!(trips <= 1);
            assert!((0..2).any(|_| streak.failure(2)), "two more always trip");
        });
    }
}
