#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock;

fn config(permits: u32, queue: u32) -> BulkheadConfig {
    BulkheadConfig::default()
        .max_concurrent(permits)
        .max_queue(queue)
}

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn the_defaults_are_1024_calls_and_no_queue() {
    let bulkhead = Bulkhead::new(BulkheadConfig::default());
    let all: Vec<_> = (0..1024).map(|_| bulkhead.try_acquire().unwrap()).collect();
    let mut one_more = Box::pin(bulkhead.acquire(clock::now()));
    assert!(matches!(
        poll(&mut one_more),
        Poll::Ready(Err(Full::NoPermit {
            max_concurrent: 1024
        }))
    ));
    drop(all);
    assert_eq!(bulkhead.available(), 1024);
}

#[test]
fn who_waits_is_served_in_order_and_nobody_overtakes() {
    let bulkhead = Bulkhead::new(config(1, 2));
    let held = bulkhead.try_acquire().unwrap();
    let mut first = Box::pin(bulkhead.acquire(clock::now()));
    let mut second = Box::pin(bulkhead.acquire(clock::now()));
    let mut third = Box::pin(bulkhead.acquire(clock::now()));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert!(matches!(
        poll(&mut third),
        Poll::Ready(Err(Full::QueueFull { .. }))
    ));
    drop(held);
    assert!(bulkhead.try_acquire().is_err(), "it is the first one's");
    assert!(poll(&mut second).is_pending());
    let Poll::Ready(Ok(permit)) = poll(&mut first) else {
        panic!("the first was not served");
    };
    drop(permit);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_ends_the_waiting_and_frees_the_place() {
    let wait = Duration::from_millis(50);
    let bulkhead = Bulkhead::new(config(1, 1).max_wait(wait));
    let held = bulkhead.try_acquire().unwrap();
    let began = clock::now();
    let refused = bulkhead.acquire(began).await.unwrap_err();
    assert_eq!(refused, Full::Waited { waited: wait });
    assert_eq!(clock::since(began), wait);
    assert_eq!(
        refused.to_string(),
        "the bulkhead had no permit within 50ms"
    );
    assert_eq!(bulkhead.waiting(), 0);
    drop(held);
    assert!(bulkhead.acquire(clock::now()).await.is_ok());
}

#[test]
fn fewer_permits_throw_nobody_out_and_more_reach_who_waits() {
    let bulkhead = Bulkhead::new(config(2, 4));
    let (one, two) = (bulkhead.try_acquire(), bulkhead.try_acquire());
    let mut waits = Box::pin(bulkhead.acquire(clock::now()));
    assert!(poll(&mut waits).is_pending());
    bulkhead.update(config(1, 4));
    drop(one);
    assert!(poll(&mut waits).is_pending(), "one runs, one is allowed");
    bulkhead.update(config(2, 4));
    assert!(poll(&mut waits).is_ready());
    drop(two);
    assert_eq!(bulkhead.running(), 0);
}

proptest! {
    /// Against a model of two numbers: whatever is done, never too many run, and at the end all is given back.
    #[test]
    fn it_counts_like_a_semaphore_with_a_line(
        permits in 0_u32..4,
        queue in 0_u32..4,
        steps in prop::collection::vec((0_u8..5, any::<prop::sample::Index>()), 0..60),
    ) {
        let bulkhead = Bulkhead::new(config(permits, queue));
        let (mut limit, now) = (permits, clock::now());
        let mut held = Vec::new();
        let mut line: Vec<Pin<Box<Acquire<'_>>>> = Vec::new();
        for (what, which) in steps {
            match what {
                0 | 1 => {
                    let mut acquire = Box::pin(bulkhead.acquire(now));
                    let free = line.is_empty() && (held.len() as u32) < limit;
                    match poll(&mut acquire) {
                        Poll::Ready(Ok(permit)) => { prop_assert!(free); held.push(permit); }
                        Poll::Ready(Err(_)) => prop_assert!(!free && line.len() as u32 >= queue),
                        Poll::Pending => { prop_assert!(!free); line.push(acquire); }
                    }
                }
                2 if !held.is_empty() => drop(held.swap_remove(which.index(held.len()))),
                3 if !line.is_empty() => drop(line.remove(which.index(line.len()))),
                4 => { limit = which.index(4) as u32; bulkhead.update(config(limit, queue)); }
                _ => {}
            }
            let before = held.len() as u32;
            let mut still = Vec::new();
            for mut waits in line {
                match poll(&mut waits) {
                    Poll::Ready(permit) => { prop_assert!(still.is_empty(), "out of order"); held.push(permit.unwrap()); }
                    Poll::Pending => still.push(waits),
                }
            }
            line = still;
            prop_assert!(held.len() as u32 <= limit.max(before));
            prop_assert!(line.is_empty() || held.len() as u32 >= limit);
            prop_assert_eq!((bulkhead.running(), bulkhead.waiting()), (held.len() as u32, line.len() as u32));
        }
        drop((held, line));
        prop_assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    }
}

mod layer {
    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::{BodyExt as _, Full as Whole};
    use tower::{Layer as _, Service, ServiceExt as _, service_fn};

    use super::*;

    #[tokio::test]
    async fn a_request_is_in_the_bulkhead_until_its_body_ends() {
        let bulkhead = Bulkhead::new(config(1, 0));
        let echo = service_fn(async |request: Request<Whole<Bytes>>| {
            Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
        });
        let mut service = BulkheadLayer::new(bulkhead.clone()).layer(echo);
        let request = || Request::new(Whole::new(Bytes::from_static(b"hello")));
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
        let refused = service.call(request()).await.unwrap_err();
        assert!(refused.is::<Full>());
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            "hello"
        );
        assert_eq!(bulkhead.running(), 0);
        let empty = Request::new(Whole::new(Bytes::new()));
        let response = service.call(empty).await.unwrap();
        assert_eq!(bulkhead.running(), 0, "an empty body has ended");
        drop(response);
    }

    #[tokio::test]
    async fn a_request_dropped_while_it_waits_or_runs_leaves_nothing_behind() {
        let bulkhead = Bulkhead::new(config(1, 1));
        let hang = service_fn(async |_: Request<()>| {
            std::future::pending::<()>().await;
            Ok::<_, std::convert::Infallible>(Response::new(Whole::new(Bytes::new())))
        });
        let mut service = BulkheadLayer::new(bulkhead.clone()).layer(hang);
        let mut runs = Box::pin(service.call(Request::new(())));
        let mut waits = Box::pin(service.call(Request::new(())));
        assert!(poll(&mut runs).is_pending() && poll(&mut waits).is_pending());
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (1, 1));
        drop(runs);
        drop(waits); // it had been given the permit
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    }
}
