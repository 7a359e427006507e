//! What one call has of its own, and the outer half of the pipeline.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::lazy::Held;
use super::parts::Parts;
use super::run::Run;
use super::share::{Alone, Came, Kept, KeptAlone, Share, Shared, Stale};
use super::{Cause, Policy, PolicyError};
use crate::clock;
use crate::event::Event;
use crate::resilience::breaker::{AnyError, Classify};
use crate::resilience::coalesce::SingleFlight;
use crate::resilience::fallback::{NoFallback, Or, Stood, Substitute};
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
    head: Head<'a>,
    fallback: S,
    judge: J,
    classify: C,
    share: H,
}

/// What is the same for calls of all types.
#[derive(Debug)]
struct Head<'a> {
    policy: Held<'a>,
    parts: Arc<Parts>,
    idempotent: bool,
    repeats: bool,
}

impl<'a> PolicyCall<'a> {
    #[inline]
    pub(super) fn held(policy: Held<'a>) -> Self {
        let head = Head {
            parts: policy.parts(),
            policy,
            idempotent: true,
            repeats: true,
        };
        Self {
            head,
            fallback: NoFallback,
            judge: OnErr,
            classify: AnyError,
            share: Alone,
        }
    }
}

impl<'a, S, J, C, H> PolicyCall<'a, S, J, C, H> {
    /// What stands in when the call fails. By default nothing does.
    ///
    /// The total deadline covers it too; one that is ready at once stands in even when the time is over.
    pub fn fallback<N>(self, fallback: N) -> PolicyCall<'a, N, J, C, H> {
        PolicyCall {
            head: self.head,
            fallback,
            judge: self.judge,
            classify: self.classify,
            share: self.share,
        }
    }

    /// The last good answer for this key stands in when the call fails, while it is no older than the section `fallback` says
    /// (`stale_for`); and only then what [`fallback`](Self::fallback) was given before. Answers are kept by the policy, for each type of
    /// key and answer.
    pub fn stale<K>(self, key: K) -> PolicyCall<'a, Or<Stale<'a, K>, S>, J, C, H> {
        let stale = Stale {
            policy: self.head.policy.clone(),
            rules: self.head.parts.stale,
            key,
        };
        PolicyCall {
            head: self.head,
            fallback: Or::new(stale, self.fallback),
            judge: self.judge,
            classify: self.classify,
            share: self.share,
        }
    }

    /// After which results to try again. Defaults to every error ([`OnErr`]).
    pub fn judged_by<N>(self, judge: N) -> PolicyCall<'a, S, N, C, H> {
        PolicyCall {
            head: self.head,
            fallback: self.fallback,
            judge,
            classify: self.classify,
            share: self.share,
        }
    }

    /// What breaker and throttle make of results. Defaults to every error being a failure ([`AnyError`]).
    pub fn classified_by<N>(self, classify: N) -> PolicyCall<'a, S, J, N, H> {
        PolicyCall {
            head: self.head,
            fallback: self.fallback,
            judge: self.judge,
            classify,
            share: self.share,
        }
    }

    /// Shares the answer with calls of the same key that are in flight. By default every call is made.
    pub fn coalesced<K, V>(
        self,
        flights: &'a SingleFlight<K, V>,
        key: K,
    ) -> PolicyCall<'a, S, J, C, Shared<'a, K, V>> {
        PolicyCall {
            head: self.head,
            fallback: self.fallback,
            judge: self.judge,
            classify: self.classify,
            share: Shared { flights, key },
        }
    }

    /// Gives the last answer for this key again while it is younger than the section `cached` says (`ttl`), and shares the answer with
    /// calls of the same key that are in flight, a failure too. Without that section every call is made. Answers are kept by the policy,
    /// for each type of key and answer.
    pub fn cached<K>(self, key: K) -> PolicyCall<'a, S, J, C, Kept<'a, K>> {
        let kept = self.kept(key);
        PolicyCall {
            head: self.head,
            fallback: self.fallback,
            judge: self.judge,
            classify: self.classify,
            share: kept,
        }
    }

    /// The same without sharing what is in flight: for errors that are not `Clone`.
    pub fn cached_alone<K>(self, key: K) -> PolicyCall<'a, S, J, C, KeptAlone<'a, K>> {
        let kept = self.kept(key);
        PolicyCall {
            head: self.head,
            fallback: self.fallback,
            judge: self.judge,
            classify: self.classify,
            share: KeptAlone(kept),
        }
    }

    fn kept<K>(&self, key: K) -> Kept<'a, K> {
        Kept {
            policy: self.head.policy.clone(),
            rules: self.head.parts.cached,
            key,
        }
    }

    /// Whether the work may be done twice; if not, only what was certainly not done is tried again. Defaults to `true`: whoever
    /// retries a function says so by doing it.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.head.idempotent = idempotent;
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

    /// Calls a function that can be called only once, as it takes what it needs along: no retry, no hedge, whatever the policy says.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`].
    #[inline]
    pub async fn once<T, E, F, Fut>(mut self, work: F) -> Result<T, PolicyError<E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        S: Substitute<T, PolicyError<E>>,
        J: Judge<(), T, E>,
        C: Classify<T, E>,
        H: Share<Result<T, PolicyError<E>>>,
    {
        self.head.repeats = false;
        let mut work = Some(work);
        let only = move || Only {
            work: work.take().map(|work| work()),
        };
        self.judged_call::<(), T, E, _, _>(only).await
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
            head,
            fallback,
            judge,
            classify,
            share,
        } = self;
        let Head {
            policy,
            parts,
            idempotent,
            repeats,
        } = head;
        let policy: &Policy = &policy;
        let name = policy.name_shared();
        if !parts.enabled {
            let result = work().await;
            return result.map_err(|error| PolicyError::failed(name.clone(), error));
        }
        let now = clock::now();

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
            repeats,
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
            Some((result, came)) => {
                match came {
                    Came::Joined => policy.observers().tell(&Event::Coalesced { service: name }),
                    Came::Kept => policy.observers().tell(&Event::CacheHit { service: name }),
                    Came::Worked => {}
                }
                match result {
                    Ok(answer) => {
                        // What was kept is no younger for being given again.
                        if came != Came::Kept && parts.fallback {
                            fallback.keep(&answer, clock::now());
                        }
                        return Ok(answer);
                    }
                    Err(error) => error,
                }
            }
            None => policy.late(deadline, earlier),
        };

        // fallback
        if !parts.fallback {
            return Err(error);
        }
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

pin_project! {
    /// The one attempt of a call that has no other.
    struct Only<Fut> {
        #[pin]
        work: Option<Fut>,
    }
}

impl<Fut: Future> Future for Only<Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        match self.project().work.as_pin_mut() {
            Some(work) => work.poll(cx),
            // Nobody asks for a second one.
            None => Poll::Pending,
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
