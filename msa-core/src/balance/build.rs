//! The balancer that a configuration names.

use std::sync::Arc;

use super::{Balancer, RoundRobin};
use crate::config::BalancerName;

/// The algorithm of this name, with no endpoints yet.
///
/// The seed is the source of all its chance: each process, and each service in it, should have its own, so that many
/// clients do not move in step.
#[must_use]
pub fn build(name: BalancerName, seed: u64) -> Arc<dyn Balancer> {
    match name {
        BalancerName::RoundRobin => Arc::new(RoundRobin::new(seed)),
    }
}
