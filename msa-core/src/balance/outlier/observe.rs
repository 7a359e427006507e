//! The hot path: an answer is counted, and maybe breaks a rule.

use std::time::Duration;

use super::accrual::Accrual;
use super::detector::Detector;
use super::health::EndpointHealth;
use crate::balance::{Answer, Slot};
use crate::clock::Instant;
use crate::sync::atomic::{AtomicU32, Ordering};

/// A rule looks at the answers of an interval.
pub(super) const COUNTS: u32 = 1;
/// Failures of our own side are judged apart.
pub(super) const SPLIT: u32 = 1 << 1;
/// Failure accrual is on.
pub(super) const ACCRUAL: u32 = 1 << 2;
/// A rule looks at how long successes took.
pub(super) const TIMES: u32 = 1 << 3;

/// The rules that an answer broke; to be handed to [`Detector::eject`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[must_use = "nothing is ejected until Detector::eject is told"]
pub struct Broken {
    pub(super) local: bool,
    pub(super) gateway: bool,
    pub(super) errors: bool,
    pub(super) dead: Option<Duration>,
}

impl Broken {
    /// Whether none was.
    #[must_use]
    #[inline]
    pub fn is_none(&self) -> bool {
        !(self.local || self.gateway || self.errors) && self.dead.is_none()
    }
}

impl Detector {
    /// Told of an answer and how long it took to come. Tells which rules that broke.
    ///
    /// A body that failed is one more [`Answer::LocalFailure`].
    #[inline]
    pub fn observe(&self, slot: &Slot, answer: Answer, took: Duration, now: Instant) -> Broken {
        let mut broken = Broken::default();
        if answer == Answer::Ignored {
            return broken;
        }
        let health = slot.health();
        let mode = self.mode.load(Ordering::Relaxed);
        let apart = mode & SPLIT != 0;
        let local = answer == Answer::LocalFailure;
        if answer == Answer::Success {
            health.forget_failures();
        } else {
            broken = self.failed(health, answer, apart);
        }
        if mode & COUNTS != 0 {
            // What was answered, and where that is judged apart, whether it was reached.
            if answer == Answer::Success {
                health.answers.success();
                if mode & TIMES != 0 {
                    health.answers.took(took);
                }
            } else if !(local && apart) {
                health.answers.failure();
            }
            match (apart, local) {
                (true, true) => health.reached.failure(),
                (true, false) => health.reached.success(),
                (false, _) => {}
            }
        }
        if mode & ACCRUAL != 0 {
            broken.dead = self.accrue(health, answer == Answer::Success, now);
        }
        broken
    }

    #[inline]
    fn failed(&self, health: &EndpointHealth, answer: Answer, apart: bool) -> Broken {
        let threshold = |threshold: &AtomicU32| threshold.load(Ordering::Relaxed);
        let mut broken = Broken::default();
        if answer == Answer::LocalFailure {
            broken.local = health.local.failure(threshold(&self.local_failures));
            if apart {
                return broken;
            }
        } else {
            health.local.reset();
        }
        if answer == Answer::Failure {
            health.gateway.reset();
        } else {
            broken.gateway = health.gateway.failure(threshold(&self.gateway_failures));
        }
        broken.errors = health.errors.failure(threshold(&self.server_errors));
        broken
    }

    #[cold]
    fn accrue(&self, health: &EndpointHealth, success: bool, now: Instant) -> Option<Duration> {
        let mut accrual = health.accrual();
        if accrual.is_none() {
            // Once an endpoint. The lock is given back meanwhile: `configure` takes the two in the other order.
            drop(accrual);
            let config = self.state().config().accrual.clone();
            accrual = health.accrual();
            if accrual.is_none() {
                *accrual = config.map(|config| Accrual::new(&config, now));
            }
        }
        let accrual = accrual.as_mut()?;
        if !success {
            return accrual.failure(now);
        }
        if health.proves_itself() {
            accrual.revived(now);
        }
        accrual.success(now);
        None
    }
}
