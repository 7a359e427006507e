use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use super::*;
use crate::balance::{
    Answer, Balanced, Balancer, Fleet, LoadReport, Measures, P2cEwma, Pick, Ramp,
};
use crate::clock;
use crate::discovery::{Endpoint, EndpointSet};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn endpoint(i: usize) -> Endpoint {
    format!("http://r{i}:80").parse().unwrap()
}

fn set(n: usize) -> EndpointSet {
    (0..n).map(endpoint).collect()
}

fn prequal(rules: PrequalRules, endpoints: &EndpointSet, now: Instant) -> Balanced {
    let silent = Box::new(P2cEwma::new(1));
    let measures = Measures {
        ramp: Ramp::off(),
        ..Measures::default()
    };
    let fleet = Arc::new(Fleet::new(measures));
    let balanced = Balanced::new(fleet, Box::new(Prequal::new(rules, silent, 1)), now);
    balanced.update(endpoints, now);
    balanced
}

fn standard(n: usize, now: Instant) -> Balanced {
    prequal(PrequalRules::default(), &set(n), now)
}

fn slot(balancer: &Balanced, i: usize) -> Arc<Slot> {
    let members = balancer.fleet().members();
    let name = endpoint(i);
    members
        .all()
        .iter()
        .find(|slot| slot.endpoint().same_instance(&name))
        .unwrap()
        .clone()
}

/// Replica `i` says this on a response.
fn report(balancer: &Balanced, i: usize, in_flight: u32, latency: u64, now: Instant) {
    let pick = Pick::new(slot(balancer, i), now);
    pick.report(LoadReport::new(in_flight, ms(latency)), now);
}

fn pick(balancer: &Balanced, now: Instant) -> String {
    let pick = balancer.pick(&PickHint::default(), now).unwrap();
    pick.endpoint().host().to_string()
}

fn counts(balancer: &Balanced, picks: usize, now: Instant) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for _ in 0..picks {
        *counts.entry(pick(balancer, now)).or_default() += 1;
    }
    counts
}

#[test]
fn the_fastest_cold_replica_is_chosen() {
    let now = clock::now();
    let balancer = standard(3, now);
    report(&balancer, 0, 3, 30, now);
    report(&balancer, 1, 3, 20, now);
    report(&balancer, 2, 4, 10, now); // hot: it has more than the others
    assert_eq!(pick(&balancer, now), "r1"); // then it has 4, and is hot too
    assert_eq!(pick(&balancer, now), "r0");
    assert_eq!(pick(&balancer, now), "r2"); // all are hot and have 4: the fastest
}

