//! The throttle itself.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::{ThrottleConfig, ThrottlePermit, Throttled};
use crate::clock::Instant;
use crate::resilience::window::{Mark, TimeWindow, Timeline};
use crate::sync::atomic::{AtomicU64, Ordering};

const BUCKETS: u32 = 12;

/// An adaptive throttle: told what was accepted and when, it says which calls not to make. It reads no clock and takes no lock.
pub struct Throttle {
    timeline: Timeline,
    rules: ArcSwap<Rules>,
    chance: AtomicU64,
}

struct Rules {
    config: ThrottleConfig,
    window: Arc<TimeWindow>,
}

impl Throttle {
    /// A throttle with these numbers and a seed of its own.
    #[must_use]
    pub fn new(config: ThrottleConfig) -> Self {
        Self::seeded(config, RandomState::new().hash_one(0_u8))
    }

    /// A throttle with these numbers; the seed decides which calls are turned away.
    #[must_use]
    pub fn seeded(config: ThrottleConfig, seed: u64) -> Self {
        Self {
            timeline: Timeline::default(),
            rules: ArcSwap::from_pointee(Rules::new(config)),
            chance: AtomicU64::new(seed),
        }
    }

    /// Goes by other numbers from now on. What was counted is kept, unless the window is another one.
    pub fn update(&self, config: ThrottleConfig) {
        let old = self.rules.load();
        let rules = if old.config.window == config.window {
            Rules {
                config,
                window: Arc::clone(&old.window),
            }
        } else {
            Rules::new(config)
        };
        self.rules.store(Arc::new(rules));
    }

    /// The numbers it goes by.
    #[must_use]
    pub fn config(&self) -> ThrottleConfig {
        self.rules.load().config
    }

    /// A permit to make one call now.
    ///
    /// # Errors
    ///
    /// When the call is turned away. It counts as one that was asked for and not accepted.
    #[inline]
    pub fn try_acquire(&self, now: Instant) -> Result<ThrottlePermit<&Self>, Throttled> {
        self.admit(now)?;
        Ok(ThrottlePermit::new(self))
    }

    /// The same, for a permit that lives on its own.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(self: &Arc<Self>, now: Instant) -> Result<ThrottlePermit, Throttled> {
        self.admit(now)?;
        Ok(ThrottlePermit::new(Arc::clone(self)))
    }

    /// How likely a call is to be turned away at this time, from 0 to 1. Asking changes nothing.
    #[must_use]
    pub fn probability(&self, now: Instant) -> f64 {
        self.weigh(self.timeline.peek(now)).probability
    }

    fn admit(&self, now: Instant) -> Result<(), Throttled> {
        let verdict = self.weigh(self.timeline.at(now));
        if verdict.probability <= 0.0 || self.draw() >= verdict.probability {
            return Ok(());
        }
        self.count(false, now);
        Err(verdict)
    }

    // Casts: a window does not count to 2^53
    fn weigh(&self, at: u64) -> Throttled {
        let rules = self.rules.load();
        let counts = rules.window.counts(0, at);
        let (requests, accepts) = (counts.total(), counts.ok);
        let probability = if requests < u64::from(rules.config.min_calls) {
            0.0
        } else {
            let wanted = requests as f64 - rules.config.k.max(1.0) * accepts as f64;
            let most = rules.config.max_rejection.fraction();
            (wanted / (requests as f64 + 1.0)).clamp(0.0, most)
        };
        Throttled {
            requests,
            accepts,
            probability,
        }
    }

    #[inline]
    pub(super) fn count(&self, accepted: bool, now: Instant) {
        let mark = Mark {
            failed: !accepted,
            slow: false,
        };
        let at = self.timeline.at(now);
        let rules = self.rules.load();
        rules.window.record(0, mark, Duration::ZERO, at, || true);
    }

    /// From 0 to 1, by SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    // Casts: 53 bits are exact
    fn draw(&self) -> f64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .chance
            .fetch_add(GAMMA, Ordering::Relaxed)
            .wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Rules {
    fn new(config: ThrottleConfig) -> Self {
        Self {
            config,
            window: Arc::new(TimeWindow::new(config.window, BUCKETS, false)),
        }
    }
}

