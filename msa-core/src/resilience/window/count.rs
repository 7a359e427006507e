//! The window over the last calls.

use std::time::Duration;

use super::{Counts, Mark};
use crate::sync::{Mutex, MutexGuard};

/// The last N calls, in their order.
#[derive(Debug)]
pub(crate) struct CountWindow(Mutex<Ring>);

#[derive(Debug)]
struct Ring {
    generation: u64,
    calls: Box<[Option<(Mark, Duration)>]>,
    next: usize,
    counts: Counts,
}

impl CountWindow {
    /// A window over so many calls, one at least.
    pub(crate) fn new(size: u32) -> Self {
        let size = usize::try_from(size.max(1)).unwrap_or(usize::MAX);
        Self(Mutex::new(Ring {
            generation: 0,
            calls: vec![None; size].into(),
            next: 0,
            counts: Counts::default(),
        }))
    }

    /// Counts one call for a generation of the window, unless a later one has begun, and says what the window holds then.
    pub(crate) fn record(&self, generation: u64, mark: Mark, elapsed: Duration) -> Counts {
        let mut ring = self.lock();
        if ring.generation > generation {
            return Counts::default();
        }
        if ring.generation < generation {
            ring.calls.fill(None);
            ring.next = 0;
            ring.counts = Counts::default();
            ring.generation = generation;
        }
        let Ring {
            calls,
            next,
            counts,
            ..
        } = &mut *ring;
        if let Some(place) = calls.get_mut(*next) {
            if let Some((mark, elapsed)) = place.replace((mark, elapsed)) {
                counts.remove(mark, elapsed);
            }
            counts.add(mark, elapsed);
        }
        *next = (*next + 1) % calls.len();
        *counts
    }

    /// What the window holds of this generation.
    pub(crate) fn counts(&self, generation: u64) -> Counts {
        let ring = self.lock();
        if ring.generation == generation {
            ring.counts
        } else {
            Counts::default()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing can panic while it is held.
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_counts_the_last_calls_and_no_others(
            calls in prop::collection::vec((any::<bool>(), any::<bool>(), 0_u64..100), 0..100),
            size in 1_u32..20,
        ) {
            let window = CountWindow::new(size);
            for (upto, (failed, slow, ms)) in calls.iter().enumerate() {
                let mark = Mark { failed: *failed, slow: *slow };
                let counts = window.record(1, mark, Duration::from_millis(*ms));
                let mut expected = Counts::default();
                let from = (upto + 1).saturating_sub(size as usize);
                for (failed, slow, ms) in &calls[from..=upto] {
                    expected.add(Mark { failed: *failed, slow: *slow }, Duration::from_millis(*ms));
                }
                prop_assert_eq!(counts, expected);
                prop_assert_eq!(window.counts(1), expected);
            }
        }
    }

    #[test]
    fn a_later_generation_begins_with_nothing_and_an_earlier_one_is_over() {
        let window = CountWindow::new(4);
        let failed = Mark {
            failed: true,
            slow: false,
        };
        window.record(1, failed, Duration::ZERO);
        window.record(2, failed, Duration::ZERO);
        window.record(1, failed, Duration::ZERO);
        assert_eq!(window.counts(2).failed, 1);
        assert_eq!(window.counts(1).failed, 0);
    }
}
