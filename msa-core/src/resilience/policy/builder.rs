//! Putting a policy together.

use std::sync::Arc;

use super::parts::{Dark, Parts};
use super::{Policies, Policy};
use crate::clock;
use crate::config::{PolicySettings, Span};
use crate::event::Observers;
use crate::resilience::breaker::Breaker;
use crate::resilience::bulkhead::Bulkhead;
use crate::resilience::cache::CacheRules;
use crate::resilience::hedge::Hedge;
#[cfg(feature = "rate-limit")]
use crate::resilience::rate_limit::RateLimit;
use crate::resilience::retry::Retry;
use crate::resilience::throttle::Throttle;

/// The policy cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyBuildError {
    /// Its name is empty.
    #[error("a policy needs a name: it is what events and the configuration call it")]
    NoName,
    /// A limit of no time at all.
    #[error("policy `{policy}`: a {limit} of 0s would refuse every call; leave it out for none")]
    ZeroTimeout {
        /// The policy's name.
        policy: String,
        /// Which one: `timeout` or `attempt timeout`.
        limit: &'static str,
    },
    /// Another policy of this registry has the name.
    #[error("there is a policy `{policy}` already; give each a name of its own")]
    NameTaken {
        /// The name.
        policy: String,
    },
}

/// Puts a [`Policy`] together; made by [`Policy::builder`]. Parts that are not given are not there.
#[derive(Debug)]
#[must_use]
pub struct PolicyBuilder {
    pub(super) name: Arc<str>,
    pub(super) parts: Parts,
    pub(super) base: PolicySettings,
    pub(super) observers: Option<Observers>,
    pub(super) dark: bool,
    pub(super) spends_txn_retries: bool,
    pub(super) repeats: bool,
    pub(super) of_function: bool,
    zero: Option<&'static str>,
}

impl PolicyBuilder {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            parts: Parts::none(),
            base: PolicySettings::default(),
            observers: None,
            dark: false,
            spends_txn_retries: false,
            repeats: true,
            of_function: false,
            zero: None,
        }
    }

    /// The most that a call may take in total: attempts and all waits. No limit by default; an inherited deadline always holds.
    pub fn timeout(mut self, timeout: Span) -> Self {
        self.note_zero(timeout, "timeout");
        self.base.timeout = Some(timeout);
        self.parts.timeout = Some(timeout.get());
        self
    }

    /// The most that one attempt may take. No limit by default.
    pub fn attempt_timeout(mut self, timeout: Span) -> Self {
        self.note_zero(timeout, "attempt timeout");
        self.base.attempt_timeout = Some(timeout);
        self.parts.attempt_timeout = Some(timeout.get());
        self
    }

    fn note_zero(&mut self, timeout: Span, limit: &'static str) {
        if timeout.is_zero() {
            self.zero = Some(limit);
        }
    }

    /// How many calls run at a time. Clones of one bulkhead share its permits among policies.
    pub fn bulkhead(mut self, bulkhead: Bulkhead) -> Self {
        self.parts.bulkhead = Dark::acting(bulkhead);
        self.base.bulkhead = None;
        self
    }

    /// How many calls begin a time. Feature `rate-limit`.
    #[cfg(feature = "rate-limit")]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.parts.rate_limit = Dark::acting(limit);
        self.base.rate_limit = None;
        self
    }

    /// Whether and when to try again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.parts.retry = Some(retry);
        self.base.retry = None;
        self
    }

    /// When to make a further attempt beside one that takes long. Each attempt of a retry is hedged anew.
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.parts.hedge = Some(hedge);
        self.base.hedge = None;
        self
    }

    /// How long answers are given again, to calls that say [by which key](super::PolicyCall::cached).
    pub fn cached(mut self, rules: CacheRules) -> Self {
        self.parts.cached = Some(rules);
        self.base.cached = None;
        self
    }

    /// When to stop calling. An `Arc` shares one breaker among policies.
    pub fn breaker(mut self, breaker: impl Into<Arc<Breaker>>) -> Self {
        self.parts.breaker = Dark::acting(breaker.into());
        self.base.breaker = None;
        self
    }

    /// Turning calls away in proportion to what the callee refuses: an alternative to the breaker.
    pub fn throttle(mut self, throttle: impl Into<Arc<Throttle>>) -> Self {
        self.parts.throttle = Dark::acting(throttle.into());
        self.base.throttle = None;
        self
    }

    /// All parts whose sections are set, from settings. What is overridden by the configuration is then overridden key by key; of a
    /// part that was built by code, an override replaces the settings by the defaults and what it sets.
    pub fn settings(mut self, settings: &PolicySettings) -> Self {
        self.parts = self.parts.with(settings, &self.parts, clock::now());
        self.base = self.base.overlaid(settings);
        self
    }

    /// Who is told of what it decides. Defaults to those of the registry that it is added to, else to nobody.
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = Some(observers);
        self
    }

    /// Whether it refuses nothing and repeats nothing, and only reports what it would do. Time limits and fallbacks act all the same.
    /// Defaults to `false`.
    pub fn dark(mut self, dark: bool) -> Self {
        self.dark = dark;
        self
    }

    /// Whether retries are paid from the transaction's budget too, which bounds those of all hops together. For functions that call
    /// another service and do not retry themselves. Defaults to `false`.
    pub fn spends_txn_retries(mut self, spends: bool) -> Self {
        self.spends_txn_retries = spends;
        self
    }

    /// Whether its calls can be made twice. If not, retry and hedge are left out, those that the configuration asks for too. Defaults to
    /// `true`.
    pub fn repeats(mut self, repeats: bool) -> Self {
        self.repeats = repeats;
        self
    }

    /// The policy.
    ///
    /// # Errors
    ///
    /// The name is empty, or a time limit is zero.
    pub fn build(self) -> Result<Policy, PolicyBuildError> {
        if self.name.is_empty() {
            return Err(PolicyBuildError::NoName);
        }
        if let Some(limit) = self.zero {
            let policy = self.name.to_string();
            return Err(PolicyBuildError::ZeroTimeout { policy, limit });
        }
        Ok(Policy::new(self))
    }

    /// The policy, known to a registry, whose overrides hold for it from now on.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build), or its name is taken.
    pub fn register(self, policies: &Policies) -> Result<Policy, PolicyBuildError> {
        policies.register(self.build()?)
    }
}
