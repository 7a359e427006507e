//! How a call shares its answer with others: now, or with those who ask later.

use std::fmt;
use std::future::Future;
use std::hash::Hash;

use super::PolicyError;
use super::lazy::Held;
use super::parts::StaleRules;
use crate::clock::{self, Instant};
use crate::resilience::cache::{Cache, CacheRules};
use crate::resilience::coalesce::{Role, SingleFlight};
use crate::resilience::fallback::{StaleCache, Stood, Substitute};

/// How a call came to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Came {
    /// It did the work.
    Worked,
    /// It waited for somebody who did.
    Joined,
    /// It found an answer that was kept.
    Kept,
}

impl From<Role> for Came {
    fn from(role: Role) -> Self {
        match role {
            Role::Led => Self::Worked,
            Role::Joined => Self::Joined,
        }
    }
}

/// How a call shares its answer with others: [`Alone`], [`Shared`], [`Kept`] or [`KeptAlone`].
pub trait Share<V> {
    /// Does the work, waits for who does it, or finds what was kept.
    fn share<Fut: Future<Output = V>>(self, work: Fut) -> impl Future<Output = (V, Came)>;
}

/// With nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl<V> Share<V> for Alone {
    #[inline]
    async fn share<Fut: Future<Output = V>>(self, work: Fut) -> (V, Came) {
        (work.await, Came::Worked)
    }
}

/// With all calls of the same key in flight; made by [`PolicyCall::coalesced`](super::PolicyCall::coalesced).
#[derive(Debug)]
pub struct Shared<'a, K, V> {
    pub(super) flights: &'a SingleFlight<K, V>,
    pub(super) key: K,
}

impl<K: Eq + Hash + Clone, V: Clone> Share<V> for Shared<'_, K, V> {
    async fn share<Fut: Future<Output = V>>(self, work: Fut) -> (V, Came) {
        let (answer, role) = self.flights.run(self.key, || work).await;
        (answer, role.into())
    }
}

/// With all calls of the same key in flight, and with those that come while the answer is young; made by
/// [`PolicyCall::cached`](super::PolicyCall::cached).
pub struct Kept<'a, K> {
    pub(super) policy: Held<'a>,
    pub(super) rules: Option<CacheRules>,
    pub(super) key: K,
}

impl<K, T, E> Share<Result<T, PolicyError<E>>> for Kept<'_, K>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: Clone + Send + Sync + 'static,
{
    async fn share<Fut>(self, work: Fut) -> (Result<T, PolicyError<E>>, Came)
    where
        Fut: Future<Output = Result<T, PolicyError<E>>>,
    {
        let Self { policy, rules, key } = self;
        let Some(rules) = rules else {
            return (work.await, Came::Worked);
        };
        let stores = policy.stores();
        let cache = stores.get::<Cache<K, T>>();
        if let Some(answer) = cache.get(&key, rules, clock::now()) {
            return (Ok(answer), Came::Kept);
        }
        let flights = stores.get::<SingleFlight<K, Result<T, PolicyError<E>>>>();
        let lead = async || {
            // The one before may have landed between looking and leading.
            if let Some(answer) = cache.get(&key, rules, clock::now()) {
                return Ok(answer);
            }
            let result = work.await;
            keep(&cache, &key, &result, rules);
            result
        };
        let (result, role) = flights.run(key.clone(), lead).await;
        (result, role.into())
    }
}

/// With calls of the same key that come while the answer is young; those that come before there is one do the work themselves. Made by
/// [`PolicyCall::cached_alone`](super::PolicyCall::cached_alone).
pub struct KeptAlone<'a, K>(pub(super) Kept<'a, K>);

impl<K, T, E> Share<Result<T, PolicyError<E>>> for KeptAlone<'_, K>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
{
    async fn share<Fut>(self, work: Fut) -> (Result<T, PolicyError<E>>, Came)
    where
        Fut: Future<Output = Result<T, PolicyError<E>>>,
    {
        let Kept { policy, rules, key } = self.0;
        let Some(rules) = rules else {
            return (work.await, Came::Worked);
        };
        let cache = policy.stores().get::<Cache<K, T>>();
        if let Some(answer) = cache.get(&key, rules, clock::now()) {
            return (Ok(answer), Came::Kept);
        }
        let result = work.await;
        keep(&cache, &key, &result, rules);
        (result, Came::Worked)
    }
}

fn keep<K, T, E>(cache: &Cache<K, T>, key: &K, result: &Result<T, E>, rules: CacheRules)
where
    K: Eq + Hash + Clone,
    T: Clone,
{
    if let Ok(answer) = result {
        cache.put(key.clone(), answer.clone(), rules, clock::now());
    }
}

/// The last good answer for a key stands in, if it is young enough; made by [`PolicyCall::stale`](super::PolicyCall::stale).
pub struct Stale<'a, K> {
    pub(super) policy: Held<'a>,
    pub(super) rules: Option<StaleRules>,
    pub(super) key: K,
}

impl<K: Eq + Hash + Clone + Send + Sync + 'static> Stale<'_, K> {
    fn cache<T: Clone + Send + Sync + 'static>(&self) -> Option<std::sync::Arc<StaleCache<K, T>>> {
        let rules = self.rules?;
        let cache = self.policy.stores().get::<StaleCache<K, T>>();
        cache.limit(rules.max_age, rules.max_bytes);
        Some(cache)
    }

    /// This one, and what it does not stand in for, the other.
    pub fn or<S>(self, other: S) -> crate::resilience::fallback::Or<Self, S> {
        crate::resilience::fallback::Or::new(self, other)
    }
}

impl<K, T, E> Substitute<T, E> for Stale<'_, K>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + 'static,
    E: Send,
{
    fn keep(&self, answer: &T, now: Instant) {
        if let Some(cache) = self.cache() {
            cache.put(self.key.clone(), answer.clone(), now);
        }
    }

    fn stand_in(
        &self,
        outcome: Result<T, E>,
        now: Instant,
    ) -> impl Future<Output = Stood<T, E>> + Send {
        let stale = self
            .cache::<T>()
            .and_then(|cache| cache.get(&self.key, now));
        std::future::ready(match stale {
            Some(stale) => Stood::In(Ok(stale.value), "stale"),
            None => Stood::Not(outcome),
        })
    }
}

impl<K: fmt::Debug> fmt::Debug for Kept<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("key", &self.key)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl<K: fmt::Debug> fmt::Debug for KeptAlone<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeptAlone").field(&self.0).finish()
    }
}

impl<K: fmt::Debug> fmt::Debug for Stale<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stale")
            .field("key", &self.key)
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}
