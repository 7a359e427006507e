//! Policies by name, and what the configuration overrides of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Policy, PolicyBuildError};
use crate::config::{PolicyOverrides, Settings};

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
#[derive(Debug, Clone, Default)]
pub struct Policies(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    policies: BTreeMap<String, Policy>,
    overrides: BTreeMap<String, PolicyOverrides>,
}

impl Policies {
    /// A registry that knows none.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
        if let Some(overrides) = known.overrides.get(&name) {
            policy.update(overrides);
        }
        known.policies.insert(name, policy.clone());
        Ok(policy)
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
        for (name, policy) in &known.policies {
            policy.update(known.overrides.get(name).unwrap_or(&none));
        }
        let unknown = |name: &&String| !known.policies.contains_key(&folded(name));
        settings.policies.keys().filter(unknown).cloned().collect()
    }

    /// A panic under the lock leaves whole entries.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folded(name: &str) -> String {
    name.replace('-', "_")
}
