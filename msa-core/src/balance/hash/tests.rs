use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::balance::{
    Algorithm, Balanced, Balancer, Fleet, Mark, Measures, Only, Pick, PickHint, Ramp,
};
use crate::clock::{self, Instant};
use crate::discovery::{Endpoint, EndpointSet};

fn endpoint(i: usize) -> Endpoint {
    format!("http://10.0.{}.{}:80", i / 200, i % 200)
        .parse()
        .unwrap()
}

fn set(n: usize) -> EndpointSet {
    (0..n).map(endpoint).collect()
}

fn at_work(algorithm: impl Algorithm, endpoints: &EndpointSet, now: Instant) -> Balanced {
    let measures = Measures {
        ramp: Ramp::off(),
        ..Measures::default()
    };
    let balanced = Balanced::new(Arc::new(Fleet::new(measures)), Box::new(algorithm), now);
    balanced.update(endpoints, now);
    balanced
}

/// A ring and a table, unbounded.
fn both(endpoints: &EndpointSet, now: Instant) -> [Balanced; 2] {
    [
        at_work(RingHash::new(RingSize::default(), None, 1), endpoints, now),
        at_work(Maglev::new(MAGLEV_TABLE_SIZE, None, 1), endpoints, now),
    ]
}

fn pick(balancer: &Balanced, key: u64, now: Instant) -> Pick {
    let hint = PickHint {
        key: Some(key),
        ..PickHint::default()
    };
    balancer.pick(&hint, now).unwrap()
}

fn whose(balancer: &Balanced, key: u64, now: Instant) -> String {
    pick(balancer, key, now).endpoint().authority().to_owned()
}

fn owners(balancer: &Balanced, keys: u64, now: Instant) -> Vec<String> {
    (0..keys).map(|key| whose(balancer, key, now)).collect()
}

fn mark(balancer: &Balanced, authority: &str, mark: Mark, on: bool) {
    let members = balancer.fleet().members();
    let mut slots = members.all().iter();
    let slot = slots.find(|slot| slot.endpoint().authority() == authority);
    slot.unwrap().mark(mark, on);
}

#[test]
fn all_clients_agree_on_who_serves_a_key_whatever_their_seed_and_the_order_of_their_source() {
    let now = clock::now();
    let backwards: EndpointSet = (0..20).rev().map(endpoint).collect();
    for (one, other) in both(&set(20), now).iter().zip(&both(&backwards, now)) {
        assert_eq!(owners(one, 500, now), owners(other, 500, now));
    }
    let ring = RingHash::new(RingSize::default(), None, 99);
    let other_seed = at_work(ring, &set(20), now);
    assert_eq!(
        owners(&other_seed, 500, now),
        owners(&both(&set(20), now)[0], 500, now)
    );
}

#[test]
fn where_keys_belong_is_the_same_in_every_version() {
    let now = clock::now();
    for (balancer, expected) in both(&set(5), now).iter().zip(PINNED) {
        let owners: String = (0..20)
            .map(|key| whose(balancer, hash_key(format!("user-{key}")), now))
            .map(|authority| authority.as_bytes()["10.0.0.".len()] as char)
            .collect();
        assert_eq!(owners, expected);
    }
}

/// Who serves user-0 to user-19 among five. A change here moves every key of every cache on an upgrade.
const PINNED: [&str; 2] = ["10213031402410240041", "33314212140313322424"];

#[test]
fn instances_behind_one_name_share_the_keys() {
    let now = clock::now();
    let named = |i| {
        let named: Endpoint = "http://users:80".parse().unwrap();
        named.with_addr(format!("10.0.0.{i}:80").parse().unwrap())
    };
    for balancer in both(&(0..2).map(named).collect(), now) {
        let owned = (0..1000).filter(|key| {
            let pick = pick(&balancer, *key, now);
            pick.endpoint().addr() == named(0).addr()
        });
        assert!((350..650).contains(&owned.count()));
    }
}

#[test]
fn without_a_key_calls_spread_by_weight() {
    let now = clock::now();
    let endpoints: EndpointSet = (0..4)
        .map(|i| endpoint(i).with_weight([0, 1, 2, 5][i]))
        .collect();
    for (balancer, tolerance) in both(&endpoints, now).iter().zip([0.25, 0.05]) {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for _ in 0..16_000 {
            let pick = balancer.pick(&PickHint::default(), now).unwrap();
            *counts
                .entry(pick.endpoint().authority().to_owned())
                .or_default() += 1;
        }
        for (i, weight) in [0, 1, 2, 5].into_iter().enumerate() {
            let count = counts
                .get(endpoint(i).authority())
                .copied()
                .unwrap_or_default();
            let off = (f64::from(count) - 2000.0 * f64::from(weight)).abs();
            assert!(off <= 2000.0 * f64::from(weight) * tolerance, "{counts:?}");
        }
    }
}

#[test]
fn on_a_ring_only_the_keys_of_the_endpoint_that_leaves_or_comes_move() {
    let now = clock::now();
    let [ring, maglev] = both(&set(10), now);
    let before = (owners(&ring, 10_000, now), owners(&maglev, 10_000, now));
    let gone = endpoint(3).authority().to_owned();
    let fewer: EndpointSet = (0..10).filter(|i| *i != 3).map(endpoint).collect();
    ring.update(&fewer, now);
    maglev.update(&fewer, now);
    let moved = |before: &[String], after: &[String]| {
        let pairs = before.iter().zip(after);
        pairs
            .filter(|(before, after)| **before != gone && before != after)
            .count()
    };
    assert_eq!(moved(&before.0, &owners(&ring, 10_000, now)), 0);
    let maglev_moved = moved(&before.1, &owners(&maglev, 10_000, now));
    assert!(maglev_moved < 500, "{maglev_moved} of 10,000");
    ring.update(&set(10), now);
    maglev.update(&set(10), now);
    assert_eq!(owners(&ring, 10_000, now), before.0);
    assert_eq!(owners(&maglev, 10_000, now), before.1);
}

