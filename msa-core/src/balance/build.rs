//! The balancer that a configuration names.

use std::sync::Arc;

use super::chance::mix;
use super::{
    Algorithm, Balanced, Chance, ClientIndex, Fleet, LeastRequest, Maglev, Measures, P2cEwma,
    Prequal, PrequalRules, Random, RingHash, RingSize, RoundRobin, Subset, Weighted, ZoneAware,
};
use crate::clock::Instant;
use crate::config::{BalanceSettings, BalancerName, Percent};

/// The algorithm of this name on a fleet of its own, with no endpoints yet.
///
/// The seed is the source of all its chance: each process, and each service in it, should have its own, so that many
/// clients do not move in step.
#[must_use]
pub fn build(
    name: BalancerName,
    settings: &BalanceSettings,
    seed: u64,
    now: Instant,
) -> Arc<Balanced> {
    let fleet = Fleet::new(Measures::from(settings));
    build_on(Arc::new(fleet), name, settings, seed, now)
}

/// The algorithm of this name on a fleet that is there already: its endpoints keep their statistics, and are measured as the
/// settings say from now on.
#[must_use]
pub fn build_on(
    fleet: Arc<Fleet>,
    name: BalancerName,
    settings: &BalanceSettings,
    seed: u64,
    now: Instant,
) -> Arc<Balanced> {
    fleet.measure(Measures::from(settings));
    Arc::new(Balanced::new(fleet, algorithm(name, settings, seed), now))
}

/// The algorithm of this name, with no endpoints yet: in zones and subsets, where the settings ask for them.
///
/// Zones stand outermost: each, and all together for callers without one, has an algorithm and a subset of its own.
#[must_use]
pub fn algorithm(name: BalancerName, settings: &BalanceSettings, seed: u64) -> Box<dyn Algorithm> {
    let zone = &settings.zone;
    if zone.own.is_none() && zone.callers.is_none() {
        return in_subset(name, settings, seed);
    }
    let callers = zone.callers.map(Percent::fraction);
    let own = zone.own.clone();
    let settings = settings.clone();
    let seeds = Chance::new(seed);
    let make = move || in_subset(name, &settings, seeds.draw());
    Box::new(ZoneAware::new(own, callers, Box::new(make), seed))
}

fn in_subset(name: BalancerName, settings: &BalanceSettings, seed: u64) -> Box<dyn Algorithm> {
    let plain = plain(name, settings, seed);
    let subset = &settings.subset;
    if !subset.enabled {
        return plain;
    }
    let client = match &subset.client {
        Some(id) => ClientIndex::of(id),
        None => ClientIndex::new(mix(seed)),
    };
    let size = usize::try_from(subset.size).unwrap_or(usize::MAX);
    Box::new(Subset::new(size, client, plain, seed))
}

fn plain(name: BalancerName, settings: &BalanceSettings, seed: u64) -> Box<dyn Algorithm> {
    match name {
        BalancerName::P2cEwma => Box::new(P2cEwma::new(seed).choices(settings.choices)),
        BalancerName::LeastRequest => Box::new(LeastRequest::new(seed).choices(settings.choices)),
        BalancerName::RoundRobin => Box::new(RoundRobin::new(seed)),
        BalancerName::Weighted => Box::new(Weighted::new(seed)),
        BalancerName::Random => Box::new(Random::new(seed)),
        BalancerName::RingHash => {
            let ring = &settings.ring_hash;
            let size = RingSize::new(ring.min_size, ring.max_size);
            Box::new(RingHash::new(size, bound(ring.load_factor), seed))
        }
        BalancerName::Maglev => {
            let maglev = &settings.maglev;
            let bound = bound(maglev.load_factor);
            Box::new(Maglev::new(maglev.table_size, bound, seed))
        }
        BalancerName::Prequal => {
            let silent = P2cEwma::new(seed).choices(settings.choices);
            let rules = PrequalRules::from(&settings.prequal);
            Box::new(Prequal::new(rules, Box::new(silent), seed))
        }
    }
}

fn bound(load_factor: f32) -> Option<f32> {
    (load_factor > 0.0).then_some(load_factor)
}

#[cfg(test)]
#[cfg(not(msa_loom))]
mod tests {
    use super::*;
    use crate::balance::{Balancer, PickHint};
    use crate::clock;
    use crate::discovery::{Endpoint, EndpointSet};

    const NAMES: [BalancerName; 8] = [
        BalancerName::P2cEwma,
        BalancerName::LeastRequest,
        BalancerName::RoundRobin,
        BalancerName::Weighted,
        BalancerName::Random,
        BalancerName::RingHash,
        BalancerName::Maglev,
        BalancerName::Prequal,
    ];

    #[test]
    fn every_algorithm_works_in_zones_and_subsets() {
        let now = clock::now();
        let endpoints: EndpointSet = (0..60)
            .map(|i| {
                let endpoint: Endpoint = format!("http://10.0.0.{i}:80").parse().unwrap();
                endpoint.with_zone(["a", "b", "c"][i % 3])
            })
            .collect();
        let mut settings = BalanceSettings::default();
        settings.zone.own = Some("b".into());
        settings.subset.enabled = true;
        settings.subset.size = 5;
        settings.subset.client = Some("web-3".into());
        for name in NAMES {
            let balancer = build(name, &settings, 1, now);
            balancer.update(&endpoints, now);
            let mut used: Vec<String> = Vec::new();
            for _ in 0..300 {
                let pick = balancer.pick(&PickHint::default(), now).unwrap();
                assert_eq!(pick.endpoint().zone(), Some("b"), "{name:?}");
                used.push(pick.endpoint().authority().to_owned());
            }
            used.sort_unstable();
            used.dedup();
            assert!((5..=8).contains(&used.len()), "{name:?}: {}", used.len());
        }
    }
}
