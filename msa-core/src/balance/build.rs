//! The balancer that a configuration names.

use std::sync::Arc;

use super::{
    Algorithm, Balanced, Balancer, Fleet, LeastRequest, Measures, P2cEwma, Random, RoundRobin,
    Weighted,
};
use crate::clock::Instant;
use crate::config::{BalanceSettings, BalancerName};

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
) -> Arc<dyn Balancer> {
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
) -> Arc<dyn Balancer> {
    fleet.measure(Measures::from(settings));
    Arc::new(Balanced::new(fleet, algorithm(name, settings, seed), now))
}

/// The algorithm of this name, with no endpoints yet.
#[must_use]
pub fn algorithm(name: BalancerName, settings: &BalanceSettings, seed: u64) -> Box<dyn Algorithm> {
    match name {
        BalancerName::P2cEwma => Box::new(P2cEwma::new(seed).choices(settings.choices)),
        BalancerName::LeastRequest => Box::new(LeastRequest::new(seed).choices(settings.choices)),
        BalancerName::RoundRobin => Box::new(RoundRobin::new(seed)),
        BalancerName::Weighted => Box::new(Weighted::new(seed)),
        BalancerName::Random => Box::new(Random::new(seed)),
    }
}
