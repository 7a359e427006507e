//! The inner half of the pipeline: bulkhead, rate limit, attempts.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
#[cfg(feature = "rate-limit")]
use std::num::NonZeroU32;
use std::pin::pin;
#[cfg(feature = "rate-limit")]
use std::time::Duration;

use super::parts::Parts;
use super::{Attempt, Cause, Policy};
use crate::clock::{self, Instant};
use crate::event::Event;
use crate::resilience::breaker::{self, Breaker, Classify, Outcome};
use crate::resilience::bulkhead::Permit;
use crate::resilience::hedge::Hedge;
use crate::resilience::retry::{Circumstances, Conditions, Ending, Judge};
use crate::resilience::throttle::{Throttle, ThrottlePermit};
use crate::resilience::timeout::{Deadline, Guarded, Limit};
use crate::txn;

/// What came of an attempt, and when it ended.
type Ended<T, E> = (Result<Result<T, E>, Cause<E>>, Instant);

/// What an attempt holds of those that let it through.
struct Admitted<'p> {
    permit: Option<breaker::Permit<&'p Breaker>>,
    throttled: Option<ThrottlePermit<&'p Throttle>>,
}

/// Which of several attempts wins.
struct Round<'r, 'a, J, C, Q>(&'r Run<'a, J, C>, PhantomData<fn(&Q)>);

impl<Q, T, E, J, C> Judge<(), Ended<T, E>, Infallible> for Round<'_, '_, J, C, Q>
where
    J: Judge<Q, T, E>,
{
    fn judge(&self, result: &Result<Ended<T, E>, Infallible>, on: &Conditions) -> Ending {
        let (result, _) = match result {
            Ok(ended) => ended,
            Err(never) => match *never {},
        };
        match self.0.ending(result, on) {
            // One that a breaker refuses does not end the one that still runs.
            Ending::Refused => Ending::Failed,
            ending => ending,
        }
    }
}

/// One call, once it is known that it is to be made.
pub(super) struct Run<'a, J, C> {
    pub(super) policy: &'a Policy,
    pub(super) parts: &'a Parts,
    pub(super) deadline: Option<Deadline>,
    pub(super) judge: &'a J,
    pub(super) classify: &'a C,
    pub(super) idempotent: bool,
    /// Whether there is a second attempt to be had.
    pub(super) repeats: bool,
}

