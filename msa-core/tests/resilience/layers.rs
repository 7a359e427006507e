//! Tower's layers standing alone: nobody waits in them past the deadline of its transaction.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::Full;
use msa_core::clock;
use msa_core::resilience::bulkhead::{Bulkhead, BulkheadConfig, BulkheadLayer};
use msa_core::resilience::limit::{LimitConfig, LimitGuard, LimitLayer, LimitMode, Limiter};
use msa_core::txn::{self, Criticality, Txn};
use tower::{Layer, ServiceExt as _, service_fn};

use crate::support::{ms, since};

/// A transaction whose caller waits so long.
fn hurried(milliseconds: u64) -> Txn {
    let mut incoming = txn::Headers::default().extract(&HeaderMap::new());
    incoming.timeout = Some(ms(milliseconds));
    let mint = || *Txn::begin().gtxid();
    Txn::from_incoming(&incoming, mint, None, clock::now())
}

async fn answer(_: ()) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::default())
}

#[tokio::test(start_paused = true)]
async fn in_a_bulkheads_queue() {
    let config = BulkheadConfig::default().max_concurrent(1).max_queue(1);
    let bulkhead = Bulkhead::new(config);
    let held = bulkhead.try_acquire().unwrap();
    let service = BulkheadLayer::new(bulkhead.clone()).layer(service_fn(answer));
    let start = clock::now();
    let call = txn::scope(hurried(50), async { service.clone().oneshot(()).await });
    assert!(call.await.is_err());
    assert_eq!((since(start), bulkhead.waiting()), (50, 0));
    drop(held);
    assert!(service.oneshot(()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn in_a_limits_queue() {
    let mut config = LimitConfig::fixed(1);
    config.queue.length = 1;
    let limiter = Limiter::new(&config, 1, clock::now());
    let held = limiter.try_acquire(Criticality::Default, clock::now());
    let guard = LimitGuard::new("stock", limiter.clone(), LimitMode::On);
    let service = LimitLayer::new(guard).layer(service_fn(answer));
    let start = clock::now();
    let call = txn::scope(hurried(50), async { service.clone().oneshot(()).await });
    assert!(call.await.is_err());
    assert_eq!(
        (since(start), limiter.waiting()),
        (50, 0),
        "100 ms without it"
    );
    drop(held);
    assert!(service.oneshot(()).await.is_ok());
}

#[cfg(feature = "rate-limit")]
#[tokio::test(start_paused = true)]
async fn for_a_turn_that_comes_too_late() {
    use msa_core::resilience::rate_limit::{RateLimit, RateLimitConfig, RateLimitLayer};

    let config = RateLimitConfig::gcra("1/s".parse().unwrap()).max_wait(ms(5_000));
    let limit = RateLimit::new(config, clock::now());
    limit.try_acquire(clock::now()).unwrap();
    let service = RateLimitLayer::new(limit).layer(service_fn(answer));
    let start = clock::now();
    let call = txn::scope(hurried(50), async { service.clone().oneshot(()).await });
    assert!(call.await.is_err());
    assert_eq!(since(start), 0);
    // The turn that it could not wait for is still there.
    assert!(service.oneshot(()).await.is_ok());
    assert_eq!(since(start), 1_000);
}