#[test]
fn the_keys_of_an_endpoint_set_aside_spread_over_the_others_and_come_back() {
    let now = clock::now();
    for balancer in both(&set(10), now) {
        let before = owners(&balancer, 5000, now);
        let out = endpoint(3).authority().to_owned();
        mark(&balancer, &out, Mark::Ejected, true);
        let mut heirs: HashMap<String, u32> = HashMap::new();
        for (before, after) in before.iter().zip(owners(&balancer, 5000, now)) {
            assert_ne!(after, out);
            if *before == out {
                *heirs.entry(after).or_default() += 1;
            } else {
                assert_eq!(*before, after);
            }
        }
        assert_eq!(heirs.len(), 9);
        mark(&balancer, &out, Mark::Ejected, false);
        assert_eq!(owners(&balancer, 5000, now), before);
    }
}

#[test]
fn a_retry_goes_to_the_next_on_the_walk_and_excluded_ones_are_never_taken() {
    let now = clock::now();
    for balancer in both(&set(10), now) {
        for key in 0..50 {
            let mut tried = Vec::new();
            for _ in 0..10 {
                let mut hint = PickHint::avoiding(&tried);
                hint.key = Some(key);
                let next = balancer.pick(&hint, now).unwrap().endpoint().clone();
                assert!(!tried.contains(&next));
                tried.push(next);
            }
            let these = [endpoint(7)];
            let mut hint = PickHint {
                key: Some(key),
                ..PickHint::default()
            };
            hint.only = Only::Endpoints(&these);
            assert_eq!(*balancer.pick(&hint, now).unwrap().endpoint(), these[0]);
            hint.only = Only::Endpoints(&[]);
            assert!(balancer.pick(&hint, now).is_none());
        }
    }
}

#[test]
fn a_hot_key_fills_its_endpoint_to_the_bound_and_then_the_next() {
    let now = clock::now();
    let ring = RingHash::new(RingSize::default(), Some(1.25), 1);
    let table = Maglev::new(MAGLEV_TABLE_SIZE, Some(1.25), 1);
    for balancer in [at_work(ring, &set(8), now), at_work(table, &set(8), now)] {
        let owner = whose(&balancer, 7, now);
        let mut held = Vec::new();
        for n in 1..=80_u32 {
            held.push(pick(&balancer, 7, now));
            let bound = (1.25 * f64::from(n) / 8.0).ceil() as u32;
            for slot in balancer.fleet().members().all() {
                assert!(slot.in_flight() <= bound, "{} of {n}", slot.in_flight());
            }
        }
        drop(held);
        assert_eq!(whose(&balancer, 7, now), owner); // and its keys come back
    }
}

#[test]
fn bounds_hold_by_weight_and_over_many_endpoints_with_random_keys() {
    let now = clock::now();
    let endpoints: EndpointSet = (0..100)
        .map(|i| endpoint(i).with_weight(if i < 50 { 1 } else { 3 }))
        .collect();
    let balancer = at_work(
        RingHash::new(RingSize::default(), Some(1.25), 1),
        &endpoints,
        now,
    );
    let held: Vec<Pick> = (0..4000)
        .map(|_| balancer.pick(&PickHint::default(), now).unwrap())
        .collect();
    for slot in balancer.fleet().members().all() {
        let bound = (1.25 * 4000.0 * f64::from(slot.weight()) / 200.0).ceil();
        assert!(f64::from(slot.in_flight()) <= bound, "{slot:?}");
    }
    drop(held);
}

#[test]
fn an_endpoint_in_slow_start_takes_over_its_keys_one_by_one_each_for_good() {
    let now = clock::now();
    let fleet = Arc::new(Fleet::new(Measures::default()));
    let ring = RingHash::new(RingSize::default(), None, 1);
    let balancer = Balanced::new(fleet, Box::new(ring), now);
    balancer.update(&set(4), now);
    balancer.update(&set(5), now);
    let new = endpoint(4).authority().to_owned();
    let at = |secs| now + Duration::from_secs(secs);
    let has = |secs| -> Vec<u64> {
        (0..5000)
            .filter(|key| whose(&balancer, *key, at(secs)) == new)
            .collect()
    };
    let shares: Vec<Vec<u64>> = [0, 3, 6, 10].map(has).to_vec();
    for pair in shares.windows(2) {
        assert!(pair[0].iter().all(|key| pair[1].contains(key)));
        assert!(pair[0].len() + 100 < pair[1].len());
    }
    assert!(shares[0].len() * 5 < shares[3].len());
}

#[test]
fn an_empty_set_gives_none_and_standby_serves_when_alone() {
    let now = clock::now();
    for balancer in both(&EndpointSet::default(), now) {
        assert!(balancer.pick(&PickHint::default(), now).is_none());
        let standby: EndpointSet = [endpoint(0).with_weight(0)].into_iter().collect();
        balancer.update(&standby, now);
        assert!(balancer.pick(&PickHint::default(), now).is_some());
        balancer.update(&set(3), now);
        assert_eq!(owners(&balancer, 50, now).len(), 50);
    }
}
