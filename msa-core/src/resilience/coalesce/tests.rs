#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a test fails by panicking

use std::cell::Cell;
use std::error::Error as _;
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::prelude::*;
use tower::{Layer as _, Service as _, service_fn};

use super::*;

fn poll<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn identical_calls_in_flight_share_one_answer_and_the_next_begins_anew() {
    let flights = SingleFlight::new();
    let runs = AtomicU32::new(0);
    let work = async || {
        tokio::task::yield_now().await;
        runs.fetch_add(1, Ordering::Relaxed) + 1
    };
    let (a, b, other) = tokio::join!(
        flights.run("key", work),
        flights.run("key", work),
        flights.run("other", work)
    );
    assert_eq!((a.0, a.1, b.1), (b.0, Role::Led, Role::Joined));
    assert_eq!((a.0 + other.0, other.1), (3, Role::Led));
    assert!(flights.is_empty());
    assert_eq!(flights.run("key", work).await, (3, Role::Led));
}

#[test]
fn who_waits_takes_over_from_a_leader_that_goes_away() {
    let flights = SingleFlight::new();
    let mut leader = Box::pin(flights.run(1, async || pending::<u32>().await));
    assert!(poll(&mut leader).is_pending());
    let mut first = Box::pin(flights.run(1, async || 2));
    let mut second = Box::pin(flights.run(1, async || 3));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    drop(leader);
    assert_eq!(poll(&mut first), Poll::Ready((2, Role::Led)));
    assert_eq!(poll(&mut second), Poll::Ready((2, Role::Joined)));
    assert!(flights.is_empty());
}

#[test]
fn a_hand_over_to_somebody_who_goes_away_too_reaches_the_next() {
    struct Woken(AtomicU32);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let flights = SingleFlight::new();
    let mut leader = Box::pin(flights.run(1, async || pending::<u32>().await));
    assert!(poll(&mut leader).is_pending());
    let mut first = Box::pin(flights.run(1, async || 2));
    let mut second = Box::pin(flights.run(1, async || 3));
    let woken = Arc::new(Woken(AtomicU32::new(0)));
    let waker = Waker::from(woken.clone());
    assert!(poll(&mut first).is_pending());
    let mut cx = Context::from_waker(&waker);
    assert!(second.as_mut().poll(&mut cx).is_pending());
    drop(leader);
    drop(first); // it was woken and never polled
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert_eq!(poll(&mut second), Poll::Ready((3, Role::Led)));
}

#[test]
fn a_panic_of_the_leader_poisons_nothing() {
    let flights = SingleFlight::new();
    let panics = Cell::new(false);
    let mut leader = Box::pin(flights.run(1, async || {
        std::future::poll_fn(|_| match panics.get() {
            true => panic!("as told"),
            false => Poll::Pending::<u32>,
        })
        .await
    }));
    assert!(poll(&mut leader).is_pending());
    let mut waits = Box::pin(flights.run(1, async || 2));
    assert!(poll(&mut waits).is_pending());
    panics.set(true);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut leader))).is_err());
    drop(leader);
    assert_eq!(poll(&mut waits), Poll::Ready((2, Role::Led)));
    assert!(flights.is_empty());
}

proptest! {
    /// Whoever is dropped at whatever point, one works at a time, all others get an answer, and nothing is left.
    #[test]
    fn any_order_of_polls_and_drops_leaves_nobody_behind(
        steps in prop::collection::vec((0_u8..3, any::<prop::sample::Index>()), 1..60),
    ) {
        let flights = SingleFlight::new();
        let (done, at_work) = (Cell::new(false), Cell::new(0_u32));
        let work = async || {
            struct AtWork<'a>(&'a Cell<u32>);
            impl Drop for AtWork<'_> {
                fn drop(&mut self) { self.0.set(self.0.get() - 1); }
            }
            at_work.set(at_work.get() + 1);
            let _here = AtWork(&at_work);
            std::future::poll_fn(|_| if done.get() { Poll::Ready(7) } else { Poll::Pending }).await
        };
        let mut callers = Vec::new();
        for (what, which) in steps {
            match what {
                0 => callers.push(Box::pin(flights.run((), work))),
                1 if !callers.is_empty() => drop(callers.swap_remove(which.index(callers.len()))),
                2 if !callers.is_empty() => {
                    let at = which.index(callers.len());
                    prop_assert!(poll(&mut callers[at]).is_pending());
                }
                _ => {}
            }
            prop_assert!(at_work.get() <= 1);
        }
        done.set(true);
        // Who waits may come before who works, so two rounds.
        for _ in 0..2 {
            callers.retain_mut(|caller| poll(caller).is_pending());
        }
        prop_assert!(callers.is_empty() && flights.is_empty());
    }
}

#[tokio::test]
async fn requests_share_responses_and_errors_but_only_those_with_a_key() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let service = service_fn(move |name: &'static str| {
        let runs = counted.clone();
        async move {
            tokio::task::yield_now().await;
            runs.fetch_add(1, Ordering::Relaxed);
            match name {
                "bad" => Err(std::io::Error::other("broken")),
                name => Ok(name.len()),
            }
        }
    });
    let layer = CoalesceLayer::new(|name: &&'static str| (*name != "post").then_some(*name));
    let mut service = layer.layer(service);
    let (a, b) = tokio::join!(service.call("get"), service.call("get"));
    assert_eq!(
        (a.unwrap(), b.unwrap(), runs.swap(0, Ordering::Relaxed)),
        (3, 3, 1)
    );
    let (a, b) = tokio::join!(service.call("post"), service.call("post"));
    assert_eq!(
        (a.unwrap(), b.unwrap(), runs.swap(0, Ordering::Relaxed)),
        (4, 4, 2)
    );
    let (a, b) = tokio::join!(service.call("bad"), service.call("bad"));
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    for error in [a.unwrap_err(), b.unwrap_err()] {
        assert!(error.source().unwrap().is::<std::io::Error>());
    }
}
