//! Which endpoints may be chosen at all, and in which order the less good ones follow.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use msa_core::balance::{Balancer, Fleet, Gate, Mark, Only, PickHint};
use msa_core::clock::{self, Instant};
use msa_core::discovery::{Endpoint, EndpointSet};

use crate::support::{ALL, balanced, endpoint, even, index, measures, on, pick, weighing};

#[test]
fn an_empty_set_gives_none_at_once() {
    for name in ALL {
        let (_, balanced) = balanced(name, 1, &EndpointSet::default());
        assert!(balanced.pick(&PickHint::default(), clock::now()).is_none());
        balanced.update(&even(1), clock::now());
        assert_eq!(pick(&balanced, &[], clock::now()).endpoint(), &endpoint(0));
        balanced.update(&EndpointSet::default(), clock::now());
        assert!(balanced.pick(&PickHint::default(), clock::now()).is_none());
    }
}

#[test]
fn what_was_tried_is_taken_again_only_when_nothing_else_is_there() {
    for name in ALL {
        for seed in 0..20 {
            let (_, balanced) = balanced(name, seed, &even(5));
            let mut tried: Vec<Endpoint> = Vec::new();
            for _ in 0..5 {
                let next = pick(&balanced, &tried, clock::now()).endpoint().clone();
                assert!(!tried.contains(&next), "{name:?}: {next} of {tried:?}");
                tried.push(next);
            }
            assert!(tried.contains(pick(&balanced, &tried, clock::now()).endpoint()));
        }
    }
}

#[test]
fn weight_zero_stands_by_and_goes_before_what_was_tried() {
    for name in ALL {
        let (_, balanced) = balanced(name, 3, &weighing(&[100, 0, 30]));
        for _ in 0..50 {
            assert_ne!(index(pick(&balanced, &[], clock::now()).endpoint()), 1);
        }
        let tried = [endpoint(0), endpoint(2)];
        assert_eq!(index(pick(&balanced, &tried, clock::now()).endpoint()), 1);
    }
}

#[test]
fn a_marked_endpoint_is_left_out_until_no_other_is_there() {
    for name in ALL {
        for mark in [Mark::Ejected, Mark::Unhealthy, Mark::Draining] {
            let (fleet, balanced) = balanced(name, 3, &even(4));
            let members = fleet.members();
            for slot in &members.all()[1..] {
                assert!(slot.mark(mark, true) && !slot.mark(mark, true) && slot.is(mark));
            }
            for _ in 0..50 {
                assert_eq!(index(pick(&balanced, &[], clock::now()).endpoint()), 0);
            }
            // A healthy one that was tried goes before an untried one that is set aside.
            assert_eq!(
                index(pick(&balanced, &[endpoint(0)], clock::now()).endpoint()),
                0
            );
            members.all()[0].mark(mark, true);
            // All are set aside: one of them is better than none.
            assert!(balanced.pick(&PickHint::default(), clock::now()).is_some());
        }
    }
}

#[test]
fn in_panic_all_are_used_but_not_what_drains() {
    for name in ALL {
        let (fleet, balanced) = balanced(name, 3, &even(4));
        let members = fleet.members();
        members.all()[0].mark(Mark::Ejected, true);
        members.all()[1].mark(Mark::Draining, true);
        assert!(fleet.set_panic(true) && !fleet.set_panic(true));
        let seen: HashSet<usize> = (0..100)
            .map(|_| index(pick(&balanced, &[], clock::now()).endpoint()))
            .collect();
        assert_eq!(seen, HashSet::from([0, 2, 3]), "{name:?}");
    }
}

#[derive(Debug)]
struct Switch(Arc<AtomicBool>);

impl Gate for Switch {
    fn would_admit(&self, _now: Instant) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[test]
fn an_endpoint_whose_breaker_is_open_is_left_out_and_the_breaker_is_found_again() {
    for name in ALL {
        let open = Arc::new(AtomicBool::new(true));
        let shut = Arc::new(AtomicBool::new(false));
        let gates = [open, shut.clone()];
        let make = move |endpoint: &Endpoint| -> Arc<dyn Gate> {
            Arc::new(Switch(gates[index(endpoint)].clone()))
        };
        let fleet = Arc::new(Fleet::with(measures(), Some(Arc::new(make)), []));
        let balanced = on(&fleet, name, 1);
        balanced.update(&even(2), clock::now());
        for _ in 0..20 {
            let pick = pick(&balanced, &[], clock::now());
            assert_eq!(index(pick.endpoint()), 0);
            assert!(pick.gate().unwrap().is::<Switch>());
        }
        shut.store(true, Ordering::Relaxed);
        assert!((0..50).any(|_| index(pick(&balanced, &[], clock::now()).endpoint()) == 1));
    }
}

#[test]
fn what_a_hint_excludes_is_never_taken_however_few_it_leaves() {
    for name in ALL {
        let set: EndpointSet = (0..1000)
            .map(|n| endpoint(n).with_label("track", if n == 777 { "canary" } else { "stable" }))
            .collect();
        let (_, balanced) = balanced(name, 9, &set);
        let mut hint = PickHint::default();
        hint.only = Only::Labels(&[("track", "canary")]);
        for _ in 0..20 {
            let pick = balanced.pick(&hint, clock::now()).unwrap();
            assert_eq!(index(pick.endpoint()), 777);
        }
        hint.only = Only::Endpoints(&[]);
        assert!(balanced.pick(&hint, clock::now()).is_none(), "{name:?}");
    }
}

#[test]
fn few_good_ones_among_many_share_the_traffic() {
    for name in ALL {
        let (fleet, balanced) = balanced(name, 2, &even(100));
        for slot in &fleet.members().all()[..90] {
            slot.mark(Mark::Ejected, true);
        }
        let counts = crate::support::counts(&balanced, 100, 10_000, clock::now());
        assert_eq!(counts[..90].iter().sum::<usize>(), 0);
        assert!(
            counts[90..].iter().all(|count| *count > 300),
            "{name:?}: {:?}",
            &counts[90..]
        );
    }
}
