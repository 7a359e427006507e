//! What the guards allocate on the way of a call that goes well: nothing.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::future::ready;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use msa_core::clock;
use msa_core::config::Span;
use msa_core::resilience::breaker::Breaker;
use msa_core::resilience::bulkhead::Bulkhead;
use msa_core::resilience::fallback;
use msa_core::resilience::policy::Policy;
use msa_core::resilience::retry::Retry;
use msa_core::resilience::throttle::Throttle;

/// Allocations of this thread.
fn allocations(work: impl FnOnce()) -> u64 {
    measure(work).count_total
}

/// A future that is ready at once, as the pipeline's is when its work is.
fn now_or_never<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn a_call_that_goes_well_allocates_nothing() {
    let policy = Policy::builder("p")
        .timeout(Span::secs(1))
        .attempt_timeout(Span::millis(300))
        .bulkhead(Bulkhead::new(Default::default()))
        .retry(Retry::default())
        .breaker(Breaker::default())
        .throttle(Throttle::default())
        .build()
        .unwrap();
    let call = || {
        let with = policy.with().fallback(fallback::value(0));
        let answer = now_or_never(with.call(|| ready(Ok::<_, std::io::Error>(black_box(7)))));
        assert_eq!(answer.unwrap(), 7);
    };
    call(); // what a thread or a window makes once
    assert_eq!(allocations(|| (0..1000).for_each(|_| call())), 0);
}

#[cfg(feature = "rate-limit")]
#[test]
fn a_rate_limit_and_a_bulkhead_allocate_nothing() {
    use msa_core::resilience::rate_limit::{RateLimit, RateLimitConfig};
    let now = clock::now();
    let limit = RateLimit::new(RateLimitConfig::gcra("1000000/s".parse().unwrap()), now);
    let bulkhead = Bulkhead::new(Default::default());
    let call = || {
        assert!(limit.try_acquire(now).is_ok());
        drop(bulkhead.try_acquire().unwrap().into_owned());
        drop(now_or_never(bulkhead.acquire(clock::now())).unwrap());
    };
    call();
    assert_eq!(allocations(|| (0..1000).for_each(|_| call())), 0);
}
