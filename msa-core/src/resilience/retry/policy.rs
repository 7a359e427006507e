//! The policy: what one destination's retries obey.

use std::hash::{BuildHasher as _, RandomState};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;

use super::draw::Draws;
use super::{Backoff, Conditions, Ending, RetryCall};
use crate::clock::Instant;
use crate::config::RetrySettings;
use crate::resilience::budget::Budget;

/// Whether, when and how often the calls to one destination are tried again.
///
/// Clones share the budget. `Retry::default()` is the table of the [module](super); each such has a budget of its own.
#[derive(Debug, Clone)]
#[must_use]
pub struct Retry {
    pub(super) max_retries: u32,
    pub(super) on: Conditions,
    pub(super) backoff: Backoff,
    pub(super) max_duration: Option<Duration>,
    pub(super) dark: bool,
    replay_limit: u64,
    pub(super) budget: Arc<Budget>,
    pub(super) draws: Arc<Draws>,
    /// What it was made of, as far as it was made of settings.
    settings: Option<Arc<RetrySettings>>,
}

impl Default for Retry {
    fn default() -> Self {
        Self::from(&RetrySettings::default())
    }
}

impl From<&RetrySettings> for Retry {
    fn from(settings: &RetrySettings) -> Self {
        Self {
            max_retries: settings.max_retries,
            on: settings.on.iter().copied().collect(),
            backoff: (&settings.backoff).into(),
            max_duration: settings.max_duration.map(|span| span.get()),
            dark: settings.dark,
            replay_limit: settings.replay_limit.get(),
            budget: Arc::new((&settings.budget).into()),
            draws: Arc::new(Draws::new(RandomState::new().hash_one(0_u8))),
            settings: Some(Arc::new(settings.clone())),
        }
    }
}

impl Retry {
    /// How many attempts may follow the first; 0 switches retries off. Defaults to 2.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// After which answers and failures. Defaults to [`Conditions::default`].
    pub fn on(mut self, conditions: Conditions) -> Self {
        self.on = conditions;
        self
    }

    /// The waits before the retries. Defaults to full jitter from 25 ms to 1 s.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// No retry starts later than this after the call did. Defaults to none.
    pub fn max_duration(mut self, time: Duration) -> Self {
        self.max_duration = Some(time);
        self
    }

    /// The budget that all calls share. Defaults to [`Budget::default`].
    pub fn budget(mut self, budget: impl Into<Arc<Budget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// Retries that the budget would grant now, or the tokens that it has left; `None` when it is unlimited.
    #[must_use]
    // Casts: a budget does not count to 2^53
    pub fn budget_left(&self, now: Instant) -> Option<f64> {
        match &*self.budget {
            Budget::Window(window) => Some(window.balance(now) as f64),
            Budget::Throttle(tokens) => Some(tokens.tokens()),
            Budget::Unlimited => None,
        }
    }

    /// Decides and reports, and makes no retry. Defaults to `false`.
    pub fn dark(mut self, dark: bool) -> Self {
        self.dark = dark;
        self
    }

    /// Where the waits' chance comes from. Defaults to another seed in every process.
    pub fn seed(mut self, seed: u64) -> Self {
        self.draws = Arc::new(Draws::new(seed));
        self
    }

    /// The same with changed settings: the budget and what it counted stay, unless the settings of the budget changed.
    pub fn updated(&self, settings: &RetrySettings) -> Self {
        let mut next = Self::from(settings);
        let same = |old: &Arc<RetrySettings>| old.budget == settings.budget;
        if self.settings.as_ref().is_some_and(same) {
            next.budget = self.budget.clone();
        }
        next.draws = self.draws.clone();
        next
    }

    /// After which answers and failures.
    pub fn conditions(&self) -> &Conditions {
        &self.on
    }

    /// How many bytes of a streamed request body are kept for a replay.
    #[must_use]
    pub fn replay_limit(&self) -> u64 {
        self.replay_limit
    }

    /// The most attempts that a call can make.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        self.max_retries.saturating_add(1)
    }

    /// How an attempt ended that was answered with this status and these headers. The headers are looked at only if they can matter,
    /// and `now` is asked for only then.
    #[inline]
    #[must_use]
    pub fn answered(
        &self,
        status: u16,
        headers: &HeaderMap,
        now: impl FnOnce() -> Instant,
    ) -> Ending {
        self.on.answered(status, headers, now)
    }

    /// A call begins: pays into the budget.
    #[inline]
    pub fn begin(&self, now: Instant) -> RetryCall<&Self> {
        Self::begin_with(self, now)
    }

    /// The same for a call that holds its policy, such as a future that lives on its own.
    #[inline]
    pub fn begin_shared(self: &Arc<Self>, now: Instant) -> RetryCall<Arc<Self>> {
        Self::begin_with(Arc::clone(self), now)
    }

    #[inline]
    fn begin_with<R: Deref<Target = Self>>(retry: R, now: Instant) -> RetryCall<R> {
        retry.budget.deposit(now);
        RetryCall::new(retry, now)
    }
}
