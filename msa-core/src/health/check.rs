//! A check: what it is asked for, when, and what came of it.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Registry;
use crate::clock::Instant;

/// Which probe a check belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The process must be restarted when it fails: only for what lies inside this process.
    Liveness,
    /// No requests while it fails.
    Readiness,
    /// Must pass once, and is not run again.
    Startup,
    /// Fails no probe: what whoever runs the service should know, such as a refused configuration. Shown with `?verbose`
    /// beside the readiness checks.
    Advisory,
}

impl Kind {
    /// The kind in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Liveness => "liveness",
            Self::Readiness => "readiness",
            Self::Startup => "startup",
            Self::Advisory => "advisory",
        }
    }
}

/// What came of a check's latest run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckStatus {
    /// It has not come to an end yet, which counts as failed.
    Pending,
    /// It passed.
    Passed,
    /// It failed, with this reason.
    Failed(String),
}

impl CheckStatus {
    /// The status in lower case.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
        }
    }
}

/// A check as `?verbose` shows it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckReport {
    /// The check's name.
    pub name: Cow<'static, str>,
    /// Which probe it belongs to.
    pub kind: Kind,
    /// What came of its latest run; a result above its maximal age is [`CheckStatus::Failed`].
    pub status: CheckStatus,
    /// How old that result is; `None` before the first.
    pub age: Option<Duration>,
    /// How long that run took.
    pub took: Duration,
}

pub(super) type Run =
    dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync;

/// A registered check and its latest result.
pub(super) struct Check {
    pub(super) name: Cow<'static, str>,
    pub(super) kind: Kind,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) max_age: Duration,
    pub(super) run: Box<Run>,
    pub(super) latest: Mutex<Latest>,
}

pub(super) struct Latest {
    pub(super) status: CheckStatus,
    pub(super) at: Option<Instant>,
    pub(super) took: Duration,
}

impl Check {
    /// Whether it counts as passed at `now`. A startup check that passed once stays passed.
    pub(super) fn passes(&self, now: Instant) -> bool {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.status == CheckStatus::Passed && !self.is_stale(&latest, now)
    }

    pub(super) fn report(&self, now: Instant) -> CheckReport {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let age = latest.at.map(|at| now.saturating_duration_since(at));
        let status = match (&latest.status, age) {
            (CheckStatus::Passed, Some(age)) if self.is_stale(&latest, now) => {
                CheckStatus::Failed(format!(
                    "the latest result is {age:.1?} old, which is more than {:?}",
                    self.max_age
                ))
            }
            (status, _) => status.clone(),
        };
        CheckReport {
            name: self.name.clone(),
            kind: self.kind,
            status,
            age,
            took: latest.took,
        }
    }

    fn is_stale(&self, latest: &Latest, now: Instant) -> bool {
        self.kind != Kind::Startup
            && latest
                .at
                .is_some_and(|at| now.saturating_duration_since(at) > self.max_age)
    }
}

/// A check about to be registered: [`Registry::check`] begins it, [`run`](Self::run) ends it.
#[must_use = "a check is registered by `run`"]
pub struct CheckBuilder<'a> {
    registry: &'a Registry,
    kind: Kind,
    name: Cow<'static, str>,
    interval: Duration,
    timeout: Duration,
    max_age: Duration,
}

impl<'a> CheckBuilder<'a> {
    pub(super) fn new(registry: &'a Registry, kind: Kind, name: Cow<'static, str>) -> Self {
        let (interval, timeout, max_age) = registry.defaults();
        Self {
            registry,
            kind,
            name,
            interval,
            timeout,
            max_age,
        }
    }

    /// From the end of one run to the start of the next. Defaults to `health.interval` (5 s).
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long a run may take before it counts as failed and is dropped. Defaults to `health.timeout` (1 s).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How old a result may be before it counts as failed. Defaults to `health.max_age` (30 s); never less than
    /// interval and timeout together, below which every check would fail between two runs.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Registers the check. It runs at once when the registry has been started, else when it is.
    ///
    /// A check with the same name and kind is replaced.
    pub fn run<F, Fut, E>(self, check: F)
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display,
    {
        let run: Box<Run> = Box::new(move || {
            let result = check();
            Box::pin(async move { result.await.map_err(|error| error.to_string()) })
        });
        self.registry.add(Arc::new(Check {
            name: self.name,
            kind: self.kind,
            interval: self.interval,
            timeout: self.timeout,
            max_age: self.max_age.max(self.interval.saturating_add(self.timeout)),
            run,
            latest: Mutex::new(Latest {
                status: CheckStatus::Pending,
                at: None,
                took: Duration::ZERO,
            }),
        }));
    }
}

impl fmt::Debug for CheckBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckBuilder")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
