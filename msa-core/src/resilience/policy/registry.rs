//! Policies by name, and what the configuration overrides of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use tokio::task::futures::TaskLocalFuture;

use super::{LazyPolicy, Policy, PolicyBuildError};
use crate::config::{PolicyOverrides, Settings, nearest};
use crate::event::Observers;

/// The policies of a service, by name. Cheap to clone; clones share them.
///
/// ```
/// use msa_core::config::Loader;
/// use msa_core::resilience::policy::{Policies, Policy};
/// use msa_core::resilience::retry::Retry;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policies = Policies::new();
/// let stock = Policy::builder("orders::stock").retry(Retry::default()).register(&policies)?;
/// let config = Loader::new("orders")
///     .toml_str("msa.toml", "[policies.'orders::stock'.retry]\nmax_retries = 5")
///     .env([("PORT", "0")])
///     .load()?;
/// let unknown = policies.apply(&config.settings());
/// assert!(unknown.is_empty() && policies.get("orders::stock").is_some());
/// # Ok(())
/// # }
/// ```
///
/// A [`Service`](crate::Service) has one, [`Service::policies`](crate::Service::policies), to which it applies its configuration at the
/// start and with each change. It also holds the policies of the functions with attributes ([`LazyPolicy`]).
#[derive(Clone, Default)]
pub struct Policies(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: Mutex<Known>,
    /// Those of functions, at their places: calls look here, without a lock.
    functions: ArcSwap<Vec<Option<Policy>>>,
    observers: OnceLock<Observers>,
}

#[derive(Default)]
struct Known {
    policies: BTreeMap<String, Policy>,
    /// Functions whose name another has. They are overridden alike.
    namesakes: Vec<Policy>,
    overrides: BTreeMap<String, PolicyOverrides>,
}

tokio::task_local! {
    static CURRENT: Policies;
}

static PROCESS: LazyLock<Policies> = LazyLock::new(Policies::new);

