//! The balancers that stand in the lists.

use std::sync::Arc;

use msa_core::balance::outlier::{OutlierConfig, Outliers};
use msa_core::balance::{self, Balanced, Balancer, Fleet, Measures, Watch};
use msa_core::clock;
use msa_core::config::{BalanceSettings, BalancerName};
use msa_core::event::Observers;

/// A balancer by the name that the configuration gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Algorithm(BalancerName);

/// All of them. Those that hash get a key by chance for each request.
pub(crate) const ALL: &[Algorithm] = &[
    Algorithm(BalancerName::RoundRobin),
    Algorithm(BalancerName::Weighted),
    Algorithm(BalancerName::Random),
    Algorithm(BalancerName::RingHash),
    Algorithm(BalancerName::Maglev),
    Algorithm(BalancerName::LeastRequest),
    Algorithm(BalancerName::P2cEwma),
    Algorithm(BalancerName::Prequal),
];

impl Algorithm {
    pub(crate) fn name(self) -> &'static str {
        self.0.as_str()
    }

    pub(crate) fn make(self, seed: u64) -> Arc<dyn Balancer> {
        balance::build(self.0, &BalanceSettings::default(), seed, clock::now())
    }

    /// The same on a fleet whose outliers are set aside.
    pub(crate) fn make_with_outliers(self, seed: u64) -> Arc<dyn Balancer> {
        let now = clock::now();
        let config = OutlierConfig::default();
        let outliers: Arc<dyn Watch> = Arc::new(Outliers::new(
            "simulated",
            config,
            Observers::none(),
            seed,
            now,
        ));
        let fleet = Fleet::with(Measures::default(), None, [outliers]);
        let algorithm = balance::algorithm(self.0, &BalanceSettings::default(), seed);
        Arc::new(Balanced::new(Arc::new(fleet), algorithm, now))
    }
}
