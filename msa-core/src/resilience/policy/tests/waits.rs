//! No wait is longer than the deadline.

use super::*;

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_after_the_deadline_is_refused_at_once_and_left_to_others() {
    use crate::resilience::rate_limit::{RateLimit, RateLimitConfig};

    let config = RateLimitConfig::gcra("1/s".parse().unwrap()).max_wait(5_000 * MS);
    let limit = RateLimit::new(config, clock::now());
    let build = |timeout| {
        let policy = Policy::builder("p").rate_limit(limit.clone());
        policy.timeout(span(timeout)).build().unwrap()
    };
    let (hurried, patient) = (build(300), build(3_000));
    let work = async || Ok::<_, Broken>(());
    hurried.call(work).await.unwrap();
    let start = clock::now();
    let error = hurried.call(work).await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::RateLimited);
    assert_eq!(clock::since(start), Duration::ZERO);
    patient.call(work).await.unwrap();
    assert_eq!(clock::since(start), 1_000 * MS);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_in_a_bulkhead_past_the_deadline() {
    let config = BulkheadConfig::default().max_concurrent(1).max_queue(1);
    let bulkhead = Bulkhead::new(config);
    let policy = Policy::builder("p").bulkhead(bulkhead.clone());
    let policy = policy.timeout(span(50)).build().unwrap();
    let _held = bulkhead.try_acquire().unwrap();
    let start = clock::now();
    let error = policy.call(async || Ok::<_, Broken>(())).await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::DeadlineExceeded);
    assert_eq!((clock::since(start), bulkhead.waiting()), (50 * MS, 0));
}
