//! A call may be dropped wherever it waits: all that it counted is given back.

use super::*;
use crate::resilience::breaker::{HalfOpen, Outcome};
use crate::resilience::rate_limit::{RateLimit, RateLimitConfig};
use crate::testing::polled;

/// A policy with all parts, whose bulkhead is full for 20 ms, and whose breaker takes two trials at once.
struct Full {
    policy: Policy,
    bulkhead: Bulkhead,
    breaker: Arc<Breaker>,
    flights: SingleFlight<u8, Result<u32, PolicyError<Broken>>>,
}

impl Full {
    async fn half_open() -> Self {
        let breaker = Arc::new(Breaker::seeded(
            BreakerConfig {
                consecutive_failures: Some(1),
                half_open: HalfOpen {
                    permits: 1_000,
                    at_once: 2,
                    ..HalfOpen::default()
                },
                ..BreakerConfig::default()
            },
            1,
        ));
        let opens = breaker.try_acquire(clock::now()).unwrap();
        opens.end(Outcome::Failure, clock::now());
        tokio::time::advance(10_000 * MS).await;

        let config = BulkheadConfig::default().max_concurrent(1).max_queue(9);
        let bulkhead = Bulkhead::new(config);
        let rate = RateLimitConfig::gcra("200/s".parse().unwrap()).burst(1);
        let rate = RateLimit::new(rate.max_wait(1_000 * MS), clock::now());
        rate.try_acquire(clock::now()).unwrap();
        let policy = Policy::builder("p")
            .timeout(span(5_000))
            .attempt_timeout(span(10))
            .bulkhead(bulkhead.clone())
            .rate_limit(rate)
            .retry(retry(2))
            .breaker(breaker.clone())
            .throttle(Throttle::seeded(Default::default(), 1));
        Self {
            policy: policy.build().unwrap(),
            bulkhead,
            breaker,
            flights: SingleFlight::new(),
        }
    }

    /// A judge takes the first answer for a bad one, which is no failure of the breaker's.
    async fn call(&self) -> Result<u32, PolicyError<Broken>> {
        let runs = Cell::new(0);
        let work = || {
            runs.set(runs.get() + 1);
            let run = runs.get();
            async move {
                tokio::task::yield_now().await;
                tokio::time::sleep(3 * MS).await;
                Ok(run)
            }
        };
        let first = When(|result: &Result<u32, Broken>| matches!(result, Ok(1)));
        let call = self.policy.with().judged_by(first);
        call.coalesced(&self.flights, 7).call(work).await
    }

    fn assert_nothing_is_held(&self, when: &str) {
        let bulkhead = (self.bulkhead.running(), self.bulkhead.waiting());
        assert_eq!((bulkhead, self.flights.len()), ((0, 0), 0), "{when}");
        let now = clock::now();
        assert_eq!(self.breaker.state(now), State::HalfOpen);
        let (one, two) = (self.breaker.try_acquire(now), self.breaker.try_acquire(now));
        assert!(one.is_ok() && two.is_ok(), "a trial is not back: {when}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_gives_everything_back_at_every_await_point() {
    for times in 0..1_000 {
        let full = Full::half_open().await;
        let held = full.bulkhead.try_acquire().unwrap().into_owned();
        let frees = tokio::spawn(async move {
            tokio::time::sleep(20 * MS).await;
            drop(held);
        });
        let done = polled(times, full.call()).await;
        assert_eq!(full.bulkhead.waiting(), 0, "after {times} polls");
        frees.abort();
        let _aborted = frees.await; // either way it holds nothing now
        full.assert_nothing_is_held(&format!("after {times} polls"));
        if let Some(answer) = done {
            assert_eq!(answer.unwrap(), 2);
            assert!(times > 5, "{times}");
            return;
        }
    }
    panic!("it never ends");
}
