//! Changes of state, kept in order until they are told.

use std::collections::VecDeque;
use std::fmt;

use super::{Breaker, State};
use crate::clock::Instant;
use crate::event::{Event, Observers};
use crate::sync::atomic::Ordering;

/// Changes kept for observers that do not ask; older ones are forgotten, which their epochs show.
const KEPT: usize = 64;

/// A change of a breaker's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transition {
    /// The state it left.
    pub from: State,
    /// The state it is in since.
    pub to: State,
    /// Why.
    pub reason: Reason,
    /// When. A change that is noticed late, as the end of a time is, has the time at which it was due.
    pub at: Option<Instant>,
    /// The number of the epoch that it began; later changes have higher ones.
    pub epoch: u64,
}

/// What made a breaker change its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The failure rate was reached.
    FailureRate,
    /// The slow-call rate was reached.
    SlowRate,
    /// The number of failures in the window was reached.
    Failures,
    /// So many failures in a row.
    ConsecutiveFailures,
    /// So many failures to connect in a row.
    ConsecutiveConnectFailures,
    /// A policy from outside said so: [`FailurePolicy`](super::FailurePolicy).
    Policy,
    /// The open time was over and a call came.
    OpenTimeOver,
    /// The trial calls went well.
    TrialsSucceeded,
    /// Trial calls failed.
    TrialFailed,
    /// A trial call was cancelled.
    TrialCancelled,
    /// The trial calls did not end in time.
    TrialsStuck,
    /// Somebody told it to.
    Manual,
}

impl Reason {
    /// Its name in events, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FailureRate => "failure_rate",
            Self::SlowRate => "slow_rate",
            Self::Failures => "failures",
            Self::ConsecutiveFailures => "consecutive_failures",
            Self::ConsecutiveConnectFailures => "consecutive_connect_failures",
            Self::Policy => "policy",
            Self::OpenTimeOver => "open_time_over",
            Self::TrialsSucceeded => "trials_succeeded",
            Self::TrialFailed => "trial_failed",
            Self::TrialCancelled => "trial_cancelled",
            Self::TrialsStuck => "trials_stuck",
            Self::Manual => "manual",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The changes that nobody was told of yet.
#[derive(Debug, Default)]
pub(super) struct Untold {
    changes: VecDeque<Transition>,
    /// Whether somebody is telling them right now.
    telling: bool,
}

impl Untold {
    pub(super) fn push(&mut self, change: Transition) {
        if self.changes.len() == KEPT {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}

/// The changes of a breaker that were not told yet, oldest first.
///
/// Only one at a time yields anything: so observers hear of changes in their order, from whichever thread, and a change that
/// another thread makes meanwhile is yielded by this one.
#[derive(Debug)]
#[must_use = "the changes are told by iterating"]
pub struct Transitions<'a> {
    breaker: &'a Breaker,
    mine: bool,
}

impl Iterator for Transitions<'_> {
    type Item = Transition;

    fn next(&mut self) -> Option<Transition> {
        if !self.mine {
            return None;
        }
        let mut core = self.breaker.lock();
        let change = core.untold.changes.pop_front();
        if change.is_none() {
            // Under the same lock as the look: whoever makes a change from now on tells it.
            core.untold.telling = false;
            self.breaker.untold.store(false, Ordering::Release);
            self.mine = false;
        }
        change
    }
}

impl Drop for Transitions<'_> {
    fn drop(&mut self) {
        if self.mine {
            self.breaker.lock().untold.telling = false;
        }
    }
}

impl Breaker {
    /// The changes of state since this was asked last, by whatever call made them. Costs one atomic load when there are none.
    #[inline]
    pub fn transitions(&self) -> Transitions<'_> {
        let mine = self.untold.load(Ordering::Acquire) && self.begin_telling();
        Transitions {
            breaker: self,
            mine,
        }
    }

    #[cold]
    fn begin_telling(&self) -> bool {
        !std::mem::replace(&mut self.lock().untold.telling, true)
    }

    /// Tells observers of the changes of state since the last time, as [`Event::BreakerChanged`]. A face calls it after each
    /// call to the breaker.
    #[inline]
    pub fn tell(&self, observers: &Observers, service: &str, endpoint: &str, dark: bool) {
        for change in self.transitions() {
            observers.tell(&Event::BreakerChanged {
                service,
                endpoint,
                from: change.from.as_str(),
                to: change.to.as_str(),
                reason: change.reason.as_str(),
                dark,
            });
        }
    }
}
