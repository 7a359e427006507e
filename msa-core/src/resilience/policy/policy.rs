//! A policy: a name, its parts as they are now, and who is told.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;

use super::lazy::Held;
use super::parts::{Parts, Rules};
use super::stores::Stores;
use super::{PolicyBuilder, PolicyCall, PolicyError};
use crate::clock;
use crate::config::{PolicyOverrides, PolicySettings};
use crate::event::Observers;
use crate::resilience::breaker::Breaker;
use crate::resilience::bulkhead::Bulkhead;

static NOBODY: LazyLock<Observers> = LazyLock::new(Observers::none);

/// Several policies around one `async fn`, in a fixed [order](super). Cheap to clone; clones share all state.
#[derive(Clone)]
pub struct Policy(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    parts: ArcSwap<Parts>,
    observers: OnceLock<Observers>,
    dark: bool,
    spends_txn_retries: bool,
    repeats: bool,
    of_function: bool,
    stores: Stores,
    /// As the program built it: what holds again when an override goes.
    built: Parts,
    rules: Rules,
    base: PolicySettings,
    /// The overrides that hold; one change at a time.
    overrides: Mutex<PolicyOverrides>,
}

impl Policy {
    /// Begins a policy. By convention the name of a function's policy is `module::function`.
    pub fn builder(name: impl Into<Arc<str>>) -> PolicyBuilder {
        PolicyBuilder::new(name.into())
    }

    pub(super) fn new(builder: PolicyBuilder) -> Self {
        let parts = if builder.dark {
            builder.parts.darkened()
        } else {
            builder.parts
        };
        let parts = if builder.repeats {
            parts
        } else {
            parts.unrepeated()
        };
        Self(Arc::new(Inner {
            name: builder.name,
            parts: ArcSwap::from_pointee(parts.clone()),
            rules: parts.rules(),
            observers: builder.observers.map(OnceLock::from).unwrap_or_default(),
            dark: builder.dark,
            spends_txn_retries: builder.spends_txn_retries,
            repeats: builder.repeats,
            of_function: builder.of_function,
            stores: Stores::default(),
            built: parts,
            base: builder.base,
            overrides: Mutex::default(),
        }))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn name_shared(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Calls a function under the policy. It is called once for each attempt.
    ///
    /// # Errors
    ///
    /// The function failed, and was not or no more to be tried again; or a policy refused the call, or ended it.
    #[inline]
    pub async fn call<T, E, F, Fut>(&self, work: F) -> Result<T, PolicyError<E>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
        T: Send,
        E: Send,
    {
        self.with().call(work).await
    }

    /// A call with more than the policy has: a fallback, a key to coalesce by, its own idea of failure.
    #[inline]
    pub fn with(&self) -> PolicyCall<'_> {
        PolicyCall::held(Held::Lent(self))
    }

    /// Overrides what the program built, for all calls that begin from now on. What was overridden before and is not now is as built
    /// again.
    ///
    /// The state of bulkhead, breaker, throttle and retry budget stays; a rate limit whose rate changes begins with all its permits.
    pub fn update(&self, overrides: &PolicyOverrides) {
        let inner = &*self.0;
        let mut held = inner
            .overrides
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *held == *overrides {
            return;
        }
        let settings = inner.base.overridden(overrides);
        inner.built.restore(&inner.rules);
        let current = inner.parts.load_full();
        let next = inner.built.with(&settings, &current, clock::now());
        let next = if inner.dark { next.darkened() } else { next };
        let next = if inner.repeats {
            next
        } else {
            next.unrepeated()
        };
        inner.parts.store(Arc::new(next));
        *held = overrides.clone();
    }

    /// The breaker, if there is one now.
    #[must_use]
    pub fn breaker(&self) -> Option<Arc<Breaker>> {
        let parts = self.0.parts.load();
        parts.breaker.as_ref().map(|breaker| breaker.part.clone())
    }

    /// The breaker, if there is one now, and whether it only reports.
    pub(crate) fn breaker_and_dark(&self) -> Option<(Arc<Breaker>, bool)> {
        let parts = self.0.parts.load();
        let breaker = parts.breaker.as_ref()?;
        Some((breaker.part.clone(), breaker.dark))
    }

    /// The bulkhead, if there is one now.
    #[must_use]
    pub fn bulkhead(&self) -> Option<Bulkhead> {
        let parts = self.0.parts.load();
        parts
            .bulkhead
            .as_ref()
            .map(|bulkhead| bulkhead.part.clone())
    }

    #[inline]
    pub(super) fn parts(&self) -> Arc<Parts> {
        self.0.parts.load_full()
    }

    #[inline]
    pub(super) fn observers(&self) -> &Observers {
        self.0.observers.get().unwrap_or_else(|| &NOBODY)
    }

    /// Tells these observers from now on, unless it tells others already.
    pub(super) fn observe(&self, observers: &Observers) {
        // Those that the program named, or the first service's, stay.
        let _ = self.0.observers.set(observers.clone());
    }

    /// What the attributes or the builder set, without what the configuration sets over it.
    pub(super) fn base(&self) -> &PolicySettings {
        &self.0.base
    }

    pub(super) fn repeats(&self) -> bool {
        self.0.repeats
    }

    /// Whether a function's attributes say what it is made of.
    pub(super) fn is_function(&self) -> bool {
        self.0.of_function
    }

    pub(super) fn stores(&self) -> &Stores {
        &self.0.stores
    }

    pub(super) fn spends_txn_retries(&self) -> bool {
        self.0.spends_txn_retries
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("name", &self.0.name)
            .field("parts", &*self.0.parts.load())
            .finish_non_exhaustive()
    }
}