#[test]
fn without_any_report_the_other_algorithm_balances_all() {
    let now = clock::now();
    let balancer = standard(10, now);
    let counts = counts(&balancer, 2000, now);
    assert_eq!(counts.len(), 10);
    assert!(
        counts.values().all(|count| (100..300).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn replicas_that_do_not_report_keep_their_share_beside_those_that_do() {
    let now = clock::now();
    let balancer = standard(10, now);
    let mut shares: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..4000 {
        let mut pick = balancer.pick(&PickHint::default(), now).unwrap();
        let name = pick.endpoint().host().to_string();
        // r0 to r4 report.
        if ("r0".."r5").contains(&name.as_str()) {
            pick.report(LoadReport::new(0, ms(5)), now);
        }
        pick.headers(Answer::Success, now + ms(5));
        pick.complete(now + ms(5));
        *shares.entry(name).or_default() += 1;
    }
    let silent: usize = shares
        .iter()
        .filter(|(name, _)| name.as_str() >= "r5")
        .map(|(_, n)| n)
        .sum();
    // Half of the draws meet one, and then P2C chooses from all: a quarter of the calls.
    assert!((700..1300).contains(&silent), "{shares:?}");
}

#[test]
fn a_replica_that_stopped_reporting_is_looked_at_again() {
    let now = clock::now();
    let balancer = standard(3, now);
    for i in 0..3 {
        report(&balancer, i, 0, if i == 2 { 500 } else { 5 }, now);
    }
    let again = |at: Instant| {
        report(&balancer, 0, 0, 5, at);
        report(&balancer, 1, 0, 5, at);
        counts(&balancer, 100, at).contains_key("r2")
    };
    assert!(!again(now + ms(5000)));
    assert!(again(now + ms(10_001)));
}

#[test]
fn a_replica_that_fails_fast_does_not_look_fast() {
    let now = clock::now();
    let balancer = standard(4, now);
    let mut at = now;
    let mut bad = 0;
    for n in 0..2000 {
        at += ms(1);
        let mut pick = balancer.pick(&PickHint::default(), at).unwrap();
        let fails = pick.endpoint().host().to_string() == "r0";
        let latency = if fails { 1 } else { 20 };
        pick.report(LoadReport::new(0, ms(latency)), at);
        pick.headers(
            if fails {
                Answer::Failure
            } else {
                Answer::Success
            },
            at,
        );
        pick.complete(at);
        if fails && n >= 200 {
            bad += 1;
        }
    }
    assert!(bad < 1800 / 4 / 4, "{bad} of 1800"); // a fourth of its fair share
}

#[test]
fn what_it_last_said_is_forgotten_when_it_does_not_answer() {
    let now = clock::now();
    let balancer = standard(3, now);
    for i in 0..3 {
        report(&balancer, i, 5, 5 + i as u64, now);
    }
    let mut first = Pick::new(slot(&balancer, 0), now);
    first.headers(Answer::LocalFailure, now);
    drop(first);
    assert_eq!(pick(&balancer, now), "r1");
}

#[test]
fn tried_and_excluded_replicas_are_not_chosen_from_the_pool() {
    let now = clock::now();
    let balancer = standard(4, now);
    for i in 0..4 {
        report(&balancer, i, 0, 1 + i as u64, now);
    }
    let tried = [endpoint(0), endpoint(1)];
    let hint = PickHint::avoiding(&tried);
    for _ in 0..20 {
        let pick = balancer.pick(&hint, now).unwrap();
        assert!(!tried.contains(pick.endpoint()));
    }
}

#[test]
fn lighter_replicas_get_less() {
    let now = clock::now();
    let endpoints: EndpointSet = (0..2)
        .map(|i| endpoint(i).with_weight([100, 50][i]))
        .collect();
    let balancer = prequal(PrequalRules::default(), &endpoints, now);
    let mut held = Vec::new();
    for i in 0..2 {
        report(&balancer, i, 0, 10, now);
    }
    for _ in 0..90 {
        held.push(balancer.pick(&PickHint::default(), now).unwrap());
    }
    assert_eq!(slot(&balancer, 0).in_flight(), 60);
}

#[test]
fn reports_of_replicas_that_stay_survive_an_update() {
    let now = clock::now();
    let balancer = standard(4, now);
    for i in 0..4 {
        report(&balancer, i, 5, 80 >> i, now);
    }
    balancer.update(&(1..4).rev().map(endpoint).collect(), now);
    assert_eq!(pick(&balancer, now), "r3");
    assert_eq!(pick(&balancer, now), "r2");
}

#[test]
fn probes_are_due_for_what_responses_leave_open_and_only_then() {
    let now = clock::now();
    let balancer = standard(3, now);
    let _ = pick(&balancer, now);
    assert!(balancer.probe_due(now).is_none()); // nobody is known to report
    for i in 0..3 {
        report(&balancer, i, 0, 5, now);
    }
    let now = now + ms(2000);
    assert!(balancer.probe_due(now).is_none()); // nobody has picked
    let _ = pick(&balancer, now);
    let probes: Vec<Probe> = std::iter::from_fn(|| balancer.probe_due(now)).collect();
    let names: HashSet<String> = probes
        .iter()
        .map(|one| one.endpoint().to_string())
        .collect();
    assert_eq!((probes.len(), names.len()), (2, 2)); // half of them, each once
    let _ = pick(&balancer, now);
    assert!(balancer.probe_due(now).is_none()); // they are under way
    for (i, probe) in probes.into_iter().enumerate() {
        probe.report(LoadReport::new(i as u32, ms(5)), now);
    }
    let _ = pick(&balancer, now);
    assert!(balancer.probe_due(now).is_none());
    // One renews itself by its responses, the others are old.
    let later = now + ms(1500);
    report(&balancer, 1, 0, 5, later);
    let _ = pick(&balancer, later);
    let probes: Vec<Probe> = std::iter::from_fn(|| balancer.probe_due(later)).collect();
    assert_eq!(probes.len(), 1);
    assert!(probes.iter().all(|probe| probe.endpoint() != &endpoint(1)));
}

#[test]
fn at_most_three_probes_a_pick_and_none_twice_to_who_does_not_report() {
    let now = clock::now();
    let balancer = standard(50, now);
    for i in 0..50 {
        report(&balancer, i, 0, 5, now);
    }
    let now = now + ms(2000);
    let _ = pick(&balancer, now);
    let first: Vec<Probe> = std::iter::from_fn(|| balancer.probe_due(now)).collect();
    assert_eq!(first.len(), 3);
    let asked: HashSet<String> = first.iter().map(|one| one.endpoint().to_string()).collect();
    drop(first); // no report
    let mut others = HashSet::new();
    for _ in 0..100 {
        let _ = pick(&balancer, now);
        while let Some(probe) = balancer.probe_due(now) {
            assert!(others.insert(probe.endpoint().to_string()));
        }
    }
    assert!(others.is_disjoint(&asked));
    assert_eq!(others.len(), 47);
    let later = now + ms(10_001);
    let _ = pick(&balancer, later);
    assert!(balancer.probe_due(later).is_some());
}

#[test]
fn no_probes_when_the_rate_is_zero() {
    let now = clock::now();
    let rules = PrequalRules {
        probe_rate: 0.0,
        ..PrequalRules::default()
    };
    let balancer = prequal(rules, &set(5), now);
    for i in 0..5 {
        report(&balancer, i, 0, 5, now);
    }
    let now = now + ms(2000);
    let _ = pick(&balancer, now);
    assert!(balancer.probe_due(now).is_none());
}

#[test]
fn who_finds_the_pool_taken_chooses_without_it() {
    let now = clock::now();
    let silent = Box::new(P2cEwma::new(1));
    let prequal = Prequal::new(PrequalRules::default(), silent, 1);
    let fleet = Fleet::new(Measures::default());
    fleet.update(&set(3), now, |members| prequal.update(members, now));
    let _taken = prequal.reports.hold();
    for slot in fleet.members().all() {
        prequal
            .reports
            .add(slot.id(), LoadReport::new(0, ms(1)), false, now);
    }
    assert!(prequal.choose(&PickHint::default(), now).is_some());
    assert!(prequal.probe_due(now).is_none());
}

#[test]
fn threads_together_leave_nothing_counted() {
    let now = clock::now();
    let balancer = standard(20, now);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut pick = balancer.pick(&PickHint::default(), now).unwrap();
                    pick.report(LoadReport::new(1, ms(5)), now);
                    pick.headers(Answer::Success, now);
                    while let Some(probe) = balancer.probe_due(now) {
                        probe.report(LoadReport::new(1, ms(5)), now);
                    }
                }
            });
        }
    });
    let members = balancer.fleet().members();
    assert!(members.all().iter().all(|slot| slot.in_flight() == 0));
}

#[test]
fn a_dropped_fleet_is_freed() {
    let now = clock::now();
    let balancer = standard(3, now);
    report(&balancer, 0, 1, 1, now);
    let slot = Arc::downgrade(&slot(&balancer, 0));
    drop(balancer);
    assert!(slot.upgrade().is_none());
}
