//! Instructions that a breaker and a throttle cost a call. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench breaker`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use msa_core::clock::{self, Instant};
use msa_core::config::Percent;
use msa_core::resilience::breaker::{Breaker, BreakerConfig, Judge};
use msa_core::resilience::throttle::{Throttle, ThrottleConfig};
use msa_core::resilience::window::Window;

/// A breaker that has seen a few calls, and the time.
fn used(change: fn(&mut BreakerConfig)) -> (Arc<Breaker>, Instant) {
    let mut config = BreakerConfig::default();
    change(&mut config);
    let breaker = Arc::new(Breaker::seeded(config, 1));
    let now = clock::now();
    for _ in 0..3 {
        breaker.try_acquire(now).unwrap().success(now);
    }
    (breaker, now + Duration::from_millis(10))
}

fn defaults(_: &mut BreakerConfig) {}

fn slow_calls(config: &mut BreakerConfig) {
    config.slow_after = Some(Duration::from_secs(1));
    config.slow_rate = Some(Percent::new(50));
}

fn any_call(config: &mut BreakerConfig) {
    config.judge = Judge::AnyCall;
}

fn count_window(config: &mut BreakerConfig) {
    config.window = Window::Count { size: 100 };
}

fn opened(_: ()) -> (Arc<Breaker>, Instant) {
    let (breaker, now) = used(defaults);
    breaker.open(now);
    (breaker, now)
}

#[library_benchmark]
#[bench::time_window(used(defaults))]
#[bench::slow_calls(used(slow_calls))]
#[bench::any_call(used(any_call))]
#[bench::count_window(used(count_window))]
fn permit_and_success((breaker, now): (Arc<Breaker>, Instant)) -> Arc<Breaker> {
    let permit = breaker.try_acquire(black_box(now)).unwrap();
    black_box(permit.success(black_box(now)));
    breaker
}

#[library_benchmark]
#[bench::time_window(used(defaults))]
fn permit_and_failure((breaker, now): (Arc<Breaker>, Instant)) -> Arc<Breaker> {
    let permit = breaker.try_acquire(black_box(now)).unwrap();
    black_box(permit.failure(black_box(now)));
    breaker
}

#[library_benchmark]
#[bench::closed(used(defaults))]
#[bench::open(opened(()))]
fn would_admit((breaker, now): (Arc<Breaker>, Instant)) -> Arc<Breaker> {
    black_box(breaker.would_admit(black_box(now)));
    breaker
}

#[library_benchmark]
#[bench::open(opened(()))]
fn refused((breaker, now): (Arc<Breaker>, Instant)) -> Arc<Breaker> {
    black_box(breaker.try_acquire(black_box(now)).is_ok());
    breaker
}

fn throttle() -> (Arc<Throttle>, Instant) {
    let throttle = Arc::new(Throttle::seeded(ThrottleConfig::default(), 1));
    let now = clock::now();
    for _ in 0..20 {
        throttle.try_acquire(now).unwrap().accepted(now);
    }
    (throttle, now + Duration::from_millis(10))
}

#[library_benchmark]
#[bench::accepted(throttle())]
fn throttled_call((throttle, now): (Arc<Throttle>, Instant)) -> Arc<Throttle> {
    throttle.try_acquire(black_box(now)).unwrap().accepted(now);
    throttle
}

library_benchmark_group!(
    name = breaker,
    benchmarks = [
        permit_and_success,
        permit_and_failure,
        would_admit,
        refused,
        throttled_call
    ]
);
main!(library_benchmark_groups = breaker);
