use std::collections::BTreeMap;

use super::*;
use crate::balance::{
    Balanced, Balancer, Fleet, LoadReport, Mark, Measures, Prequal, PrequalRules, Ramp, RoundRobin,
};
use crate::clock;
use crate::discovery::{Endpoint, EndpointSet};

fn endpoint(zone: &str, i: usize) -> Endpoint {
    let endpoint: Endpoint = format!("http://{zone}-{i}:80").parse().unwrap();
    if zone == "none" {
        endpoint
    } else {
        endpoint.with_zone(zone)
    }
}

fn set(zones: &[(&str, usize)]) -> EndpointSet {
    (zones.iter())
        .flat_map(|(zone, n)| (0..*n).map(|i| endpoint(zone, i)))
        .collect()
}

fn balancer(own: Option<&str>, zones: &[(&str, usize)], now: Instant) -> Balanced {
    let make: MakeAlgorithm = Box::new(|| Box::new(RoundRobin::new(1)));
    let zone_aware = ZoneAware::new(own.map(str::to_owned), None, make, 1);
    let measures = Measures {
        ramp: Ramp::off(),
        ..Measures::default()
    };
    let balanced = Balanced::new(Arc::new(Fleet::new(measures)), Box::new(zone_aware), now);
    balanced.update(&set(zones), now);
    balanced
}

/// The share of 10,000 calls that each zone gets.
fn shares(balancer: &Balanced, hint: &PickHint<'_>, now: Instant) -> BTreeMap<String, f64> {
    let mut shares: BTreeMap<String, f64> = BTreeMap::new();
    for _ in 0..10_000 {
        let pick = balancer.pick(hint, now).unwrap();
        let zone = pick.endpoint().zone().unwrap_or("none").to_owned();
        *shares.entry(zone).or_default() += 1e-4;
    }
    shares
}

fn about(shares: &BTreeMap<String, f64>, expected: &[(&str, f64)]) -> bool {
    shares.len() == expected.len()
        && expected.iter().all(|(zone, share)| {
            shares
                .get(*zone)
                .is_some_and(|got| (got - share).abs() < 0.02)
        })
}

fn eject(balancer: &Balanced, names: &[&str], on: bool) {
    for slot in balancer.fleet().members().all() {
        if names
            .iter()
            .any(|name| slot.endpoint().authority() == format!("{name}:80"))
        {
            slot.mark(Mark::Ejected, on);
        }
    }
}

#[test]
fn calls_stay_in_the_own_zone_while_it_carries_them() {
    let now = clock::now();
    let balancer = balancer(Some("a"), &[("a", 2), ("b", 2), ("c", 2)], now);
    let mut hint = PickHint::default();
    assert!(about(&shares(&balancer, &hint, now), &[("a", 1.0)]));
    hint.zone = Some("c"); // the call's own word
    assert!(about(&shares(&balancer, &hint, now), &[("c", 1.0)]));
}

#[test]
fn what_a_smaller_zone_cannot_carry_spills_to_where_there_is_room() {
    let now = clock::now();
    let balancer = balancer(Some("a"), &[("a", 1), ("b", 3), ("c", 2)], now);
    let hint = PickHint::default();
    assert!(about(
        &shares(&balancer, &hint, now),
        &[("a", 0.5), ("b", 0.5)]
    ));
}

#[test]
fn capacity_follows_ejections_within_a_quarter_of_a_second_and_back() {
    let now = clock::now();
    let balancer = balancer(Some("a"), &[("a", 4), ("b", 4)], now);
    let hint = PickHint::default();
    eject(&balancer, &["a-0", "a-1"], true);
    assert!(about(&shares(&balancer, &hint, now), &[("a", 1.0)]));
    // A third of the healthy ones for half of the callers.
    let later = now + REFRESH;
    assert!(about(
        &shares(&balancer, &hint, later),
        &[("a", 2.0 / 3.0), ("b", 1.0 / 3.0)]
    ));
    eject(&balancer, &["a-0", "a-1"], false);
    assert!(about(
        &shares(&balancer, &hint, later + REFRESH),
        &[("a", 1.0)]
    ));
}

#[test]
fn a_zone_without_a_good_endpoint_gives_its_calls_away_at_once() {
    let now = clock::now();
    let balancer = balancer(Some("a"), &[("a", 2), ("b", 2)], now);
    let hint = PickHint::default();
    eject(&balancer, &["a-0", "a-1"], true);
    assert!(about(&shares(&balancer, &hint, now), &[("b", 1.0)]));
    eject(&balancer, &["b-0", "b-1"], true);
    assert!(balancer.pick(&hint, now).is_some());
}

#[test]
fn a_retry_leaves_the_zone_when_all_of_it_was_tried() {
    let now = clock::now();
    let balancer = balancer(Some("a"), &[("a", 2), ("b", 2)], now);
    let mut tried = Vec::new();
    for zone in ["a", "a", "b", "b"] {
        let pick = balancer.pick(&PickHint::avoiding(&tried), now).unwrap();
        assert_eq!(pick.endpoint().zone(), Some(zone));
        assert!(!tried.contains(pick.endpoint()));
        tried.push(pick.endpoint().clone());
    }
}

#[test]
fn without_a_zone_or_in_one_without_endpoints_all_serve() {
    let now = clock::now();
    let zones = &[("a", 1), ("b", 1), ("none", 2)];
    let hint = PickHint::default();
    let all = [("a", 0.25), ("b", 0.25), ("none", 0.5)];
    assert!(about(
        &shares(&balancer(None, zones, now), &hint, now),
        &all
    ));
    let elsewhere = balancer(Some("z"), zones, now);
    // A quarter of the callers is here; a and b are just enough for their own.
    assert!(about(&shares(&elsewhere, &hint, now), &[("none", 1.0)]));
    let even = balancer(Some("z"), &[("a", 2), ("b", 2)], now);
    assert!(about(&shares(&even, &hint, now), &[("a", 0.5), ("b", 0.5)]));
    assert!(balancer(Some("a"), &[], now).pick(&hint, now).is_none());
}

#[test]
fn a_zone_keeps_its_algorithm_over_updates_and_reports_reach_it() {
    let now = clock::now();
    let make: MakeAlgorithm = Box::new(|| {
        let silent = Box::new(RoundRobin::new(1));
        Box::new(Prequal::new(PrequalRules::default(), silent, 1))
    });
    let zone_aware = ZoneAware::new(Some("a".into()), None, make, 1);
    let fleet = Arc::new(Fleet::new(Measures::default()));
    let balancer = Balanced::new(fleet, Box::new(zone_aware), now);
    balancer.update(&set(&[("a", 3), ("b", 3)]), now);
    for slot in balancer.fleet().members().all() {
        let pick = crate::balance::Pick::new(slot.clone(), now);
        let fast = slot.endpoint().authority() == "a-2:80";
        pick.report(
            LoadReport::new(1, Duration::from_millis(if fast { 1 } else { 9 })),
            now,
        );
    }
    let picked = || {
        let pick = balancer.pick(&PickHint::default(), now).unwrap();
        pick.endpoint().authority().to_owned()
    };
    assert_eq!(picked(), "a-2:80");
    balancer.update(&set(&[("a", 4), ("b", 3)]), now);
    let again: Vec<String> = (0..50).map(|_| picked()).collect();
    // The newcomer does not report yet: the draws that meet it leave the choice to the other algorithm.
    assert!(
        again.iter().filter(|one| *one == "a-2:80").count() >= 1,
        "{again:?}"
    );
}
