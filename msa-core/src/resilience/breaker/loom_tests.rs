//! Every interleaving of few threads.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::{Breaker, BreakerConfig, HalfOpen, OpenTime, State};
use crate::clock;
use crate::resilience::window::Window;

/// Opens at the second failure in a row, for 1 s; one bucket, so that models stay small.
fn breaker(permits: u32) -> Breaker {
    let config = BreakerConfig {
        window: Window::Time {
            length: Duration::from_secs(1),
            buckets: 1,
        },
        consecutive_failures: Some(2),
        open: OpenTime::fixed(Duration::from_secs(1)),
        half_open: HalfOpen {
            permits,
            at_once: permits,
            ..HalfOpen::default()
        },
        ..BreakerConfig::default()
    };
    Breaker::seeded(config, 1).beginning(clock::now())
}

#[test]
fn loom_half_open_never_has_more_trials_than_permits() {
    loom::model(|| {
        let breaker = Arc::new(breaker(1));
        let now = clock::now();
        breaker.open(now);
        let later = now + Duration::from_secs(2);
        let running = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (breaker, running) = (Arc::clone(&breaker), Arc::clone(&running));
                thread::spawn(move || {
                    if let Ok(permit) = breaker.try_acquire(later) {
                        assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0);
                        running.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(breaker.last_state(), State::HalfOpen);
        // Whoever got it has given it back.
        assert!(breaker.would_admit(later));
        assert!(breaker.try_acquire(later).is_ok());
    });
}

#[test]
fn loom_no_success_is_lost_in_the_closed_state() {
    loom::model(|| {
        let breaker = Arc::new(breaker(1));
        let now = clock::now();
        let other = {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || {
                breaker.try_acquire(now).unwrap().success(now);
            })
        };
        breaker.try_acquire(now).unwrap().success(now);
        breaker.try_acquire(now).unwrap().failure(now);
        other.join().unwrap();
        let counts = breaker.metrics(now).counts;
        assert_eq!((counts.ok, counts.failed), (2, 1));
    });
}

#[test]
fn loom_two_failures_at_once_open_it_exactly_once() {
    loom::model(|| {
        let breaker = Arc::new(breaker(1));
        let now = clock::now();
        let (mine, other) = (breaker.try_acquire(now).unwrap(), {
            let breaker = Arc::clone(&breaker);
            thread::spawn(move || {
                if let Ok(permit) = breaker.try_acquire(now) {
                    permit.failure(now);
                }
            })
        });
        mine.failure(now);
        other.join().unwrap();
        assert_eq!(breaker.last_state(), State::Open);
        assert_eq!(breaker.transitions().count(), 1);
    });
}

#[test]
fn loom_a_result_from_before_a_change_never_counts_after_it() {
    loom::model(|| {
        let breaker = Arc::new(breaker(1));
        let now = clock::now();
        let late = {
            let breaker = Arc::clone(&breaker);
            let admitted = breaker.epoch();
            thread::spawn(move || {
                let failure = super::Outcome::Failure;
                breaker.record(admitted, failure, Duration::ZERO, now);
            })
        };
        breaker.force_open(now);
        breaker.close(now);
        late.join().unwrap();
        assert_eq!(breaker.metrics(now).counts.total(), 0);
        assert_eq!(breaker.last_state(), State::Closed);
    });
}

#[test]
fn loom_changes_are_told_in_their_order_and_none_is_left() {
    loom::model(|| {
        let breaker = Arc::new(breaker(1));
        let now = clock::now();
        let told = Arc::new(loom::sync::Mutex::new(Vec::new()));
        let other = {
            let (breaker, told) = (Arc::clone(&breaker), Arc::clone(&told));
            thread::spawn(move || {
                breaker.force_open(now);
                for change in breaker.transitions() {
                    told.lock().unwrap().push(change.epoch);
                }
            })
        };
        breaker.disable(now);
        for change in breaker.transitions() {
            told.lock().unwrap().push(change.epoch);
        }
        other.join().unwrap();
        assert_eq!(*told.lock().unwrap(), [2, 3]);
    });
}
