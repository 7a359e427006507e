//! The policy: when one destination's calls are hedged.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::{Digest, HedgeCall};
use crate::clock::Instant;
use crate::config::{HedgeSettings, Percent};
use crate::resilience::budget::Budget;
use crate::resilience::retry::Conditions;

/// When the calls to one destination are hedged. Clones share the budget and what was learnt about latencies.
#[derive(Debug, Clone)]
#[must_use]
pub struct Hedge {
    delay: Delay,
    min_delay: Duration,
    pub(super) max_extra: u32,
    pub(super) on: Conditions,
    pub(super) budget: Arc<Budget>,
    pub(super) dark: bool,
    settings: Option<Arc<HedgeSettings>>,
}

#[derive(Debug, Clone)]
enum Delay {
    Fixed(Duration),
    Measured(Arc<Digest>),
}

impl From<&HedgeSettings> for Hedge {
    /// [`HedgeSettings::enabled`] is for whoever asks whether to hedge at all.
    fn from(settings: &HedgeSettings) -> Self {
        Self {
            delay: match settings.delay {
                Some(delay) => Delay::Fixed(delay.get()),
                None => Delay::Measured(Arc::new(Digest::new(settings.percentile))),
            },
            min_delay: settings.min_delay.get(),
            max_extra: settings.max_extra,
            on: Conditions::default(),
            budget: Arc::new((&settings.budget).into()),
            dark: settings.dark,
            settings: Some(Arc::new(settings.clone())),
        }
    }
}

impl Hedge {
    /// After a fixed wait; everything else by the defaults of the [module](super).
    pub fn after(delay: Duration) -> Self {
        let mut hedge = Self::from(&HedgeSettings::default());
        hedge.delay = Delay::Fixed(delay);
        hedge
    }

    /// After what this share of the latest answers took at most.
    pub fn after_percentile(percentile: Percent) -> Self {
        let mut hedge = Self::from(&HedgeSettings::default());
        hedge.delay = Delay::Measured(Arc::new(Digest::new(percentile)));
        hedge
    }

    /// The most attempts beside the first, each after a further wait. Defaults to 1.
    pub fn max_extra(mut self, attempts: u32) -> Self {
        self.max_extra = attempts;
        self
    }

    /// The shortest wait that a percentile may lead to. Defaults to 1 ms.
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.min_delay = delay;
        self
    }

    /// Which answers do not win as long as another attempt runs. Defaults to those that a retry would follow.
    pub fn on(mut self, conditions: Conditions) -> Self {
        self.on = conditions;
        self
    }

    /// The budget that all calls share. Defaults to 10 % of the calls of 10 s, and 1 a second.
    pub fn budget(mut self, budget: impl Into<Arc<Budget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// Decides and reports, and starts nothing. Defaults to `false`.
    pub fn dark(mut self, dark: bool) -> Self {
        self.dark = dark;
        self
    }

    /// The same with changed settings: what was counted and learnt stays, unless the settings of it changed.
    pub fn updated(&self, settings: &HedgeSettings) -> Self {
        let mut next = Self::from(settings);
        if let Some(old) = &self.settings {
            if old.budget == settings.budget {
                next.budget = self.budget.clone();
            }
            if old.percentile == settings.percentile && old.delay == settings.delay {
                next.delay = self.delay.clone();
            }
        }
        next
    }

    /// The wait before a further attempt, as things are; `None` while too little is known.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match &self.delay {
            Delay::Fixed(delay) => Some(*delay),
            Delay::Measured(digest) => digest.told().map(|told| told.max(self.min_delay)),
        }
    }

    /// An attempt took so long; one that was cancelled took longer, and what it took so far is told.
    ///
    /// Without the losers a percentile would be that of the fast ones, the wait would shrink, and more and more would be hedged.
    #[inline]
    pub fn record(&self, latency: Duration, now: Instant) {
        if let Delay::Measured(digest) = &self.delay {
            digest.record(latency, now);
        }
    }

    /// An attempt ended, well or not.
    pub(crate) fn settled(&self, good: bool) {
        match good {
            true => self.budget.succeeded(),
            false => self.budget.failed(),
        }
    }

    /// An idempotent call begins at `now`: pays into the budget.
    pub fn begin(&self, now: Instant) -> HedgeCall<&Self> {
        Self::begin_with(self, now)
    }

    /// The same for a call that holds its policy.
    pub fn begin_shared(self: &Arc<Self>, now: Instant) -> HedgeCall<Arc<Self>> {
        Self::begin_with(Arc::clone(self), now)
    }

    fn begin_with<R: Deref<Target = Self>>(hedge: R, now: Instant) -> HedgeCall<R> {
        hedge.budget.deposit(now);
        HedgeCall::new(hedge, now)
    }
}
