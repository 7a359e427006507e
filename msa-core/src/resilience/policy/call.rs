//! What one call has of its own, and the outer half of the pipeline.

use std::future::Future;
use std::hash::Hash;
use std::pin::pin;

use super::run::Run;
use super::{Cause, Policy, PolicyError};
use crate::clock;
use crate::event::Event;
use crate::resilience::breaker::{AnyError, Classify};
use crate::resilience::coalesce::{Role, SingleFlight};
use crate::resilience::fallback::{NoFallback, Stood, Substitute};
use crate::resilience::retry::{Judge, OnErr};
use crate::resilience::timeout::{Deadline, Guarded, Limit};

/// One call under a policy, with what it has of its own; made by [`Policy::with`].
///
/// ```
/// use msa_core::resilience::fallback;
/// use msa_core::resilience::policy::Policy;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let prices = Policy::builder("prices").build()?;
/// let price = prices
///     .with()
///     .fallback(fallback::value(0))
///     .call(|| async { Err::<u32, _>(std::io::Error::other("down")) })
///     .await?;
/// assert_eq!(price, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `call`"]
pub struct PolicyCall<'a, S = NoFallback, J = OnErr, C = AnyError, H = Alone> {
    policy: &'a Policy,
    fallback: S,
    judge: J,
    classify: C,
    share: H,
    idempotent: bool,
}

impl<'a> PolicyCall<'a> {
    pub(super) fn new(policy: &'a Policy) -> Self {
        Self {
            policy,
            fallback: NoFallback,
            judge: OnErr,
            classify: AnyError,
            share: Alone,
            idempotent: true,
        }
    }
}

