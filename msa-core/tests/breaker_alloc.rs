//! A call through a breaker or a throttle that lets it through allocates nothing, and neither does a refusal.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::sync::Arc;
use std::time::Duration;

use msa_core::clock;
use msa_core::config::Percent;
use msa_core::resilience::breaker::{Breaker, BreakerConfig, Judge};
use msa_core::resilience::throttle::Throttle;
use msa_core::resilience::window::Window;

fn allocations(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn permits_outcomes_and_refusals_of_a_breaker_allocate_nothing() {
    let mut slow = BreakerConfig::default();
    slow.slow_after = Some(Duration::from_secs(1));
    slow.slow_rate = Some(Percent::new(50));
    slow.judge = Judge::AnyCall;
    let mut count = BreakerConfig::default();
    count.window = Window::Count { size: 100 };
    for config in [BreakerConfig::default(), slow, count] {
        let breaker = Arc::new(Breaker::seeded(config, 1));
        let start = clock::now();
        breaker.try_acquire(start).unwrap().success(start);
        let calls = || {
            for call in 0..10_000 {
                // Buckets turn, and one call in ten fails.
                let now = start + Duration::from_millis(5) * call;
                assert!(breaker.would_admit(now));
                let permit = breaker.try_acquire(now).unwrap();
                if call % 10 == 0 {
                    permit.failure(now);
                } else {
                    permit.success(now);
                }
                breaker.try_acquire_owned(now).unwrap().success(now);
                drop(breaker.try_acquire(now).unwrap());
            }
        };
        assert_eq!(allocations(calls), 0);

        let now = start + Duration::from_secs(60);
        breaker.force_open(now);
        let refusals = || {
            for _ in 0..1_000 {
                assert!(breaker.try_acquire(now).is_err());
            }
        };
        assert_eq!(allocations(refusals), 0);
    }
}

#[test]
fn a_call_that_a_throttle_lets_through_and_one_that_it_turns_away_allocate_nothing() {
    let throttle = Throttle::default();
    let now = clock::now();
    throttle.try_acquire(now).unwrap().accepted(now);
    let calls = || {
        for call in 0..10_000 {
            if let Ok(permit) = throttle.try_acquire(now) {
                if call % 5 == 0 {
                    permit.accepted(now);
                } else {
                    permit.rejected(now);
                }
            }
        }
    };
    assert_eq!(allocations(calls), 0);
}
