//! What decides on the calls to one service, beside the choice of the endpoint.

use std::sync::Arc;

use super::breaker::Breakers;
use crate::balance::outlier::{OutlierConfig, Outliers};
use crate::balance::{Balancer, Fleet, Measures, Ramp, Watch};
use crate::clock::Instant;
use crate::config::ClientSettings;
use crate::event::Observers;
use crate::resilience::retry::Retry;

/// The policies of one service. Clones share what the policies have counted; new settings keep it, too.
#[derive(Clone)]
pub(super) struct Policies {
    pub(super) retry: Arc<Retry>,
    pub(super) breakers: Breakers,
    pub(super) outliers: Arc<Outliers>,
}

impl Policies {
    pub(super) fn new(
        service: &Arc<str>,
        settings: &ClientSettings,
        observers: &Observers,
        seed: u64,
        now: Instant,
    ) -> Self {
        Self {
            retry: Arc::new(Retry::from(&settings.retry).seed(seed)),
            breakers: Breakers::new(&settings.breaker, seed),
            outliers: Arc::new(Outliers::new(
                service.clone(),
                OutlierConfig::from(&settings.outlier),
                observers.clone(),
                seed,
                now,
            )),
        }
    }

    /// A fleet whose endpoints have these breakers, and whose outliers are told.
    pub(super) fn fleet(&self, settings: &ClientSettings) -> Arc<Fleet> {
        let outliers: Arc<dyn Watch> = self.outliers.clone();
        Arc::new(Fleet::with(
            measures(settings),
            Some(self.breakers.make_gate()),
            [outliers],
        ))
    }

    /// The same under changed settings.
    pub(super) fn configure(
        &mut self,
        settings: &ClientSettings,
        balancer: &dyn Balancer,
        now: Instant,
    ) {
        self.retry = Arc::new(self.retry.updated(&settings.retry));
        self.breakers.configure(&settings.breaker, balancer);
        if let Some(fleet) = balancer.fleet() {
            fleet.measure(measures(settings));
        }
        self.outliers.configure(OutlierConfig::from(&settings.outlier), now);
    }
}

fn measures(settings: &ClientSettings) -> Measures {
    let mut measures = Measures::from(&settings.balance);
    measures.ramp = Ramp::from(&settings.slow_start);
    measures
}
