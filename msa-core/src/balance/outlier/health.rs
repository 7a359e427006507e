//! What a detector knows of one endpoint.

use std::sync::PoisonError;
use std::time::Duration;

use super::accrual::Accrual;
use super::streak::Streak;
use super::tally::Tally;
use crate::clock::Instant;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// What outlier detection keeps of one endpoint: part of its [slot](crate::balance::Slot), for as long as the endpoint is
/// known. Whether it is set aside says the slot's [mark](crate::balance::Mark).
///
/// Told without a lock; only ejections, sweeps and (where it is switched on) failure accrual take one.
#[derive(Debug)]
pub struct EndpointHealth {
    pub(super) gateway: Streak,
    pub(super) errors: Streak,
    pub(super) local: Streak,
    /// What it answered; failures of our own side too, unless they are judged apart.
    pub(super) answers: Tally,
    /// Whether it could be reached, where that is judged apart.
    pub(super) reached: Tally,
    /// Back from an ejection by failure accrual, and not yet heard of.
    probation: AtomicBool,
    sentence: Mutex<Sentence>,
    accrual: Mutex<Option<Accrual>>,
}

impl EndpointHealth {
    /// Of an endpoint that nothing is known of.
    pub(in crate::balance) fn new() -> Self {
        Self {
            gateway: Streak::new(),
            errors: Streak::new(),
            local: Streak::new(),
            answers: Tally::new(),
            reached: Tally::new(),
            probation: AtomicBool::new(false),
            sentence: Mutex::new(Sentence::default()),
            accrual: Mutex::new(None),
        }
    }

    /// The success rate, in percent, of the interval before the last sweep; `None` without enough requests to judge it.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        self.sentence().rate
    }

    /// The same of connections, where failures of our own side are judged apart.
    #[must_use]
    pub fn local_success_rate(&self) -> Option<f64> {
        self.sentence().local_rate
    }

    /// How often it was ejected in a row, less the healthy intervals since: what the next ejection's time grows with.
    #[must_use]
    pub fn ejections_in_a_row(&self) -> u32 {
        self.sentence().times
    }

    /// When its ejection ends, if it was ejected.
    #[must_use]
    pub fn ejected_until(&self) -> Option<Instant> {
        self.sentence().ejected_until
    }

    pub(super) fn put_on_probation(&self) {
        self.probation.store(true, Ordering::Relaxed);
    }

    /// Ends its probation; tells whether it was on one.
    pub(super) fn proves_itself(&self) -> bool {
        self.probation.load(Ordering::Relaxed) && self.probation.swap(false, Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn forget_failures(&self) {
        self.gateway.reset();
        self.errors.reset();
        self.local.reset();
    }

    pub(super) fn sentence(&self) -> MutexGuard<'_, Sentence> {
        self.sentence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn accrual(&self) -> MutexGuard<'_, Option<Accrual>> {
        self.accrual.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is decided of an endpoint, and until when.
#[derive(Debug, Default)]
pub(super) struct Sentence {
    pub(super) ejected_until: Option<Instant>,
    pub(super) draining_until: Option<Instant>,
    /// Ejected so many times in a row; falls again while it is healthy.
    pub(super) times: u32,
    /// Healthy since then, up to here counted.
    pub(super) healthy_since: Option<Instant>,
    pub(super) by_accrual: bool,
    /// It would be out until then, had not the cap, chance or dark mode kept it in.
    pub(super) kept_in_until: Option<Instant>,
    pub(super) rate: Option<f64>,
    pub(super) local_rate: Option<f64>,
}

impl Sentence {
    /// Takes one ejection off for each whole interval of health.
    pub(super) fn heal(&mut self, interval: Duration, now: Instant) {
        let Some(since) = self.healthy_since else {
            return;
        };
        let interval = interval.max(Duration::from_nanos(1));
        let healthy = now.saturating_duration_since(since).as_nanos() / interval.as_nanos();
        let whole = u32::try_from(healthy).unwrap_or(u32::MAX);
        self.times = self.times.saturating_sub(whole);
        self.healthy_since = if self.times == 0 {
            None
        } else {
            since.checked_add(interval.saturating_mul(whole))
        };
    }
}
