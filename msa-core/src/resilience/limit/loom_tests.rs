//! Every interleaving of those that take, wait for and give back places.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::core::{Core, Settled};
use super::slots::Take;
use super::*;
use crate::clock::{self, Instant};
use crate::txn::Criticality::Default as Usual;

fn core(limit: u32, now: Instant) -> Core<u32> {
    let config = LimitConfig {
        queue: QueueConfig::default(),
        ..LimitConfig::fixed(limit)
    };
    Core::new(&config, config.algorithm.build(1), now)
}

/// How many of those that waited have a place now.
fn granted(settled: &Settled<u32>) -> u32 {
    assert!(settled.shed.is_empty());
    u32::try_from(settled.granted.len()).unwrap()
}

#[test]
fn loom_no_more_are_in_flight_than_the_limit() {
    loom::model(|| {
        let core = Arc::new(core(1, clock::now()));
        let inside = Arc::new(AtomicU32::new(0));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (core, inside) = (core.clone(), inside.clone());
                thread::spawn(move || {
                    if core.try_take(Usual) == Take::Taken {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        assert!(!core.give_back());
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(core.slots().in_flight(), 0);
    });
}

/// One holds the only place and gives it back while another begins to wait for it: whoever comes second sees the other.
#[test]
fn loom_a_place_and_one_that_waits_for_it_do_not_miss_each_other() {
    loom::model(|| {
        let now = clock::now();
        let core = Arc::new(core(1, now));
        assert_eq!(core.try_take(Usual), Take::Taken);
        let waiter = {
            let core = core.clone();
            thread::spawn(move || match core.try_take(Usual) {
                Take::Taken => 1,
                Take::Full | Take::Behind => granted(&core.enqueue(now, Usual, 7).settled),
            })
        };
        let mut places = 0;
        if core.give_back() {
            places += granted(&core.settle(now));
        }
        places += waiter.join().unwrap();
        assert_eq!(places, 1, "the place was given once, and not lost");
        assert_eq!((core.slots().in_flight(), core.slots().waiting()), (1, 0));
    });
}

/// One gives up in the moment in which the place comes free.
#[test]
fn loom_one_that_gives_up_has_either_left_the_queue_or_has_the_place() {
    loom::model(|| {
        let now = clock::now();
        let core = Arc::new(core(1, now));
        assert_eq!(core.try_take(Usual), Take::Taken);
        let ticket = core.enqueue(now, Usual, 7).ticket.unwrap();
        let leaver = {
            let core = core.clone();
            thread::spawn(move || core.leave(Usual, ticket))
        };
        let mut places = 0;
        if core.give_back() {
            places += granted(&core.settle(now));
        }
        let left = leaver.join().unwrap();
        assert_eq!(places, u32::from(!left));
        assert_eq!(
            (core.slots().in_flight(), core.slots().waiting()),
            (places, 0)
        );
    });
}

/// Two measure while the window ends: one closes it, and what both measured is in this window or the next.
#[test]
fn loom_a_window_is_closed_by_one_and_loses_nothing() {
    loom::model(|| {
        let config = WindowConfig {
            samples: 1,
            ..WindowConfig::default()
        };
        let window = Arc::new(window::Window::new(config));
        let over = window::nanos(config.min);
        let measure = move |window: &window::Window| {
            window.add(Duration::from_millis(10), 1, false);
            u32::from(window.close(over).is_some())
        };
        let other = {
            let window = window.clone();
            thread::spawn(move || measure(&window))
        };
        let closed = measure(&window) + other.join().unwrap();
        assert_eq!(closed, 1, "the next one ends later");
        assert!(window.counted() <= 1);
    });
}
