//! What decides on the calls to one service, beside the choice of the endpoint.

use std::sync::Arc;

use super::answers::Answers;
use super::breaker::Breakers;
use crate::balance::outlier::{OutlierConfig, Outliers};
use crate::balance::{Balancer, Fleet, Measures, Ramp, Watch};
use crate::clock::Instant;
use crate::config::{ClientSettings, LimitMode};
use crate::event::Observers;
#[cfg(feature = "fault")]
use crate::fault::Faults;
use crate::resilience::bulkhead::Bulkhead;
use crate::resilience::hedge::Hedge;
use crate::resilience::limit::{LimitConfig, LimitGuard};
#[cfg(feature = "rate-limit")]
use crate::resilience::rate_limit::{RateLimit, RateLimitConfig};
use crate::resilience::retry::Retry;
use crate::resilience::throttle::{Throttle, ThrottleConfig};

/// The policies of one service. Clones share what the policies have counted; new settings keep it, too.
#[derive(Clone)]
pub(super) struct Policies {
    pub(super) settings: Arc<ClientSettings>,
    pub(super) answers: Option<Answers>,
    pub(super) bulkhead: Bulkhead,
    pub(super) limit: LimitGuard,
    #[cfg(feature = "rate-limit")]
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) throttle: Option<Arc<Throttle>>,
    pub(super) retry: Arc<Retry>,
    pub(super) hedge: Option<Arc<Hedge>>,
    pub(super) breakers: Breakers,
    pub(super) outliers: Arc<Outliers>,
    #[cfg(feature = "fault")]
    pub(super) faults: Option<Arc<Faults>>,
    seed: u64,
}

impl Policies {
    pub(super) fn new(
        service: &Arc<str>,
        settings: &ClientSettings,
        observers: &Observers,
        seed: u64,
        now: Instant,
    ) -> Self {
        let outliers = OutlierConfig::from(&settings.outlier);
        Self {
            settings: Arc::new(settings.clone()),
            answers: Answers::of(settings),
            bulkhead: Bulkhead::new((&settings.bulkhead).into()),
            limit: LimitGuard::client(service.clone(), &settings.limit, seed, now)
                .observed_by(observers.clone()),
            #[cfg(feature = "rate-limit")]
            rate_limit: rate_limit(settings, now),
            throttle: throttle(settings, seed),
            retry: Arc::new(Retry::from(&settings.retry).seed(seed)),
            hedge: (settings.hedge.enabled).then(|| Arc::new(Hedge::from(&settings.hedge))),
            breakers: Breakers::new(&settings.breaker, seed),
            outliers: Arc::new(Outliers::new(
                service.clone(),
                outliers,
                observers.clone(),
                seed,
                now,
            )),
            #[cfg(feature = "fault")]
            faults: faults(settings, seed),
            seed,
        }
    }

    /// A fleet whose endpoints have these breakers, and whose outliers are told.
    pub(super) fn fleet(&self, settings: &ClientSettings) -> Arc<Fleet> {
        let outliers: Arc<dyn Watch> = self.outliers.clone();
        let gates = self.breakers.make_gate();
        Arc::new(Fleet::with(measures(settings), Some(gates), [outliers]))
    }

    /// The same under changed settings. What they leave as it was goes on with what it has counted.
    pub(super) fn configure(
        &mut self,
        settings: &ClientSettings,
        balancer: &dyn Balancer,
        now: Instant,
    ) {
        let old = std::mem::replace(&mut self.settings, Arc::new(settings.clone()));
        if old.fallback != settings.fallback || old.coalesce != settings.coalesce {
            self.answers = Answers::of(settings);
        }
        self.bulkhead.update((&settings.bulkhead).into());
        let limit = LimitConfig::from(&settings.limit);
        self.limit.configure(settings.limit.mode, &limit, now);
        #[cfg(feature = "rate-limit")]
        if old.rate_limit != settings.rate_limit {
            self.rate_limit = rate_limit(settings, now);
        }
        match &self.throttle {
            Some(throttle) if settings.throttle.enabled => {
                throttle.update(ThrottleConfig::from(&settings.throttle));
            }
            _ => self.throttle = throttle(settings, self.seed),
        }
        self.retry = Arc::new(self.retry.updated(&settings.retry));
        self.hedge = settings.hedge.enabled.then(|| match &self.hedge {
            Some(hedge) => Arc::new(hedge.updated(&settings.hedge)),
            None => Arc::new(Hedge::from(&settings.hedge)),
        });
        self.breakers.configure(&settings.breaker, balancer);
        if let Some(fleet) = balancer.fleet() {
            fleet.measure(measures(settings));
        }
        self.outliers
            .configure(OutlierConfig::from(&settings.outlier), now);
        #[cfg(feature = "fault")]
        if old.fault != settings.fault {
            self.faults = faults(settings, self.seed);
        }
    }

    /// Whether attempts may meet a fault on purpose.
    pub(super) fn injects_faults(&self) -> bool {
        #[cfg(feature = "fault")]
        return self.faults.is_some();
        #[cfg(not(feature = "fault"))]
        false
    }

    /// Whether nothing but the bulkhead may stand against a call's beginning.
    pub(super) fn admits_freely(&self) -> bool {
        #[cfg(feature = "rate-limit")]
        if self.rate_limit.is_some() {
            return false;
        }
        self.throttle.is_none() && self.limit.mode() == LimitMode::Off
    }
}

fn measures(settings: &ClientSettings) -> Measures {
    let mut measures = Measures::from(&settings.balance);
    measures.ramp = Ramp::from(&settings.slow_start);
    measures
}

fn throttle(settings: &ClientSettings, seed: u64) -> Option<Arc<Throttle>> {
    let settings = &settings.throttle;
    let made = || Throttle::seeded(ThrottleConfig::from(settings), seed);
    settings.enabled.then(|| Arc::new(made()))
}

#[cfg(feature = "rate-limit")]
fn rate_limit(settings: &ClientSettings, now: Instant) -> Option<RateLimit> {
    let config = RateLimitConfig::from_settings(&settings.rate_limit)?;
    Some(RateLimit::new(config, now))
}

#[cfg(feature = "fault")]
fn faults(settings: &ClientSettings, seed: u64) -> Option<Arc<Faults>> {
    if !settings.fault.is_on() {
        return None;
    }
    match Faults::new(&settings.fault, seed) {
        Ok(faults) => Some(Arc::new(faults)),
        Err(error) => {
            tracing::error!(target: "msa::client", %error, "no faults are injected: their settings cannot be used");
            None
        }
    }
}