impl<'a, S, J, C, H> PolicyCall<'a, S, J, C, H> {
    /// What stands in when the call fails. By default nothing does.
    ///
    /// The total deadline covers it too; one that is ready at once stands in even when the time is over.
    pub fn fallback<N>(self, fallback: N) -> PolicyCall<'a, N, J, C, H> {
        let Self {
            policy,
            fallback: _,
            judge,
            classify,
            share,
            idempotent,
        } = self;
        PolicyCall {
            policy,
            fallback,
            judge,
            classify,
            share,
            idempotent,
        }
    }

    /// After which results to try again. Defaults to every error ([`OnErr`]).
    pub fn judged_by<N>(self, judge: N) -> PolicyCall<'a, S, N, C, H> {
        PolicyCall {
            policy: self.policy,
            fallback: self.fallback,
            judge,
            classify: self.classify,
            share: self.share,
            idempotent: self.idempotent,
        }
    }

    /// What breaker and throttle make of results. Defaults to every error being a failure ([`AnyError`]).
    pub fn classified_by<N>(self, classify: N) -> PolicyCall<'a, S, J, N, H> {
        PolicyCall {
            policy: self.policy,
            fallback: self.fallback,
            judge: self.judge,
            classify,
            share: self.share,
            idempotent: self.idempotent,
        }
    }

    /// Shares the answer with calls of the same key that are in flight. By default every call is made.
    pub fn coalesced<K, V>(
        self,
        flights: &'a SingleFlight<K, V>,
        key: K,
    ) -> PolicyCall<'a, S, J, C, Shared<'a, K, V>> {
        PolicyCall {
            policy: self.policy,
            fallback: self.fallback,
            judge: self.judge,
            classify: self.classify,
            share: Shared { flights, key },
            idempotent: self.idempotent,
        }
    }

    /// Whether the work may be done twice; if not, only what was certainly not done is tried again. Defaults to `true`: whoever
    /// retries a function says so by doing it.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Calls the function, once for each attempt.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`].
    #[inline]
    pub async fn call<T, E, F, Fut>(self, work: F) -> Result<T, PolicyError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        S: Substitute<T, PolicyError<E>>,
        J: Judge<(), T, E>,
        C: Classify<T, E>,
        H: Share<Result<T, PolicyError<E>>>,
    {
        self.judged_call::<(), T, E, F, Fut>(work).await
    }

    /// The same, with requests of this type judged.
    pub(super) async fn judged_call<Q, T, E, F, Fut>(self, mut work: F) -> Result<T, PolicyError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        S: Substitute<T, PolicyError<E>>,
        J: Judge<Q, T, E>,
        C: Classify<T, E>,
        H: Share<Result<T, PolicyError<E>>>,
    {
        let Self {
            policy,
            fallback,
            judge,
            classify,
            share,
            idempotent,
        } = self;
        let now = clock::now();
        let parts = policy.parts();
        let name = policy.name_shared();

        // total deadline: the sooner of the inherited one and the policy's own
        let inherited = Deadline::inherited(now);
        let own = (parts.timeout).map(|timeout| Deadline::after(now, timeout, Limit::Total));
        let deadline = own.map_or(inherited, |own| Some(own.or_sooner(inherited)));

        let run = Run {
            policy,
            parts: &parts,
            deadline,
            judge: &judge,
            classify: &classify,
            idempotent,
        };
        // What was tried is kept outside of what a deadline drops.
        let mut earlier = Vec::new();
        let outcome = if deadline.is_some_and(|deadline| deadline.has_passed(now)) {
            None
        } else {
            // coalesce, and everything within it
            // Pinned where it is made: moving a future of this size would cost more than the policies do.
            let work = pin!(async {
                let result = run.call(&mut work, &mut earlier, now).await;
                result.map_err(|cause| {
                    PolicyError::new(name.clone(), cause, std::mem::take(&mut earlier))
                })
            });
            let shared = pin!(share.share(work));
            Guarded::new(shared, deadline).await.ok()
        };
        let error = match outcome {
            Some((result, role)) => {
                if role == Role::Joined {
                    policy.observers().tell(&Event::Coalesced { service: name });
                }
                match result {
                    Ok(answer) => {
                        fallback.keep(&answer, now);
                        return Ok(answer);
                    }
                    Err(error) => error,
                }
            }
            None => policy.late(deadline, earlier),
        };

        // fallback
        let kind = error.kind();
        let stood = fallback.stand_in(Err(error), clock::now());
        match Guarded::new(stood, deadline).await {
            Ok(Stood::In(result, how)) => {
                policy.observers().tell(&Event::FellBack {
                    service: name,
                    how,
                    reason: kind.as_str(),
                });
                result
            }
            Ok(Stood::Not(result)) => result,
            Err(_late) => Err(policy.late(deadline, Vec::new())),
        }
    }
}

impl Policy {
    #[cold]
    fn late<E>(
        &self,
        deadline: Option<Deadline>,
        earlier: Vec<super::Attempt<E>>,
    ) -> PolicyError<E> {
        // Without a deadline nothing is late; one of zero length says the least.
        let late = deadline.map_or_else(
            || Deadline::after(clock::now(), std::time::Duration::ZERO, Limit::Total).elapsed(),
            |deadline| deadline.elapsed(),
        );
        self.observers().tell(&Event::TimedOut {
            service: self.name(),
            limit: late.limit.as_str(),
            after: late.after,
        });
        PolicyError::new(self.name_shared().clone(), Cause::Late(late), earlier)
    }
}

/// How a call shares its answer with others: [`Alone`] or [`Shared`].
pub trait Share<V> {
    /// Does the work, or waits for who does it.
    fn share<Fut: Future<Output = V>>(self, work: Fut) -> impl Future<Output = (V, Role)>;
}

/// With nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

/// With all calls of the same key in flight; made by [`PolicyCall::coalesced`].
#[derive(Debug)]
pub struct Shared<'a, K, V> {
    flights: &'a SingleFlight<K, V>,
    key: K,
}

impl<V> Share<V> for Alone {
    #[inline]
    async fn share<Fut: Future<Output = V>>(self, work: Fut) -> (V, Role) {
        (work.await, Role::Led)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Share<V> for Shared<'_, K, V> {
    async fn share<Fut: Future<Output = V>>(self, work: Fut) -> (V, Role) {
        self.flights.run(self.key, || work).await
    }
}
