#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tower::{Layer as _, Service as _, service_fn};

use super::*;
use crate::clock;
use crate::txn::{self, Incoming, Minter, Txn};

const SECOND: Duration = Duration::from_secs(1);

fn total(length: Duration) -> Deadline {
    Deadline::after(clock::now(), length, Limit::Total)
}

fn txn_with(timeout: Duration) -> Txn {
    let incoming = Incoming {
        timeout: Some(timeout),
        ..Incoming::default()
    };
    Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now())
}

#[tokio::test(start_paused = true)]
async fn what_is_late_is_dropped_at_the_deadline_and_not_later() {
    let held = Arc::new(());
    let work = {
        let held = held.clone();
        async move {
            pending::<()>().await;
            drop(held);
        }
    };
    let began = clock::now();
    let mut guarded = Box::pin(total(SECOND).guard(work));
    let late = guarded.as_mut().await.unwrap_err();
    assert_eq!((late.limit, clock::since(began)), (Limit::Total, SECOND));
    assert_eq!(
        Arc::strong_count(&held),
        1,
        "though `guarded` is still there"
    );
    drop(guarded);
}

#[tokio::test(start_paused = true)]
async fn the_sooner_deadline_holds_and_is_the_one_that_is_named() {
    let now = clock::now();
    let attempt = Deadline::after(now, 2 * SECOND, Limit::Attempt);
    assert_eq!(attempt.or_sooner(Some(total(SECOND))).limit(), Limit::Total);
    assert_eq!(
        attempt.or_sooner(Some(total(3 * SECOND))).limit(),
        Limit::Attempt
    );
    assert_eq!(
        attempt.or_sooner(Some(total(2 * SECOND))).limit(),
        Limit::Attempt
    );
}

#[tokio::test(start_paused = true)]
async fn work_inherits_what_is_around_it_and_can_only_shorten_it() {
    let left = || Deadline::inherited(clock::now()).map(|deadline| deadline.left(clock::now()));
    assert_eq!(left(), None);
    let seen = txn::scope(txn_with(5 * SECOND), async {
        let outer = left();
        let inner = total(2 * SECOND).guard(async {
            let longer = total(60 * SECOND).guard(async { left() }).await;
            (left(), longer)
        });
        (outer, inner.await, left())
    })
    .await;
    let (two, five) = (Some(2 * SECOND), Some(5 * SECOND));
    assert_eq!(seen, (five, Ok((two, Ok(two))), five));
    assert_eq!(left(), None);
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_late_is_not_begun() {
    let service = service_fn(async |()| -> Result<(), Infallible> { panic!("it was begun") });
    let mut service = TimeoutLayer::new(SECOND).layer(service);
    let error = txn::scope(txn_with(Duration::ZERO), async { service.call(()).await })
        .await
        .unwrap_err();
    let late = error.downcast_ref::<Elapsed>().unwrap();
    assert_eq!((late.limit, late.after), (Limit::Deadline, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_service_has_its_timeout_and_its_errors_pass() {
    let service = service_fn(async |wait: Duration| {
        tokio::time::sleep(wait).await;
        Err::<(), _>(std::io::Error::other("its own"))
    });
    let mut service = TimeoutLayer::new(SECOND).layer(service);
    let own = service.call(SECOND / 2).await.unwrap_err();
    assert!(own.is::<std::io::Error>());
    let late = service.call(2 * SECOND).await.unwrap_err();
    assert_eq!(late.to_string(), "no answer within the total timeout of 1s");
}

#[tokio::test]
async fn busy_work_that_never_waits_is_cut_off_too() {
    let busy = async {
        loop {
            tokio::task::consume_budget().await;
        }
    };
    let limit = total(Duration::from_millis(5));
    let late: Result<(), _> = limit.guard(busy).await;
    assert!(late.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_limit_too_long_to_count_is_no_error() {
    let forever = total(Duration::MAX);
    assert!(!forever.has_passed(clock::now()));
    assert_eq!(forever.guard(async { 7 }).await, Ok(7));
}
