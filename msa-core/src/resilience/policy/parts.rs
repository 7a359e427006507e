//! What a policy is made of at a moment. A call takes it as it is and keeps it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Instant;
use crate::config::{PolicySettings, Size, Span};
use crate::resilience::breaker::{Breaker, BreakerConfig};
use crate::resilience::bulkhead::{Bulkhead, BulkheadConfig};
use crate::resilience::cache::CacheRules;
use crate::resilience::hedge::Hedge;
#[cfg(feature = "rate-limit")]
use crate::resilience::rate_limit::{RateLimit, RateLimitConfig};
use crate::resilience::retry::Retry;
use crate::resilience::throttle::{Throttle, ThrottleConfig};

/// The parts of a pipeline.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// Whether there is a policy at all.
    pub(super) enabled: bool,
    /// Whether what the call brings may stand in.
    pub(super) fallback: bool,
    pub(super) stale: Option<StaleRules>,
    pub(super) cached: Option<CacheRules>,
    pub(super) timeout: Option<Duration>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) bulkhead: Option<Dark<Bulkhead>>,
    #[cfg(feature = "rate-limit")]
    pub(super) rate_limit: Option<Dark<RateLimit>>,
    pub(super) retry: Option<Retry>,
    pub(super) hedge: Option<Hedge>,
    pub(super) breaker: Option<Dark<Arc<Breaker>>>,
    pub(super) throttle: Option<Dark<Arc<Throttle>>>,
}

/// How old and how large answers may be that stand in.
#[derive(Debug, Clone, Copy)]
pub(super) struct StaleRules {
    pub(super) max_age: Duration,
    pub(super) max_bytes: Size,
}

/// A part, and whether it only reports.
#[derive(Debug, Clone)]
pub(super) struct Dark<P> {
    pub(super) part: P,
    pub(super) dark: bool,
}

impl<P> Dark<P> {
    pub(super) fn acting(part: P) -> Option<Self> {
        Some(Self { part, dark: false })
    }
}

impl Parts {
    pub(super) fn none() -> Self {
        Self {
            enabled: true,
            fallback: true,
            stale: None,
            cached: None,
            timeout: None,
            attempt_timeout: None,
            bulkhead: None,
            #[cfg(feature = "rate-limit")]
            rate_limit: None,
            retry: None,
            hedge: None,
            breaker: None,
            throttle: None,
        }
    }

    /// The parts as settings say, over these; those whose section is not set stay. A part that there is, here or in `current`, is
    /// changed in place, so that its state stays.
    pub(super) fn with(&self, settings: &PolicySettings, current: &Self, now: Instant) -> Self {
        let mut next = self.clone();
        next.enabled = settings.enabled.unwrap_or(self.enabled);
        let unless_zero = |span: Span| (!span.is_zero()).then_some(span.get());
        if let Some(timeout) = settings.timeout {
            next.timeout = unless_zero(timeout);
        }
        if let Some(timeout) = settings.attempt_timeout {
            next.attempt_timeout = unless_zero(timeout);
        }
        if let Some(section) = &settings.fallback {
            next.fallback = section.enabled;
            let is_on = section.enabled && !section.stale_for.is_zero();
            next.stale = is_on.then(|| StaleRules {
                max_age: section.stale_for.get(),
                max_bytes: section.stale_bytes,
            });
        }
        if let Some(section) = &settings.cached {
            next.cached = section.enabled.then(|| section.into());
        }
        if let Some(section) = &settings.bulkhead {
            let part = one_of(&self.bulkhead, &current.bulkhead);
            let part = part.unwrap_or_else(|| Bulkhead::new(section.into()));
            part.update(section.into());
            next.bulkhead = section.enabled.then_some(Dark {
                part,
                dark: section.dark,
            });
        }
        #[cfg(feature = "rate-limit")]
        if let Some(section) = &settings.rate_limit {
            next.rate_limit = RateLimitConfig::from_settings(section).map(|config| {
                let olds = [&self.rate_limit, &current.rate_limit];
                let same = (olds.into_iter().flatten()).find(|old| *old.part.config() == config);
                let same = same.map(|old| old.part.clone());
                Dark {
                    part: same.unwrap_or_else(|| RateLimit::new(config, now)),
                    dark: section.dark,
                }
            });
        }
        #[cfg(not(feature = "rate-limit"))]
        let _ = now; // only a rate limit begins at a moment
        if let Some(section) = &settings.retry {
            let old = current.retry.as_ref().or(self.retry.as_ref());
            next.retry = Some(old.map_or_else(|| section.into(), |old| old.updated(section)));
        }
        if let Some(section) = &settings.hedge {
            let old = current.hedge.as_ref().or(self.hedge.as_ref());
            next.hedge = section
                .enabled
                .then(|| old.map_or_else(|| section.into(), |old| old.updated(section)));
        }
        if let Some(section) = &settings.breaker {
            let part = one_of(&self.breaker, &current.breaker);
            let part = part.unwrap_or_else(|| Arc::new(Breaker::new(section.into())));
            part.update(section.into());
            next.breaker = section.enabled.then_some(Dark {
                part,
                dark: section.dark,
            });
        }
        if let Some(section) = &settings.throttle {
            let part = one_of(&self.throttle, &current.throttle);
            let part = part.unwrap_or_else(|| Arc::new(Throttle::new(section.into())));
            part.update(section.into());
            next.throttle = section.enabled.then_some(Dark {
                part,
                dark: section.dark,
            });
        }
        next
    }

    /// The rules of the parts that are changed in place.
    pub(super) fn rules(&self) -> Rules {
        Rules {
            bulkhead: self.bulkhead.as_ref().map(|old| old.part.config()),
            breaker: self.breaker.as_ref().map(|old| old.part.config()),
            throttle: self.throttle.as_ref().map(|old| old.part.config()),
        }
    }

    /// Gives the parts that were changed in place the rules that they had.
    pub(super) fn restore(&self, rules: &Rules) {
        if let (Some(part), Some(rules)) = (&self.bulkhead, rules.bulkhead) {
            part.part.update(rules);
        }
        if let (Some(part), Some(rules)) = (&self.breaker, &rules.breaker) {
            part.part.update(rules.clone());
        }
        if let (Some(part), Some(rules)) = (&self.throttle, rules.throttle) {
            part.part.update(rules);
        }
    }

    /// The same, all of which only reports.
    pub(super) fn darkened(mut self) -> Self {
        self.bulkhead.iter_mut().for_each(|part| part.dark = true);
        #[cfg(feature = "rate-limit")]
        self.rate_limit.iter_mut().for_each(|part| part.dark = true);
        self.breaker.iter_mut().for_each(|part| part.dark = true);
        self.throttle.iter_mut().for_each(|part| part.dark = true);
        self.retry = self.retry.map(|retry| retry.dark(true));
        self.hedge = self.hedge.map(|hedge| hedge.dark(true));
        self
    }

    /// The same for a function that can be called only once.
    pub(super) fn unrepeated(mut self) -> Self {
        self.retry = None;
        self.hedge = None;
        self
    }
}

/// The rules that parts had when the policy was built.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    bulkhead: Option<BulkheadConfig>,
    breaker: Option<BreakerConfig>,
    throttle: Option<ThrottleConfig>,
}

fn one_of<P: Clone>(built: &Option<Dark<P>>, current: &Option<Dark<P>>) -> Option<P> {
    let old = built.as_ref().or(current.as_ref());
    old.map(|old| old.part.clone())
}
