//! Instructions of the guards and of the whole pipeline. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench policy --features rate-limit`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::convert::Infallible;
use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use gungraun::{library_benchmark, library_benchmark_group, main};
use msa_core::clock;
use msa_core::config::Span;
use msa_core::resilience::breaker::Breaker;
use msa_core::resilience::bulkhead::Bulkhead;
use msa_core::resilience::fallback;
use msa_core::resilience::policy::Policy;
use msa_core::resilience::retry::Retry;

fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn warmed(policy: Policy) -> Policy {
    call_on(&policy);
    policy
}

/// No parts: what the pipeline itself costs, two readings of the clock included.
fn bare() -> Policy {
    warmed(Policy::builder("bare").build().unwrap())
}

/// Total timeout, bulkhead, retry, breaker, attempt timeout.
fn five() -> Policy {
    let policy = Policy::builder("five")
        .timeout(Span::secs(1))
        .bulkhead(Bulkhead::new(Default::default()))
        .retry(Retry::default())
        .breaker(Breaker::default())
        .attempt_timeout(Span::millis(300));
    warmed(policy.build().unwrap())
}

fn call_on(policy: &Policy) {
    let call = policy.with().fallback(fallback::value(0));
    let answer = now_or_never(call.call(|| ready(Ok::<_, Infallible>(black_box(7_u64)))));
    black_box(answer).unwrap().unwrap();
}

/// The same five by attributes, and as a person writes them: what the macro adds to the call.
mod function {
    use msa_core::attribute::{again, returns};
    use msa_core::config::{RetrySettings, Span};
    use msa_core::problem::Problem;
    use msa_core::resilience::policy::LazyPolicy;

    #[msa_core::timeout(total = "1s", attempt = "300ms")]
    #[msa_core::bulkhead(1024)]
    #[msa_core::retry]
    #[msa_core::circuit_breaker]
    pub(super) async fn attributed(sku: u64) -> Result<u64, Problem> {
        Ok(sku)
    }

    pub(super) async fn written(sku: u64) -> Result<u64, Problem> {
        static POLICY: LazyPolicy = LazyPolicy::new("written", |settings| {
            settings.timeout = Some(Span::secs(1));
            settings.attempt_timeout = Some(Span::millis(300));
            settings.bulkhead.get_or_insert_default();
            settings
                .retry
                .get_or_insert_with(RetrySettings::of_function);
            settings.breaker.get_or_insert_default();
        });
        POLICY
            .with()
            .returning::<Result<u64, Problem>>()
            .run(|| {
                let sku = again(&sku);
                async move {
                    if let Some(never) = returns::<Result<u64, Problem>>() {
                        return never;
                    }
                    Ok(sku)
                }
            })
            .await
    }
}

fn called_once() {
    now_or_never(function::attributed(7)).unwrap().unwrap();
    now_or_never(function::written(7)).unwrap().unwrap();
}

#[library_benchmark(setup = called_once)]
#[bench::warmed()]
fn attributed(_: ()) -> u64 {
    black_box(now_or_never(function::attributed(black_box(7))))
        .unwrap()
        .unwrap()
}

#[library_benchmark(setup = called_once)]
#[bench::warmed()]
fn written(_: ()) -> u64 {
    black_box(now_or_never(function::written(black_box(7))))
        .unwrap()
        .unwrap()
}

#[library_benchmark]
#[bench::bare(bare())]
#[bench::five(five())]
fn call(policy: Policy) -> Policy {
    call_on(black_box(&policy));
    policy
}

fn free() -> Bulkhead {
    Bulkhead::new(Default::default())
}

#[library_benchmark]
#[bench::free(free())]
fn bulkhead(bulkhead: Bulkhead) -> Bulkhead {
    drop(black_box(black_box(&bulkhead).try_acquire()));
    bulkhead
}

#[cfg(feature = "rate-limit")]
fn rates() -> (msa_core::resilience::rate_limit::RateLimit, clock::Instant) {
    use msa_core::resilience::rate_limit::{RateLimit, RateLimitConfig};
    let now = clock::now();
    let config = RateLimitConfig::gcra("1000000/s".parse().unwrap());
    (RateLimit::new(config, now), now)
}

#[cfg(feature = "rate-limit")]
#[library_benchmark]
#[bench::gcra(rates())]
fn rate_limit(
    (limit, now): (msa_core::resilience::rate_limit::RateLimit, clock::Instant),
) -> msa_core::resilience::rate_limit::RateLimit {
    let taken = limit.reserve(std::num::NonZeroU32::MIN, std::time::Duration::ZERO, now);
    black_box(taken).unwrap();
    limit
}

#[library_benchmark]
fn clock_reading() -> clock::Instant {
    black_box(clock::now())
}

#[cfg(feature = "rate-limit")]
library_benchmark_group!(
    name = policy,
    benchmarks = [
        call,
        attributed,
        written,
        bulkhead,
        rate_limit,
        clock_reading
    ]
);
#[cfg(not(feature = "rate-limit"))]
library_benchmark_group!(
    name = policy,
    benchmarks = [call, attributed, written, bulkhead, clock_reading]
);
main!(library_benchmark_groups = policy);
