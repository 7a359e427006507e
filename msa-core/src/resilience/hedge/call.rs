//! One call: asked when its time has come, it answers whether a further attempt starts.

use std::ops::Deref;
use std::time::Duration;

use super::Hedge;
use crate::clock::Instant;
use crate::txn::Txn;

/// What follows when the wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum HedgeDecision {
    /// This attempt starts beside the others. It is paid for.
    Start {
        /// Its number, from 2.
        attempt: u32,
    },
    /// This attempt would start, but the policy runs dark.
    Dark {
        /// Its number, from 2.
        attempt: u32,
    },
    /// None starts, now or later in this call.
    Refused(HedgeRefusal),
}

/// What stood against a further attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HedgeRefusal {
    /// It is not time, or there are as many attempts as there may be.
    NotDue,
    /// The hedge's budget was empty.
    Budget,
    /// The transaction's own budget was empty.
    TransactionBudget,
    /// Whoever was asked said no: an open breaker, no other endpoint.
    NotAllowed,
}

/// A call under way.
#[derive(Debug)]
#[must_use]
pub struct HedgeCall<R: Deref<Target = Hedge>> {
    hedge: R,
    begun: Instant,
    extra: u32,
    /// When the next attempt may start.
    next: Option<Instant>,
}

impl<R: Deref<Target = Hedge>> HedgeCall<R> {
    pub(super) fn new(hedge: R, now: Instant) -> Self {
        let mut call = Self {
            hedge,
            begun: now,
            extra: 0,
            next: None,
        };
        call.plan(now);
        call
    }

    /// When to ask whether a further attempt starts; `None` when there will be none.
    #[must_use]
    #[inline]
    pub fn due(&self) -> Option<Instant> {
        self.next
    }

    /// How long the call has been running.
    #[must_use]
    pub fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begun)
    }

    /// It is time: does a further attempt start?
    ///
    /// `allowed` is asked last, and only if all else says yes: whether a breaker would let the attempt through, whether there is an
    /// endpoint that is not busy with this call.
    pub fn ask(
        &mut self,
        now: Instant,
        txn: Option<&Txn>,
        allowed: impl FnOnce() -> bool,
    ) -> HedgeDecision {
        if self.next.is_none_or(|next| now < next) {
            return HedgeDecision::Refused(HedgeRefusal::NotDue);
        }
        self.next = None;
        if let Err(why) = self.pay(now, txn, allowed) {
            return HedgeDecision::Refused(why);
        }
        let attempt = self.extra.saturating_add(2);
        if self.hedge.dark {
            return HedgeDecision::Dark { attempt };
        }
        self.extra += 1;
        self.plan(now);
        HedgeDecision::Start { attempt }
    }

    fn plan(&mut self, now: Instant) {
        self.next = match self.extra < self.hedge.max_extra {
            true => (self.hedge.delay()).and_then(|delay| now.checked_add(delay)),
            false => None,
        };
    }

    fn pay(
        &self,
        now: Instant,
        txn: Option<&Txn>,
        allowed: impl FnOnce() -> bool,
    ) -> Result<(), HedgeRefusal> {
        if txn.is_some_and(|txn| txn.retries_left() == 0) {
            return Err(HedgeRefusal::TransactionBudget);
        }
        let budget = &self.hedge.budget;
        let grant = budget.try_withdraw(now).ok_or(HedgeRefusal::Budget)?;
        if !allowed() {
            budget.give_back(grant);
            return Err(HedgeRefusal::NotAllowed);
        }
        let spends = txn.filter(|_| !self.hedge.dark);
        if spends.is_some_and(|txn| !txn.try_spend_retry()) {
            budget.give_back(grant);
            return Err(HedgeRefusal::TransactionBudget);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::config::Percent;
    use crate::resilience::budget::{Budget, WindowBudget, WindowConfig};

    const WAIT: Duration = Duration::from_millis(20);
    const NOT_DUE: HedgeDecision = HedgeDecision::Refused(HedgeRefusal::NotDue);

    fn tokens(n: u32) -> Budget {
        let config = WindowConfig::default()
            .ratio(Percent::ZERO)
            .min_per_second(n)
            .window(Duration::from_secs(1));
        Budget::Window(WindowBudget::new(config))
    }

    fn yes() -> bool {
        true
    }

    #[test]
    fn a_further_attempt_starts_after_each_wait_until_there_are_enough() {
        let (hedge, now) = (Hedge::after(WAIT).max_extra(2), clock::now());
        let mut call = hedge.begin(now);
        assert_eq!(call.due(), Some(now + WAIT));
        assert_eq!(call.ask(now, None, yes), NOT_DUE);
        assert_eq!(
            call.ask(now + WAIT, None, yes),
            HedgeDecision::Start { attempt: 2 }
        );
        assert_eq!(call.due(), Some(now + WAIT * 2));
        assert_eq!(
            call.ask(now + WAIT * 2, None, yes),
            HedgeDecision::Start { attempt: 3 }
        );
        assert_eq!(call.due(), None);
        assert_eq!(call.ask(now + WAIT * 9, None, yes), NOT_DUE);
    }

    #[test]
    fn an_unknown_percentile_means_no_hedge_and_a_known_one_its_wait() {
        let (hedge, now) = (Hedge::after_percentile(Percent::new(90)), clock::now());
        assert_eq!(hedge.begin(now).due(), None);
        for _ in 0..100 {
            hedge.record(Duration::from_millis(8), now);
        }
        let wait = hedge.begin(now).due().unwrap() - now;
        assert!(wait >= Duration::from_millis(8) && wait < Duration::from_millis(9));
        let floor = hedge.min_delay(Duration::from_millis(50));
        assert_eq!(floor.delay(), Some(Duration::from_millis(50)));
    }

    #[test]
    fn never_when_a_budget_or_a_breaker_says_no_and_then_nothing_is_spent() {
        let (hedge, now) = (Hedge::after(WAIT).budget(tokens(1)), clock::now());
        let due = now + WAIT;
        let refused = hedge.begin(now).ask(due, None, || false);
        assert_eq!(refused, HedgeDecision::Refused(HedgeRefusal::NotAllowed));
        let txn = Txn::begin();
        let spent = [(); 2].map(|()| txn.try_spend_retry());
        assert_eq!(spent, [true; 2]);
        let refused = hedge.begin(now).ask(due, Some(&txn), yes);
        assert_eq!(
            refused,
            HedgeDecision::Refused(HedgeRefusal::TransactionBudget)
        );
        assert_eq!(
            hedge.begin(now).ask(due, None, yes),
            HedgeDecision::Start { attempt: 2 }
        );
        let refused = hedge.begin(now).ask(due, None, yes);
        assert_eq!(refused, HedgeDecision::Refused(HedgeRefusal::Budget));
    }

    #[test]
    fn dark_it_decides_once_and_spends_nothing_of_the_transactions() {
        let (hedge, now, txn) = (Hedge::after(WAIT).dark(true), clock::now(), Txn::begin());
        let mut call = hedge.begin(now);
        let decided = call.ask(now + WAIT, Some(&txn), yes);
        assert_eq!(decided, HedgeDecision::Dark { attempt: 2 });
        assert_eq!((call.due(), txn.retries_left()), (None, 2));
    }
}
