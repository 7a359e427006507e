//! One call: told how each attempt ended, it answers whether there is another.

use std::ops::Deref;
use std::time::Duration;

use super::backoff::Course;
use super::{Decision, Ending, Retry, Wait};
use crate::clock::Instant;
use crate::event::RetryRefusal;
use crate::resilience::budget::Grant;
use crate::txn::Txn;

/// What holds for a call, whatever its attempts come to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Circumstances<'a> {
    /// Whether it may be processed twice, see [`is_idempotent`](super::is_idempotent). Defaults to `true`.
    pub idempotent: bool,
    /// Whether the request can be sent again: its body is there still. Defaults to `true`.
    pub repeatable: bool,
    /// Whether anything of the response has reached the caller: then there is no way back. Defaults to `false`.
    pub handed_out: bool,
    /// When the caller stops waiting. None by default.
    pub deadline: Option<Instant>,
    /// The transaction whose budget pays. None by default.
    pub txn: Option<&'a Txn>,
}

impl Default for Circumstances<'_> {
    fn default() -> Self {
        Self {
            idempotent: true,
            repeatable: true,
            handed_out: false,
            deadline: None,
            txn: None,
        }
    }
}

/// A call under way.
///
/// A retry that was decided is paid for at once, so that parallel calls cannot decide on the same token; if the call is
/// dropped before the attempt [`started`](Self::started), all is given back.
#[derive(Debug)]
#[must_use]
pub struct RetryCall<R: Deref<Target = Retry>> {
    retry: R,
    begun: Instant,
    retries: u32,
    course: Course,
    paid: Option<Paid>,
}

#[derive(Debug)]
struct Paid {
    grant: Grant,
    txn: Option<Txn>,
}

impl<R: Deref<Target = Retry>> RetryCall<R> {
    #[inline]
    pub(super) fn new(retry: R, now: Instant) -> Self {
        Self {
            retry,
            begun: now,
            retries: 0,
            course: Course::default(),
            paid: None,
        }
    }

    /// The policy.
    pub fn policy(&self) -> &Retry {
        &self.retry
    }

    /// Which attempt runs now, or is to follow, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.retries.saturating_add(1)
    }

    /// The attempt that was decided on starts: what was paid for it is spent.
    #[inline]
    pub fn started(&mut self) {
        self.paid = None;
    }

    /// The last attempt ended: what now?
    ///
    /// `now` is asked for only when the ending is not [`Ending::Good`]: a call that goes well reads no clock here.
    #[inline]
    pub fn after(
        &mut self,
        ending: &Ending,
        circumstances: &Circumstances<'_>,
        now: impl FnOnce() -> Instant,
    ) -> Decision {
        self.started();
        if *ending == Ending::Good {
            self.retry.budget.succeeded();
            return Decision::Done;
        }
        self.after_failure(ending, circumstances, now())
    }

    fn after_failure(
        &mut self,
        ending: &Ending,
        circumstances: &Circumstances<'_>,
        now: Instant,
    ) -> Decision {
        if !self.retry.on.covers(ending) {
            return Decision::Done;
        }
        self.retry.budget.failed();
        if self.retry.max_retries == 0 || circumstances.handed_out {
            return Decision::Done;
        }
        match self.next(ending, circumstances, now) {
            Ok(delay) if self.retry.dark => Decision::Dark { delay },
            Ok(delay) => {
                self.retries = self.attempt();
                Decision::Retry { delay }
            }
            Err(why) => {
                if let (Some(txn), false, true) = (
                    circumstances.txn,
                    self.retry.dark,
                    ends_the_transactions(why),
                ) {
                    txn.forbid_retry();
                }
                Decision::Refused(why)
            }
        }
    }

    /// The wait before the next attempt, paid for; or what stands against it.
    fn next(
        &mut self,
        ending: &Ending,
        circumstances: &Circumstances<'_>,
        now: Instant,
    ) -> Result<Duration, RetryRefusal> {
        let (told_never, wait) = match ending {
            Ending::Answered(answer) => (answer.never, answer.wait),
            _ => (false, Wait::Unsaid),
        };
        if told_never || wait == Wait::Never {
            return Err(RetryRefusal::ToldNever);
        }
        if !circumstances.idempotent && !ending.is_unprocessed() {
            return Err(RetryRefusal::NotIdempotent);
        }
        if self.retries >= self.retry.max_retries {
            return Err(RetryRefusal::Exhausted);
        }
        if !circumstances.repeatable {
            return Err(RetryRefusal::BodyNotRepeatable);
        }
        let delay = self.delay(ending, wait)?;
        let starts = now.checked_add(delay);
        let too_late =
            |end: Option<Instant>| end.is_some_and(|end| starts.is_none_or(|starts| starts >= end));
        let longest = self.retry.max_duration;
        if too_late(circumstances.deadline)
            || too_late(longest.and_then(|longest| self.begun.checked_add(longest)))
        {
            return Err(RetryRefusal::Deadline);
        }
        self.pay(circumstances.txn, now)?;
        Ok(delay)
    }

    fn delay(&mut self, ending: &Ending, wait: Wait) -> Result<Duration, RetryRefusal> {
        if let Wait::Exactly(wait) = wait {
            self.course.restart();
            return Ok(wait);
        }
        let drawn = self
            .course
            .next(&self.retry.backoff, self.retry.draws.draw())
            .ok_or(RetryRefusal::Exhausted)?;
        Ok(match wait {
            Wait::AtLeast(wait) => wait.saturating_add(drawn),
            // Nobody there is no sign of load, and another instance may be: a rolling restart costs no time. Once.
            _ if ending.is_unprocessed() && self.retries == 0 => Duration::ZERO,
            _ => drawn,
        })
    }

    fn pay(&mut self, txn: Option<&Txn>, now: Instant) -> Result<(), RetryRefusal> {
        if txn.is_some_and(|txn| txn.retries_left() == 0) {
            return Err(RetryRefusal::TransactionBudget);
        }
        let budget = &self.retry.budget;
        let grant = budget.try_withdraw(now).ok_or(RetryRefusal::Budget)?;
        if self.retry.dark {
            return Ok(()); // the transaction's retries are for those that are made
        }
        if txn.is_some_and(|txn| !txn.try_spend_retry()) {
            budget.give_back(grant);
            return Err(RetryRefusal::TransactionBudget);
        }
        let txn = txn.cloned();
        self.paid = Some(Paid { grant, txn });
        Ok(())
    }
}

impl<R: Deref<Target = Retry>> Drop for RetryCall<R> {
    #[inline]
    fn drop(&mut self) {
        if let Some(Paid { grant, txn }) = self.paid.take() {
            self.retry.budget.give_back(grant);
            if let Some(txn) = txn {
                txn.give_back_retry();
            }
        }
    }
}

/// Whether nobody above should try again either: what there was to be spent on this request is spent.
fn ends_the_transactions(why: RetryRefusal) -> bool {
    matches!(
        why,
        RetryRefusal::Exhausted
            | RetryRefusal::Budget
            | RetryRefusal::TransactionBudget
            | RetryRefusal::ToldNever
    )
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