impl Default for Throttle {
    /// With the default numbers and a seed of its own.
    fn default() -> Self {
        Self::new(ThrottleConfig::default())
    }
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("config", &self.config())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(msa_loom)))]
mod tests {
    use super::*;
    use crate::clock;

    /// Of so many calls, one each 10 ms, how many were sent and how many accepted, when the callee accepts every `nth`.
    fn run(throttle: &Throttle, start: Instant, calls: u32, nth: u32) -> (u32, u32) {
        let (mut sent, mut accepted) = (0, 0);
        for call in 0..calls {
            let now = start + Duration::from_millis(10) * call;
            let Ok(permit) = throttle.try_acquire(now) else {
                continue;
            };
            sent += 1;
            if (sent - 1) % nth == 0 {
                accepted += 1;
                permit.accepted(now);
            } else {
                permit.rejected(now);
            }
        }
        (sent, accepted)
    }

    #[test]
    fn while_at_least_every_second_call_is_accepted_none_is_turned_away() {
        let throttle = Throttle::seeded(ThrottleConfig::default(), 1);
        assert_eq!(run(&throttle, clock::now(), 10_000, 2), (10_000, 5_000));
    }

    #[test]
    fn a_callee_that_takes_a_fixed_load_gets_about_twice_of_it() {
        for seed in 0..10 {
            let throttle = Throttle::seeded(ThrottleConfig::default(), seed);
            let start = clock::now();
            let (mut sent, mut accepted, mut second, mut left) = (0, 0, 0, 0);
            // 100 calls a second, of which the callee takes 10.
            for call in 0_u32..60_000 {
                let now = start + Duration::from_millis(10) * call;
                if call / 100 != second {
                    (second, left) = (call / 100, 10);
                }
                let Ok(permit) = throttle.try_acquire(now) else {
                    continue;
                };
                let settled = call >= 30_000;
                sent += u32::from(settled);
                if left > 0 {
                    left -= 1;
                    accepted += u32::from(settled);
                    permit.accepted(now);
                } else {
                    permit.rejected(now);
                }
            }
            let ratio = f64::from(sent) / f64::from(accepted);
            assert!((1.9..2.2).contains(&ratio), "seed {seed}: {ratio}");
        }
    }

    #[test]
    fn a_dead_callee_gets_no_more_than_the_share_that_the_cap_leaves() {
        let throttle = Throttle::seeded(ThrottleConfig::default(), 3);
        let (sent, _) = run(&throttle, clock::now(), 10_000, u32::MAX);
        assert!((400..700).contains(&sent), "{sent}");
        let before = throttle.probability(clock::now() + Duration::from_secs(90));
        assert!((before - 0.95).abs() < 1e-9);
    }

    #[test]
    fn once_the_window_has_passed_every_call_is_made_again() {
        let throttle = Throttle::seeded(ThrottleConfig::default(), 3);
        let start = clock::now();
        run(&throttle, start, 1_000, u32::MAX);
        let later = start + Duration::from_secs(10 + 120);
        assert!(throttle.probability(later) <= 0.0);
        assert_eq!(run(&throttle, later, 100, 1), (100, 100));
    }

    #[test]
    fn a_cancelled_call_counts_neither_way() {
        let throttle = Throttle::seeded(ThrottleConfig::default(), 3);
        let now = clock::now();
        for _ in 0..1_000 {
            drop(throttle.try_acquire(now).unwrap());
        }
        assert!(throttle.probability(now) <= 0.0);
    }

    #[test]
    fn the_same_seed_turns_the_same_calls_away() {
        let runs = [9, 9, 10].map(|seed| {
            let throttle = Throttle::seeded(ThrottleConfig::default(), seed);
            let now = clock::now();
            (0..500)
                .map(|_| {
                    throttle
                        .try_acquire(now)
                        .map(|permit| permit.rejected(now))
                        .is_ok()
                })
                .collect::<Vec<_>>()
        });
        assert_eq!(runs[0], runs[1]);
        assert_ne!(runs[0], runs[2]);
    }
}
