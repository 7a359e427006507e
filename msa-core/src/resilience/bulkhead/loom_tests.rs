//! Every interleaving of taking, waiting and giving back.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::{Bulkhead, BulkheadConfig};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// Counts the calls to wake it.
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn bulkhead(permits: u32, queue: u32) -> Bulkhead {
    let config = BulkheadConfig::default();
    Bulkhead::new(config.max_concurrent(permits).max_queue(queue))
}

#[allow(clippy::disallowed_methods)] // without a limit on the wait it is never looked at
fn whenever() -> Instant {
    Instant::now()
}

#[test]
fn loom_never_more_run_than_are_allowed() {
    loom::model(|| {
        let bulkhead = bulkhead(1, 0);
        let inside = Arc::new(AtomicUsize::new(0));
        let run = |bulkhead: Bulkhead, inside: Arc<AtomicUsize>| {
            if let Ok(_permit) = bulkhead.try_acquire() {
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                inside.fetch_sub(1, Ordering::SeqCst);
            }
        };
        let other = {
            let (bulkhead, inside) = (bulkhead.clone(), inside.clone());
            loom::thread::spawn(move || run(bulkhead, inside))
        };
        run(bulkhead.clone(), inside);
        other.join().unwrap();
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    });
}

#[test]
fn loom_a_permit_that_comes_back_is_never_lost_on_who_waits() {
    loom::model(|| {
        let bulkhead = bulkhead(1, 1);
        let held = bulkhead.try_acquire().unwrap().into_owned();
        let other = loom::thread::spawn(move || drop(held));
        let woken = Arc::new(Woken(AtomicUsize::new(0)));
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut acquire = pin!(bulkhead.acquire(whenever()));
        let first = acquire.as_mut().poll(&mut cx);
        other.join().unwrap();
        match first {
            Poll::Ready(permit) => drop(permit.unwrap()),
            Poll::Pending => {
                assert_eq!(woken.0.load(Ordering::SeqCst), 1);
                let Poll::Ready(Ok(permit)) = acquire.as_mut().poll(&mut cx) else {
                    panic!("woken without a permit");
                };
                drop(permit);
            }
        }
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    });
}

#[test]
fn loom_a_waiter_that_goes_away_passes_on_what_it_was_given() {
    loom::model(|| {
        let bulkhead = bulkhead(1, 2);
        let held = bulkhead.try_acquire().unwrap().into_owned();
        let waker = Waker::noop();
        let mut cx = Context::from_waker(waker);
        let mut first = Box::pin(bulkhead.acquire(whenever()));
        let mut second = Box::pin(bulkhead.acquire(whenever()));
        assert!(first.as_mut().poll(&mut cx).is_pending());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        let other = loom::thread::spawn(move || drop(held));
        drop(first);
        other.join().unwrap();
        let Poll::Ready(Ok(permit)) = second.as_mut().poll(&mut cx) else {
            panic!("the second was not served");
        };
        drop(permit);
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    });
}

#[test]
fn loom_more_permits_reach_who_came_while_they_were_added() {
    loom::model(|| {
        let bulkhead = bulkhead(0, 1);
        let other = {
            let bulkhead = bulkhead.clone();
            let config = bulkhead.config();
            loom::thread::spawn(move || bulkhead.update(config.max_concurrent(1)))
        };
        let mut cx = Context::from_waker(Waker::noop());
        let mut acquire = pin!(bulkhead.acquire(whenever()));
        let first = acquire.as_mut().poll(&mut cx);
        other.join().unwrap();
        if first.is_pending() {
            assert!(acquire.as_mut().poll(&mut cx).is_ready());
        }
    });
}