impl Policies {
    /// A registry that knows none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The registry of the process: of functions that are called in no service's scope, and of a
    /// [`Service::from_env`](crate::Service::from_env).
    pub fn process() -> &'static Self {
        &PROCESS
    }

    /// The registry in whose [`scope`](Self::scope) this is called, else the process's.
    #[must_use]
    pub fn current() -> Self {
        Self::scoped(Self::clone).unwrap_or_else(|| Self::process().clone())
    }

    #[inline]
    pub(super) fn scoped<T>(look: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(look).ok()
    }

    /// Within this future, functions with attributes have their policies of this registry: so that tests share no breaker. A request of
    /// a service is in the scope of the service's own. A new task is in none; scope it again with [`current`](Self::current).
    pub fn scope<F: Future>(&self, future: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Whether it is the process's.
    pub(crate) fn is_process(&self) -> bool {
        Arc::ptr_eq(&self.0, &Self::process().0)
    }

    /// Who is told of what policies decide that name nobody themselves. The first ones stay.
    pub(crate) fn observe(&self, observers: &Observers) {
        let known = self.lock();
        // The first service's stay.
        let observers = self.0.observers.get_or_init(|| observers.clone());
        for policy in known.policies.values().chain(&known.namesakes) {
            policy.observe(observers);
        }
    }

    /// Makes the policies of all functions of the process that are [registered](crate::register_policy).
    #[cfg(feature = "macros")]
    pub(crate) fn make_functions(&self) {
        for function in inventory::iter::<&'static LazyPolicy> {
            self.function(function);
        }
    }

    /// The policy of a function.
    #[inline]
    pub(super) fn function(&self, function: &'static LazyPolicy) -> Policy {
        let functions = self.0.functions.load();
        match functions.get(function.place()) {
            Some(Some(policy)) => policy.clone(),
            _ => self.make_function(function),
        }
    }

    #[cold]
    fn make_function(&self, function: &'static LazyPolicy) -> Policy {
        let mut known = self.lock();
        let place = function.place();
        let mut functions = Vec::clone(&self.0.functions.load());
        if let Some(Some(policy)) = functions.get(place) {
            return policy.clone(); // somebody was faster
        }
        let policy = function.build();
        let name = folded(policy.name());
        self.prepare(&known, &name, &policy);
        let known = &mut *known;
        match known.policies.entry(name) {
            Entry::Vacant(free) => {
                free.insert(policy.clone());
            }
            Entry::Occupied(_) => known.namesakes.push(policy.clone()),
        }
        functions.resize(functions.len().max(place + 1), None);
        if let Some(free) = functions.get_mut(place) {
            *free = Some(policy.clone());
        }
        self.0.functions.store(Arc::new(functions));
        policy
    }

    /// Adds a policy, and applies to it what was overridden last.
    ///
    /// # Errors
    ///
    /// Its name is taken.
    pub fn register(&self, policy: Policy) -> Result<Policy, PolicyBuildError> {
        let mut known = self.lock();
        let name = folded(policy.name());
        if known.policies.contains_key(&name) {
            let policy = policy.name().to_owned();
            return Err(PolicyBuildError::NameTaken { policy });
        }
        self.prepare(&known, &name, &policy);
        known.policies.insert(name, policy.clone());
        Ok(policy)
    }

    fn prepare(&self, known: &Known, name: &str, policy: &Policy) {
        if let Some(observers) = self.0.observers.get() {
            policy.observe(observers);
        }
        if let Some(overrides) = known.overrides.get(name) {
            policy.update(overrides);
        }
    }

    /// The policy of this name. `-` and `_` are the same, as everywhere in the configuration.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Policy> {
        self.lock().policies.get(&folded(name)).cloned()
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> Vec<Policy> {
        self.lock().policies.values().cloned().collect()
    }

    /// Overrides the policies as `policies.<name>` of the settings says; what is overridden no more is as built again. To be called with
    /// each new configuration. Returns the names that no policy has (yet): a slip of the pen, or one that registers later.
    pub fn apply(&self, settings: &Settings) -> Vec<String> {
        let mut known = self.lock();
        known.overrides = settings
            .policies
            .iter()
            .map(|(name, overrides)| (folded(name), overrides.clone()))
            .collect();
        let none = PolicyOverrides::default();
        let named = known.policies.values().chain(&known.namesakes);
        for policy in named {
            let overrides = known.overrides.get(&folded(policy.name()));
            policy.update(overrides.unwrap_or(&none));
        }
        let unknown = |name: &&String| !known.policies.contains_key(&folded(name));
        settings.policies.keys().filter(unknown).cloned().collect()
    }

    /// What is overridden and does nothing, in sentences for whoever writes the configuration: names that no policy has, parts that a
    /// function cannot have.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let known = self.lock();
        let mut warnings = Vec::new();
        for (name, overrides) in &known.overrides {
            match known.policies.get(name) {
                Some(policy) => warnings.extend(idle(policy, overrides)),
                None => warnings.push(unknown(name, &known.policies)),
            }
        }
        let overridden = |policy: &&Policy| known.overrides.contains_key(&folded(policy.name()));
        for policy in known.namesakes.iter().filter(overridden) {
            let name = policy.name();
            warnings.push(format!(
                "another function has the policy `{name}` too, and is overridden alike; give one a name of its own by `name = \"...\"`"
            ));
        }
        warnings
    }

    /// A panic under the lock leaves whole entries.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(name: &str, policies: &BTreeMap<String, Policy>) -> String {
    let said = format!("`policies.\"{name}\"` overrides nothing: no policy has this name");
    let shown = |near: &str| policies.get(near).map_or(near, Policy::name).to_owned();
    match nearest(name, policies.keys().map(String::as_str)) {
        Some(near) => format!("{said}; did you mean `{}`?", shown(near)),
        None if policies.is_empty() => format!("{said}, and there is none at all"),
        None => said,
    }
}

/// What is overridden of a function's policy that its attributes do not give a meaning.
fn idle(policy: &Policy, overrides: &PolicyOverrides) -> Vec<String> {
    let sets = |key: &str| overrides.as_map().contains_key(key);
    let name = policy.name();
    let mut idle = Vec::new();
    if !policy.repeats() {
        for key in ["retry", "hedge"].into_iter().filter(|key| sets(key)) {
            idle.push(format!(
                "`policies.\"{name}\".{key}` does nothing: the function has no `#[{key}]`, and keeps no arguments for a second try"
            ));
        }
    }
    let base = policy.base();
    let section = overrides.as_map().get("fallback");
    let stale = section.is_some_and(|section| section.get("stale_for").is_some());
    let keeps = (base.fallback.as_ref()).is_some_and(|fallback| !fallback.stale_for.is_zero());
    if policy.is_function() && stale && !keeps {
        idle.push(format!(
            "`policies.\"{name}\".fallback.stale_for` does nothing: the function has no `#[fallback(stale = ...)]`"
        ));
    }
    if policy.is_function() && base.cached.is_none() && sets("cached") {
        idle.push(format!(
            "`policies.\"{name}\".cached` does nothing: the function has no `#[cached]` that says by which key"
        ));
    }
    idle
}

fn folded(name: &str) -> String {
    name.replace('-', "_")
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.lock();
        f.debug_struct("Policies")
            .field("policies", &known.policies.keys())
            .field("namesakes", &known.namesakes.len())
            .finish_non_exhaustive()
    }
}
