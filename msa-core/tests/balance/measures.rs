//! What is remembered of endpoints, and that nothing counted is lost.

use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::{Answer, Balancer, Fleet, LatencyEnd};
use msa_core::clock;
use msa_core::config::BalancerName;
use msa_core::discovery::EndpointSet;

use crate::support::{ALL, balanced, endpoint, even, measures, ms, on, pick};

fn close(a: Duration, b: Duration) -> bool {
    a.abs_diff(b) < Duration::from_micros(50)
}

#[test]
fn whatever_becomes_of_a_request_it_is_counted_out() {
    for name in ALL {
        let (fleet, balanced) = balanced(name, 1, &even(1));
        let now = clock::now();
        let in_flight = || fleet.members().all()[0].in_flight();
        let cancelled = pick(&balanced, &[], now);
        assert_eq!(in_flight(), 1);
        drop(cancelled);
        let mut answered = pick(&balanced, &[], now);
        answered.headers(Answer::Success, now);
        drop(answered);
        let mut complete = pick(&balanced, &[], now);
        complete.headers(Answer::Failure, now);
        complete.complete(now);
        assert_eq!(in_flight(), 0);
        complete.complete(now);
        drop(complete);
        let mut failed = pick(&balanced, &[], now);
        failed.headers(Answer::Success, now);
        failed.body_failed(now);
        drop(failed);
        let mut never_answered = pick(&balanced, &[], now);
        never_answered.complete(now);
        drop(never_answered);
        assert_eq!(in_flight(), 0, "{name:?}");
    }
}

#[test]
fn statistics_of_those_that_stay_survive_an_update_whatever_their_weight() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
    let now = clock::now();
    let mut measured = pick(&balanced, &[], now);
    let held = pick(&balanced, &[], now);
    measured.headers(Answer::Success, now + ms(5));
    measured.complete(now + ms(8));
    let id = fleet.members().all()[0].id();
    let changed: EndpointSet = [endpoint(7), endpoint(0).with_weight(3), endpoint(9)]
        .into_iter()
        .collect();
    balanced.update(&changed, now + ms(8));
    let members = fleet.members();
    let slot = &members.all()[1];
    assert_eq!((slot.id(), slot.weight(), slot.in_flight()), (id, 3, 1));
    assert_eq!(slot.latency(now + ms(8)), Some(ms(8)));
    assert_eq!(members.all()[0].latency(now), None);
    drop(held);
    assert_eq!(slot.in_flight(), 0);
}

#[test]
fn one_that_left_and_came_back_is_new() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
    let now = clock::now();
    let mut held = pick(&balanced, &[], now);
    let id = fleet.members().all()[0].id();
    balanced.update(&EndpointSet::default(), now);
    balanced.update(&even(1), now);
    let members = fleet.members();
    held.headers(Answer::Success, now + ms(5));
    held.complete(now + ms(5));
    assert_ne!(members.all()[0].id(), id);
    assert_eq!(members.all()[0].latency(now + ms(5)), None);
    assert_eq!(members.all()[0].in_flight(), 0);
}

#[test]
fn ten_thousand_endpoints_keep_their_statistics_through_churn() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(10_000));
    let now = clock::now();
    let ids = |fleet: &Fleet| -> Vec<u64> {
        fleet.members().all().iter().map(|slot| slot.id()).collect()
    };
    let before = ids(&fleet);
    let next: EndpointSet = (1000..11_000).rev().map(endpoint).collect();
    balanced.update(&next, now);
    let mut after = ids(&fleet);
    after.reverse();
    assert_eq!(after[..9000], before[1000..]);
    assert!(after[9000..].iter().all(|id| *id >= 10_000));
}

#[test]
fn the_algorithm_may_change_and_the_statistics_stay() {
    let (fleet, first) = balanced(BalancerName::RoundRobin, 1, &even(2));
    let now = clock::now();
    let held = pick(&first, &[], now);
    let second = on(&fleet, BalancerName::LeastRequest, 2);
    drop(first);
    for _ in 0..20 {
        assert_ne!(pick(&second, &[], now).endpoint(), held.endpoint());
    }
}