impl<J, C> Run<'_, J, C> {
    /// Makes the call. What was tried before the last attempt stands in `earlier`.
    pub(super) async fn call<Q, T, E, F, Fut>(
        &self,
        work: &mut F,
        earlier: &mut Vec<Attempt<E>>,
        mut now: Instant,
    ) -> Result<T, Cause<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<Q, T, E>,
        C: Classify<T, E>,
    {
        let _permit = self.enter_bulkhead(&mut now).await?;
        #[cfg(feature = "rate-limit")]
        self.take_turn(&mut now).await?;

        let Some(retry) = self.parts.retry.as_ref().filter(|_| self.repeats) else {
            return match self.round(work, now).await.0 {
                Ok(result) => result.map_err(Cause::Failed),
                Err(cause) => Err(cause),
            };
        };
        let txn = (self.policy.spends_txn_retries())
            .then(txn::current)
            .flatten();
        let circumstances = Circumstances {
            idempotent: self.idempotent,
            deadline: self.deadline.map(|deadline| deadline.at()),
            txn: txn.as_ref(),
            ..Circumstances::default()
        };
        let mut call = retry.begin(now);
        loop {
            call.started();
            let number = call.attempt();
            let (result, ended) = self.round(work, now).await;
            let ending = self.ending(&result, retry.conditions());
            let decision = call.after(&ending, &circumstances, || ended);
            decision.tell(self.policy.observers(), self.policy.name(), number, &ending);
            let Some(delay) = decision.delay() else {
                return match result {
                    Ok(result) => result.map_err(Cause::Failed),
                    Err(cause) => Err(cause),
                };
            };
            let cause = match result {
                Ok(Ok(_bad_answer)) => None,
                Ok(Err(error)) => Some(Cause::Failed(error)),
                Err(cause) => Some(cause),
            };
            let elapsed = ended.saturating_duration_since(now);
            earlier.push(Attempt { cause, elapsed });
            now = if delay.is_zero() {
                ended
            } else {
                tokio::time::sleep(delay).await;
                clock::now()
            };
        }
    }

    /// One attempt, or several beside each other. Also tells when it was over.
    async fn round<Q, T, E, F, Fut>(&self, work: &mut F, now: Instant) -> Ended<T, E>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<Q, T, E>,
        C: Classify<T, E>,
    {
        let may = |_: &&Hedge| self.repeats && self.idempotent;
        match self.parts.hedge.as_ref().filter(may) {
            // Boxed, so that the many calls that are not hedged stay small.
            Some(hedge) => Box::pin(self.hedged(hedge, work)).await,
            None => match self.admit(now) {
                Ok(admitted) => self.attempt(admitted, &mut *work, now).await,
                Err(cause) => (Err(cause), now),
            },
        }
    }

    async fn hedged<Q, T, E, F, Fut>(&self, hedge: &Hedge, work: &mut F) -> Ended<T, E>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        J: Judge<Q, T, E>,
        C: Classify<T, E>,
    {
        let txn = (self.policy.spends_txn_retries())
            .then(txn::current)
            .flatten();
        let mut around = hedge
            .around(self.policy.name())
            .observers(self.policy.observers())
            .judged_by(Round(self, PhantomData::<fn(&Q)>));
        if let Some(txn) = &txn {
            around = around.within(txn);
        }
        let ended = around.run(|_| {
            let now = clock::now();
            let admitted = self.admit(now);
            let work = admitted.is_ok().then(&mut *work);
            async move {
                Ok::<_, Infallible>(match (admitted, work) {
                    (Ok(admitted), Some(work)) => self.attempt(admitted, || work, now).await,
                    (Err(cause), _) => (Err(cause), now),
                    // There is work for each that is admitted.
                    (Ok(_), None) => std::future::pending().await,
                })
            }
        });
        match ended.await {
            Ok(ended) => ended,
            Err(never) => match never {},
        }
    }

    /// Asks breaker and throttle for an attempt.
    fn admit<E>(&self, now: Instant) -> Result<Admitted<'_>, Cause<E>> {
        let parts = self.parts;
        let mut permit = None;
        if let Some(breaker) = &parts.breaker {
            match breaker.part.try_acquire(now) {
                Ok(granted) => permit = Some(granted),
                Err(open) => {
                    self.refuse("circuit_breaker", breaker.dark);
                    if !breaker.dark {
                        return Err(Cause::Open(open));
                    }
                }
            }
            self.tell_of_breaker();
        }
        let mut throttled = None;
        if let Some(throttle) = &parts.throttle {
            match throttle.part.try_acquire(now) {
                Ok(granted) => throttled = Some(granted),
                Err(turned_away) => {
                    self.refuse("throttle", throttle.dark);
                    if !throttle.dark {
                        return Err(Cause::Throttled(turned_away));
                    }
                }
            }
        }

        Ok(Admitted { permit, throttled })
    }

    /// One attempt that was admitted, under its time limit.
    async fn attempt<T, E, F, Fut>(
        &self,
        admitted: Admitted<'_>,
        work: F,
        now: Instant,
    ) -> Ended<T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        C: Classify<T, E>,
    {
        let limit = (self.parts.attempt_timeout)
            .map(|timeout| Deadline::after(now, timeout, Limit::Attempt));
        let limit = limit.map_or(self.deadline, |limit| Some(limit.or_sooner(self.deadline)));
        let Admitted { permit, throttled } = admitted;
        let result = {
            // Made where it is pinned: moving it would cost more than the policies do.
            let work = pin!(work());
            Guarded::new(work, limit).await
        };
        let ended = clock::now();
        let outcome = match &result {
            Ok(result) => {
                let elapsed = ended.saturating_duration_since(now);
                self.classify.classify_result(result, elapsed)
            }
            Err(_late) => Outcome::Failure,
        };
        if let Some(permit) = permit {
            permit.end(outcome, ended);
            self.tell_of_breaker();
        }
        if let Some(permit) = throttled {
            permit.end(outcome, ended);
        }
        let result = result.map_err(|late| {
            self.policy.observers().tell(&Event::TimedOut {
                service: self.policy.name(),
                limit: late.limit.as_str(),
                after: late.after,
            });
            Cause::Late(late)
        });
        (result, ended)
    }

    fn ending<Q, T, E>(&self, result: &Result<Result<T, E>, Cause<E>>, on: &Conditions) -> Ending
    where
        J: Judge<Q, T, E>,
    {
        match result {
            Ok(result) => self.judge.judge(result, on),
            Err(Cause::Late(_)) => Ending::TimedOut,
            Err(_) => Ending::Refused,
        }
    }

    async fn enter_bulkhead<E>(&self, now: &mut Instant) -> Result<Option<Permit<'_>>, Cause<E>> {
        let Some(bulkhead) = &self.parts.bulkhead else {
            return Ok(None);
        };
        if let Ok(permit) = bulkhead.part.try_acquire() {
            return Ok(Some(permit));
        }
        if bulkhead.dark {
            self.refuse("bulkhead", true);
            return Ok(None);
        }
        match bulkhead.part.acquire(*now).await {
            Ok(permit) => {
                *now = clock::now();
                Ok(Some(permit))
            }
            Err(full) => {
                self.refuse("bulkhead", false);
                Err(Cause::Full(full))
            }
        }
    }

    #[cfg(feature = "rate-limit")]
    async fn take_turn<E>(&self, now: &mut Instant) -> Result<(), Cause<E>> {
        let Some(limit) = &self.parts.rate_limit else {
            return Ok(());
        };
        let max_wait = if limit.dark {
            Duration::ZERO
        } else {
            // A turn that comes after the deadline is of no use, and would be lost to others.
            let left = self.deadline.map(|deadline| deadline.left(*now));
            let longest = limit.part.config().longest_wait();
            left.map_or(longest, |left| longest.min(left))
        };
        match limit.part.reserve(NonZeroU32::MIN, max_wait, *now) {
            Ok(Duration::ZERO) => Ok(()),
            Ok(wait) => {
                tokio::time::sleep_until(*now + wait).await;
                *now = clock::now();
                Ok(())
            }
            Err(limited) => {
                self.refuse("rate_limit", limit.dark);
                if limit.dark {
                    Ok(())
                } else {
                    Err(Cause::Limited(limited))
                }
            }
        }
    }

    #[cold]
    fn refuse(&self, policy: &'static str, dark: bool) {
        self.policy.observers().tell(&Event::Refused {
            service: self.policy.name(),
            policy,
            dark,
        });
    }

    #[inline]
    fn tell_of_breaker(&self) {
        if let Some(breaker) = &self.parts.breaker {
            let name = self.policy.name();
            breaker
                .part
                .tell(self.policy.observers(), name, "", breaker.dark);
        }
    }
}
