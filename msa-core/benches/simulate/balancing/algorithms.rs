//! The balancers that stand in the lists.

use std::sync::Arc;

use msa_core::balance::{self, Balancer};
use msa_core::clock;
use msa_core::config::BalancerName;

/// A balancer by the name that the configuration gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Algorithm(BalancerName);

/// All of them.
pub(crate) const ALL: &[Algorithm] = &[Algorithm(BalancerName::RoundRobin)];

impl Algorithm {
    pub(crate) fn name(self) -> &'static str {
        self.0.as_str()
    }

    pub(crate) fn make(self, seed: u64) -> Arc<dyn Balancer> {
        balance::build(self.0, seed, clock::now())
    }
}