#[test]
fn a_latency_ends_with_the_body_or_at_the_headers_by_choice() {
    for (end, expected) in [(LatencyEnd::Body, 30), (LatencyEnd::Headers, 10)] {
        let mut measures = measures();
        measures.latency = end;
        let fleet = Arc::new(Fleet::new(measures));
        let balanced = on(&fleet, BalancerName::P2cEwma, 1);
        let now = clock::now();
        balanced.update(&even(1), now);
        let mut pick = pick(&balanced, &[], now);
        pick.headers(Answer::Success, now + ms(10));
        pick.complete(now + ms(30));
        let latency = fleet.members().all()[0].latency(now + ms(30)).unwrap();
        assert!(close(latency, ms(expected)), "{latency:?}");
    }
}

#[test]
fn a_failure_is_never_fast() {
    for answer in [
        Answer::Failure,
        Answer::GatewayFailure,
        Answer::LocalFailure,
    ] {
        let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
        let now = clock::now();
        let slot = fleet.members().all()[0].clone();
        let mut unknown = pick(&balanced, &[], now);
        unknown.headers(answer, now + ms(1));
        unknown.complete(now + ms(1));
        assert_eq!(slot.latency(now + ms(1)), None);
        let mut known = pick(&balanced, &[], now);
        known.headers(Answer::Success, now + ms(500));
        known.complete(now + ms(500));
        let mut slow = pick(&balanced, &[], now);
        slow.headers(answer, now + ms(3000));
        assert_eq!(slot.latency(now + ms(3000)), Some(ms(3000)));
        let mut fast = pick(&balanced, &[], now + ms(3000));
        fast.headers(answer, now + ms(3001));
        fast.complete(now + ms(3001));
        assert!(slot.latency(now + ms(3001)).unwrap() > ms(2999));
        assert!(slot.failure_share(now + ms(3001)) > 0.15);
    }
}

#[test]
fn a_body_that_fails_is_one_more_failure_and_a_cancelled_request_is_none() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
    let now = clock::now();
    let slot = fleet.members().all()[0].clone();
    drop(pick(&balanced, &[], now));
    let mut ignored = pick(&balanced, &[], now);
    ignored.headers(Answer::Ignored, now);
    ignored.complete(now);
    assert_eq!((slot.latency(now), slot.failure_share(now)), (None, 0.0));
    let mut broken = pick(&balanced, &[], now);
    broken.headers(Answer::Success, now + ms(1));
    assert_eq!(slot.failure_share(now + ms(1)), 0.0);
    broken.body_failed(now + ms(2));
    assert!(slot.failure_share(now + ms(2)) > 0.09);
}

#[test]
fn who_does_not_wait_to_the_end_has_waited_so_long_all_the_same() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
    let now = clock::now();
    let slot = fleet.members().all()[0].clone();
    let mut known = pick(&balanced, &[], now);
    known.headers(Answer::Success, now + ms(5));
    known.complete(now + ms(5));
    let mut cancelled = pick(&balanced, &[], now);
    cancelled.cancelled(now + ms(300));
    drop(cancelled);
    assert_eq!(slot.latency(now + ms(300)), Some(ms(300)));
    let mut sooner = pick(&balanced, &[], now + ms(300));
    sooner.cancelled(now + ms(301));
    assert_eq!(slot.latency(now + ms(300)), Some(ms(300)));
    assert_eq!((slot.failure_share(now), slot.in_flight()), (0.0, 0));
}

#[test]
fn a_changed_decay_holds_at_once_for_what_was_measured_before() {
    let (fleet, balanced) = balanced(BalancerName::P2cEwma, 1, &even(1));
    let now = clock::now();
    let mut measured = pick(&balanced, &[], now);
    measured.headers(Answer::Success, now + ms(100));
    measured.complete(now + ms(100));
    let mut faster = measures();
    faster.decay = ms(100);
    fleet.measure(faster);
    let slot = fleet.members().all()[0].clone();
    let faded = slot.latency(now + ms(200)).unwrap();
    assert!(
        faded.abs_diff(ms(100).div_f64(std::f64::consts::E)) < ms(1),
        "{faded:?}"
    );
}

#[test]
fn threads_lose_no_count() {
    for name in ALL {
        let (fleet, balanced) = balanced(name, 1, &even(3));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for step in 0..2000_u64 {
                        let now = clock::now();
                        let mut pick = pick(&balanced, &[], now);
                        if step % 3 > 0 {
                            pick.headers(Answer::Success, now + ms(1));
                        }
                        if step % 3 > 1 {
                            pick.complete(now + ms(2));
                        }
                        if step % 500 == 0 {
                            balanced.update(&even(3), now);
                        }
                    }
                });
            }
        });
        assert!(
            fleet
                .members()
                .all()
                .iter()
                .all(|slot| slot.in_flight() == 0)
        );
    }
}
