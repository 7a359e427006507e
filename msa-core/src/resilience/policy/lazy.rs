//! The policy of a function: a `static` that every registry makes its own policy of.

use std::fmt;
use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Policies, Policy, PolicyCall};
use crate::config::PolicySettings;

/// The policy of a function, as a `static` beside it: what the attributes expand to.
///
/// The policy itself is made when it is first needed, by the [registry](Policies) that is current then: a service's own within its
/// requests and its [`scope`](Policies::scope), the process's elsewhere. So two services in one process, as tests have them, share no
/// breaker; and whoever is in no service's scope meets one policy in the whole process.
///
/// ```
/// use msa_core::config::Span;
/// use msa_core::resilience::policy::{LazyPolicy, PolicyError};
///
/// static STOCK: LazyPolicy = LazyPolicy::new(concat!(module_path!(), "::fetch_stock"), |settings| {
///     settings.timeout = Some(Span::millis(300));
///     let retry = settings.retry.get_or_insert_default();
///     retry.max_retries = 3;
/// });
/// msa_core::register_policy!(STOCK); // so that the configuration knows its name from the start; feature `macros`
///
/// async fn fetch_stock(sku: u64) -> Result<u64, PolicyError<std::io::Error>> {
///     STOCK.with().call(async || Ok(sku)).await
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(fetch_stock(7).await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct LazyPolicy {
    name: &'static str,
    settings: fn(&mut PolicySettings),
    repeats: bool,
    /// Its place in the tables of the registries.
    place: OnceLock<usize>,
    of_process: OnceLock<Policy>,
}

impl LazyPolicy {
    /// The policy of this name, with the sections that the function sets. The configuration overrides it as `policies."<name>"`.
    #[must_use]
    pub const fn new(name: &'static str, settings: fn(&mut PolicySettings)) -> Self {
        Self {
            name,
            settings,
            repeats: true,
            place: OnceLock::new(),
            of_process: OnceLock::new(),
        }
    }

    /// For a function that takes its arguments for itself, so that there is no second try to be had: a retry or a hedge in the
    /// configuration does nothing but warn.
    #[must_use]
    pub const fn once(mut self) -> Self {
        self.repeats = false;
        self
    }

    /// Its name: the key below `policies` in the configuration.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The current registry's policy.
    #[must_use]
    pub fn get(&'static self) -> Policy {
        Policy::clone(&self.held())
    }

    /// A call under the current registry's policy.
    #[inline]
    pub fn with(&'static self) -> PolicyCall<'static> {
        PolicyCall::held(self.held())
    }

    #[inline]
    fn held(&'static self) -> Held<'static> {
        match Policies::scoped(|policies| policies.function(self)) {
            Some(policy) => Held::Own(policy),
            None => Held::Lent(
                self.of_process
                    .get_or_init(|| Policies::process().function(self)),
            ),
        }
    }

    pub(super) fn place(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Only that no two are the same matters.
        *self
            .place
            .get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn build(&self) -> Policy {
        let mut settings = PolicySettings::default();
        (self.settings)(&mut settings);
        let mut builder = Policy::builder(self.name).repeats(self.repeats);
        builder.of_function = true;
        Policy::new(builder.settings(&settings))
    }
}

impl fmt::Debug for LazyPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyPolicy")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A policy that a call holds: lent, or a clone.
#[derive(Debug, Clone)]
pub(super) enum Held<'a> {
    Lent(&'a Policy),
    Own(Policy),
}

impl Deref for Held<'_> {
    type Target = Policy;

    #[inline]
    fn deref(&self) -> &Policy {
        match self {
            Self::Lent(policy) => policy,
            Self::Own(policy) => policy,
        }
    }
}

#[cfg(feature = "macros")]
inventory::collect!(&'static LazyPolicy);

/// Makes a `static` [`LazyPolicy`](crate::resilience::policy::LazyPolicy) known to every service of the process, so that
/// the configuration knows its name before it is called first. The attributes do it by themselves. Feature `macros`.
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! register_policy {
    ($policy:ident) => {
        $crate::__private::inventory::submit! { &$policy }
    };
}
