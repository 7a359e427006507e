//! All checks of one service.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::AbortHandle;

use super::check::{Check, CheckBuilder, CheckReport, Kind};
use super::lifecycle::{Lifecycle, Phase};
use super::runner;
use crate::clock;
use crate::config::HealthSettings;

/// The checks of one service and its [`Lifecycle`]; cheap to clone. Its checks end with its last clone.
#[derive(Clone)]
pub struct Registry(Arc<Shared>);

struct Shared {
    lifecycle: Lifecycle,
    settings: HealthSettings,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    started: bool,
    checks: Vec<Registered>,
}

struct Registered {
    check: Arc<Check>,
    task: Option<AbortHandle>,
}

impl Registry {
    /// A registry without checks, with the default [`HealthSettings`].
    #[must_use]
    pub fn new(lifecycle: Lifecycle) -> Self {
        Self::with_settings(lifecycle, HealthSettings::default())
    }

    /// A registry without checks, whose checks have the interval, timeout and maximal age of `settings` unless they set
    /// their own.
    #[must_use]
    pub fn with_settings(lifecycle: Lifecycle, settings: HealthSettings) -> Self {
        Self(Arc::new(Shared {
            lifecycle,
            settings,
            state: Mutex::default(),
        }))
    }

    /// The phase of the process that the checks belong to.
    #[must_use]
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    /// Registers a check of something that requests need, such as the database: while it fails, `/readyz` is 503.
    pub fn readiness<F, Fut, E>(&self, name: impl Into<Cow<'static, str>>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.check(Kind::Readiness, name).run(check);
    }

    /// Registers a check that must pass once before `/startupz` is 200, such as a cache that must be filled.
    pub fn startup<F, Fut, E>(&self, name: impl Into<Cow<'static, str>>, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        self.check(Kind::Startup, name).run(check);
    }

    /// Begins a check with its own interval, timeout or maximal age, or a liveness check.
    ///
    /// A liveness check may ask this process only: see the [module](super).
    pub fn check(&self, kind: Kind, name: impl Into<Cow<'static, str>>) -> CheckBuilder<'_> {
        CheckBuilder::new(self, kind, name.into())
    }

    /// Starts running the checks; those registered later start at once. Must be called within a tokio runtime.
    pub fn start(&self) {
        let mut state = self.state();
        state.started = true;
        for registered in &mut state.checks {
            if registered.task.is_none() {
                registered.task = Some(runner::spawn(&registered.check));
            }
        }
    }

    /// Stops running the checks. Their latest results stay, and age.
    pub fn stop(&self) {
        let mut state = self.state();
        state.started = false;
        for registered in &mut state.checks {
            if let Some(task) = registered.task.take() {
                task.abort();
            }
        }
    }

    /// Whether `/livez` is 200.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.all_pass(Kind::Liveness)
    }

    /// Whether `/readyz` is 200.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.lifecycle().phase() == Phase::Ready && self.all_pass(Kind::Readiness)
    }

    /// Whether `/startupz` is 200.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.all_pass(Kind::Startup)
    }

    /// Every check of this kind, in the order of their registration.
    #[must_use]
    pub fn reports(&self, kind: Kind) -> Vec<CheckReport> {
        let now = clock::now();
        self.state()
            .checks
            .iter()
            .filter(|registered| registered.check.kind == kind)
            .map(|registered| registered.check.report(now))
            .collect()
    }

    pub(super) fn defaults(&self) -> (Duration, Duration, Duration) {
        let settings = &self.0.settings;
        (
            settings.interval.get(),
            settings.timeout.get(),
            settings.max_age.get(),
        )
    }

    pub(super) fn add(&self, check: Arc<Check>) {
        let mut state = self.state();
        let task = state.started.then(|| runner::spawn(&check));
        let same = |old: &Registered| old.check.name == check.name && old.check.kind == check.kind;
        let replaced = state.checks.iter().position(same);
        let new = Registered { check, task };
        match replaced.and_then(|at| state.checks.get_mut(at)) {
            Some(old) => std::mem::replace(old, new).stop(),
            None => state.checks.push(new),
        }
    }

    fn all_pass(&self, kind: Kind) -> bool {
        let now = clock::now();
        self.state()
            .checks
            .iter()
            .all(|registered| registered.check.kind != kind || registered.check.passes(now))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registered {
    fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for registered in &state.checks {
            registered.stop();
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Registry")
            .field("lifecycle", self.lifecycle())
            .field("started", &state.started)
            .field("checks", &state.checks.len())
            .finish()
    }
}
