//! Fleets of made-up endpoints.

use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::{Balanced, Balancer, Fleet, Measures, Pick, PickHint, Ramp, algorithm};
use msa_core::clock::{self, Instant};
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::discovery::{Endpoint, EndpointSet};

pub(crate) const ALL: [BalancerName; 5] = [
    BalancerName::P2cEwma,
    BalancerName::LeastRequest,
    BalancerName::RoundRobin,
    BalancerName::Weighted,
    BalancerName::Random,
];

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// The n-th endpoint; its port tells n again.
pub(crate) fn endpoint(n: usize) -> Endpoint {
    format!("http://10.0.0.1:{}", n + 1).parse().unwrap()
}

pub(crate) fn index(endpoint: &Endpoint) -> usize {
    usize::from(endpoint.port()) - 1
}

pub(crate) fn even(n: usize) -> EndpointSet {
    (0..n).map(endpoint).collect()
}

pub(crate) fn weighing(weights: &[u32]) -> EndpointSet {
    (0..)
        .zip(weights)
        .map(|(n, weight)| endpoint(n).with_weight(*weight))
        .collect()
}

/// No slow start, unless a test is about it.
pub(crate) fn measures() -> Measures {
    let mut measures = Measures::default();
    measures.ramp = Ramp::off();
    measures
}

pub(crate) fn on(fleet: &Arc<Fleet>, name: BalancerName, seed: u64) -> Balanced {
    let algorithm = algorithm(name, &BalanceSettings::default(), seed);
    Balanced::new(fleet.clone(), algorithm, clock::now())
}

pub(crate) fn balanced(name: BalancerName, seed: u64, set: &EndpointSet) -> (Arc<Fleet>, Balanced) {
    let fleet = Arc::new(Fleet::new(measures()));
    let balanced = on(&fleet, name, seed);
    balanced.update(set, clock::now());
    (fleet, balanced)
}

pub(crate) fn pick(balanced: &Balanced, avoid: &[Endpoint], now: Instant) -> Pick {
    balanced.pick(&PickHint::avoiding(avoid), now).unwrap()
}

/// How often each of n endpoints is picked when every request is over at once.
pub(crate) fn counts(balanced: &Balanced, n: usize, picks: usize, now: Instant) -> Vec<usize> {
    let mut counts = vec![0; n];
    for _ in 0..picks {
        counts[index(pick(balanced, &[], now).endpoint())] += 1;
    }
    counts
}

/// Pearson's statistic of these counts against these weights.
pub(crate) fn chi_square(counts: &[usize], weights: &[u32]) -> f64 {
    let total: usize = counts.iter().sum();
    let whole: f64 = weights.iter().copied().map(f64::from).sum();
    counts
        .iter()
        .zip(weights)
        .filter(|(_, weight)| **weight > 0)
        .map(|(count, weight)| {
            let expected = total as f64 * f64::from(*weight) / whole;
            (*count as f64 - expected).powi(2) / expected
        })
        .sum()
}
