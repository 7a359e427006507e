//! What is slow: above the 99th percentile of the requests before.
//!
//! One number, moved a little with each request: up by 99 steps when it was exceeded, else down by one. It settles where one request
//! of a hundred exceeds it, and follows when requests change. (The frugal estimator of Ma, Muthukrishnan and Sandler, "Frugal streaming
//! for estimating quantiles", 2013, with steps in proportion.)

/// One step down, in powers of two. Up it is 99 times that, 7 %.
const STEP: f32 = 0.001;

/// So many requests come before one is called slow.
const ENOUGH: u32 = 100;

/// The moving percentile.
#[derive(Debug, Default)]
pub(super) struct Slow {
    /// The logarithm to base 2 of the microseconds.
    level: f32,
    seen: u32,
}

impl Slow {
    /// Whether a request that took so many microseconds was slow; the percentile moves by it.
    pub(super) fn is_slow(&mut self, took: u64) -> bool {
        let level = (took.max(1) as f32).log2();
        if self.seen < ENOUGH {
            self.seen += 1;
            self.level = self.level.max(level);
            return false;
        }
        let slow = level > self.level;
        self.level += if slow { 99.0 * STEP } else { -STEP };
        slow
    }

    /// What is slow begins above this, in microseconds.
    pub(super) fn from(&self) -> Option<u64> {
        (self.seen >= ENOUGH).then(|| self.level.exp2() as u64)
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::SmallRng;
    use rand::{RngExt as _, SeedableRng};

    use super::*;

    #[test]
    fn one_request_of_a_hundred_is_slow_and_it_is_a_slow_one() {
        let mut rng = SmallRng::seed_from_u64(1);
        let mut slow = Slow::default();
        let (mut found, mut least) = (0, u64::MAX);
        for n in 0..30_000 {
            let took = rng.random_range(1_000..2_000_u64);
            if slow.is_slow(took) && n > 10_000 {
                found += 1;
                least = least.min(took);
            }
        }
        assert!((100..300).contains(&found), "{found}");
        assert!(least > 1_800, "{least}");
    }

    #[test]
    fn it_follows_a_service_that_becomes_slower() {
        let mut slow = Slow::default();
        for _ in 0..1_000 {
            slow.is_slow(1_000);
        }
        let found = (0..1_000).filter(|_| slow.is_slow(8_000)).count();
        assert!((1..100).contains(&found), "{found}");
        assert!(slow.from().unwrap() > 7_000);
    }

    #[test]
    fn nothing_is_slow_before_there_is_something_to_compare_with() {
        let mut slow = Slow::default();
        assert_eq!(slow.from(), None);
        assert!(!slow.is_slow(5_000_000));
    }
}
