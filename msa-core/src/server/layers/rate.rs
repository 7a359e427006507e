//! `server.rate_limit`: requests above the server's rate are answered 429 before their bodies are read.

#[cfg(feature = "rate-limit")]
pub(crate) use on::{Passed, RateGate};

#[cfg(not(feature = "rate-limit"))]
pub(crate) use off::{Passed, RateGate};

#[cfg(feature = "rate-limit")]
mod on {
    use std::sync::Arc;

    use arc_swap::ArcSwapOption;
    use axum::response::Response;

    use crate::clock::{self, Instant};
    use crate::config::ServerRateLimitSettings;
    use crate::event::{Event, Observers};
    use crate::resilience::rate_limit::{Quota, RateLimit, RateLimitConfig, refusal};
    use crate::server::ServerError;
    use crate::server::layers::Refusal;
    use crate::txn::{self, Txn};

    /// The limit's name in the headers.
    const NAME: &str = "server";

    /// The rate of the whole server, while there is one. Cheap to clone; clones share it, and its settings are live.
    #[derive(Debug, Clone)]
    pub(crate) struct RateGate(Arc<ArcSwapOption<Rule>>);

    #[derive(Debug)]
    struct Rule {
        settings: ServerRateLimitSettings,
        limit: RateLimit,
    }

    /// What a request that was let in, or refused, tells its client of the rate.
    #[derive(Debug, Default)]
    pub(crate) struct Passed(Option<Quota>);

    impl RateGate {
        pub(crate) fn new(
            settings: &ServerRateLimitSettings,
            now: Instant,
        ) -> Result<Self, ServerError> {
            Ok(Self(Arc::new(ArcSwapOption::new(rule(settings, now)))))
        }

        /// Takes over changed settings. Another rate begins anew, with all its permits.
        pub(crate) fn configure(
            &self,
            settings: &ServerRateLimitSettings,
            now: Instant,
        ) -> Result<(), ServerError> {
            let old = self.0.load();
            if old.as_ref().is_none_or(|old| old.settings != *settings) {
                self.0.store(rule(settings, now));
            }
            Ok(())
        }

        /// Counts a request; tells the observers of a refusal.
        #[inline]
        pub(crate) fn pass(&self, observers: &Observers) -> Result<Passed, Refusal> {
            match &*self.0.load() {
                None => Ok(Passed(None)),
                Some(rule) => rule.pass(observers),
            }
        }
    }

    fn rule(settings: &ServerRateLimitSettings, now: Instant) -> Option<Arc<Rule>> {
        let config = RateLimitConfig::from_server_settings(settings)?;
        Some(Arc::new(Rule {
            settings: settings.clone(),
            limit: RateLimit::new(config, now),
        }))
    }

    impl Rule {
        fn pass(&self, observers: &Observers) -> Result<Passed, Refusal> {
            let limited = match self.limit.try_acquire(clock::now()) {
                Ok(quota) => return Ok(Passed(Some(quota))),
                Err(limited) => limited,
            };
            let class = txn::with_current(Txn::criticality).unwrap_or_default();
            observers.tell(&Event::Shed {
                criticality: class.as_str(),
                reason: "rate_limit",
                dark: self.settings.dark,
            });
            if self.settings.dark {
                return Ok(Passed(Some(limited.quota)));
            }
            Err(Box::new(refusal(&limited, Some(NAME))))
        }
    }

    impl Passed {
        /// Says in the answer what is left.
        #[inline]
        pub(crate) fn tell(&self, answer: &mut Response) {
            if let Some(quota) = &self.0 {
                quota.headers(NAME, answer.headers_mut());
            }
        }
    }
}

/// Nothing at all without the feature.
#[cfg(not(feature = "rate-limit"))]
mod off {
    use axum::response::Response;

    use crate::clock::Instant;
    use crate::config::ServerRateLimitSettings;
    use crate::event::Observers;
    use crate::server::ServerError;
    use crate::server::layers::Refusal;

    #[derive(Debug, Clone)]
    pub(crate) struct RateGate;

    #[derive(Debug, Default)]
    pub(crate) struct Passed;

    impl RateGate {
        pub(crate) fn new(
            settings: &ServerRateLimitSettings,
            now: Instant,
        ) -> Result<Self, ServerError> {
            Self.configure(settings, now).map(|()| Self)
        }

        pub(crate) fn configure(
            &self,
            settings: &ServerRateLimitSettings,
            _now: Instant,
        ) -> Result<(), ServerError> {
            match settings.rate {
                None => Ok(()),
                Some(_) => Err(ServerError::Feature {
                    key: "server.rate_limit",
                    feature: "rate-limit",
                }),
            }
        }

        pub(crate) fn pass(&self, _observers: &Observers) -> Result<Passed, Refusal> {
            Ok(Passed)
        }
    }

    impl Passed {
        pub(crate) fn tell(&self, _answer: &mut Response) {}
    }
}
