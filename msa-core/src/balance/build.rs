//! The balancer that a configuration names.

use std::sync::Arc;

use super::{Algorithm, Balanced, Balancer, Fleet, Measures, RoundRobin};
use crate::clock::Instant;
use crate::config::BalancerName;

/// The algorithm of this name on a fleet of its own, with no endpoints yet.
///
/// The seed is the source of all its chance: each process, and each service in it, should have its own, so that many
/// clients do not move in step.
#[must_use]
pub fn build(name: BalancerName, seed: u64, now: Instant) -> Arc<dyn Balancer> {
    on(Arc::new(Fleet::new(Measures::default())), name, seed, now)
}

/// The algorithm of this name on a fleet that is there already: its endpoints keep their statistics.
#[must_use]
pub fn on(fleet: Arc<Fleet>, name: BalancerName, seed: u64, now: Instant) -> Arc<dyn Balancer> {
    Arc::new(Balanced::new(fleet, algorithm(name, seed), now))
}

fn algorithm(name: BalancerName, seed: u64) -> Box<dyn Algorithm> {
    match name {
        BalancerName::RoundRobin => Box::new(RoundRobin::new(seed)),
    }
}
