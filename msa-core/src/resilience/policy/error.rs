//! Why a guarded call failed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::resilience::breaker::OpenError;
use crate::resilience::bulkhead::Full;
#[cfg(feature = "rate-limit")]
use crate::resilience::rate_limit::Limited;
use crate::resilience::throttle::Throttled;
use crate::resilience::timeout::{Elapsed, Limit};

/// A guarded call failed: by which policy or by itself, and what its attempts came to.
#[derive(Debug, Clone)]
pub struct PolicyError<E>(Box<Inner<E>>);

#[derive(Debug, Clone)]
struct Inner<E> {
    policy: Arc<str>,
    cause: Cause<E>,
    earlier: Vec<Attempt<E>>,
}

/// What ended a call or an attempt.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cause<E> {
    /// The function itself failed.
    Failed(E),
    /// A time limit passed.
    Late(Elapsed),
    /// The circuit breaker refused it.
    Open(OpenError),
    /// The throttle turned it away.
    Throttled(Throttled),
    /// The bulkhead had no permit.
    Full(Full),
    /// The rate limit was used up.
    #[cfg(feature = "rate-limit")]
    Limited(Limited),
}

/// What kind of failure it is. The names are those of [`CallErrorKind`](crate::client::CallErrorKind).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// The function itself failed.
    Failed,
    /// One attempt took too long.
    AttemptTimeout,
    /// The total timeout, or the deadline of whoever waits, passed.
    DeadlineExceeded,
    /// The circuit breaker is open.
    CircuitOpen,
    /// The throttle turned the call away.
    Throttled,
    /// Too many calls are under way.
    BulkheadFull,
    /// The rate limit is used up.
    RateLimited,
}

impl PolicyErrorKind {
    /// The kind's name in logs and metrics, such as `deadline_exceeded`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::AttemptTimeout => "attempt_timeout",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::CircuitOpen => "circuit_open",
            Self::Throttled => "throttled",
            Self::BulkheadFull => "bulkhead_full",
            Self::RateLimited => "rate_limited",
        }
    }
}

impl fmt::Display for PolicyErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<E> Cause<E> {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> PolicyErrorKind {
        match self {
            Self::Failed(_) => PolicyErrorKind::Failed,
            Self::Late(late) if late.limit == Limit::Attempt => PolicyErrorKind::AttemptTimeout,
            Self::Late(_) => PolicyErrorKind::DeadlineExceeded,
            Self::Open(_) => PolicyErrorKind::CircuitOpen,
            Self::Throttled(_) => PolicyErrorKind::Throttled,
            Self::Full(_) => PolicyErrorKind::BulkheadFull,
            #[cfg(feature = "rate-limit")]
            Self::Limited(_) => PolicyErrorKind::RateLimited,
        }
    }
}

impl<E> Cause<E> {
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open(open) => Some(open.retry_after),
            #[cfg(feature = "rate-limit")]
            Self::Limited(limited) => limited.retry_after,
            _ => None,
        }
    }
}

impl<E: Error + 'static> Cause<E> {
    pub(super) fn as_error(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            Self::Failed(error) => error,
            Self::Late(late) => late,
            Self::Open(open) => open,
            Self::Throttled(throttled) => throttled,
            Self::Full(full) => full,
            #[cfg(feature = "rate-limit")]
            Self::Limited(limited) => limited,
        })
    }
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Late(late) => late.fmt(f),
            Self::Open(open) => open.fmt(f),
            Self::Throttled(throttled) => throttled.fmt(f),
            Self::Full(full) => full.fmt(f),
            #[cfg(feature = "rate-limit")]
            Self::Limited(limited) => limited.fmt(f),
        }
    }
}

/// An attempt that was not enough.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Attempt<E> {
    /// What ended it; `None` when it gave an answer that was judged to be a failure.
    pub cause: Option<Cause<E>>,
    /// How long it took.
    pub elapsed: Duration,
}

impl<E> PolicyError<E> {
    #[cold]
    pub(super) fn new(policy: Arc<str>, cause: Cause<E>, earlier: Vec<Attempt<E>>) -> Self {
        Self(Box::new(Inner {
            policy,
            cause,
            earlier,
        }))
    }

    pub(super) fn into_parts(self) -> (Arc<str>, Cause<E>, Vec<Attempt<E>>) {
        let Inner {
            policy,
            cause,
            earlier,
        } = *self.0;
        (policy, cause, earlier)
    }

    /// The function itself failed so, under the policy of this name: for substitutes that fail themselves.
    pub fn failed(policy: impl Into<Arc<str>>, error: E) -> Self {
        Self::new(policy.into(), Cause::Failed(error), Vec::new())
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> PolicyErrorKind {
        self.0.cause.kind()
    }

    /// The policy's name.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.0.policy
    }

    /// What ended the call: how its last attempt failed, or what kept it from being made.
    #[must_use]
    pub fn cause(&self) -> &Cause<E> {
        &self.0.cause
    }

    pub(crate) fn policy_shared(&self) -> Arc<str> {
        self.0.policy.clone()
    }

    /// The attempts before the last, in order.
    #[must_use]
    pub fn earlier(&self) -> &[Attempt<E>] {
        &self.0.earlier
    }

    /// The function's own error, when that ended the call.
    #[must_use]
    pub fn inner(&self) -> Option<&E> {
        match &self.0.cause {
            Cause::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The same, taking it out.
    ///
    /// # Errors
    ///
    /// Something else ended the call; here it is again.
    pub fn into_inner(self) -> Result<E, Self> {
        let Inner {
            policy,
            cause,
            earlier,
        } = *self.0;
        match cause {
            Cause::Failed(error) => Ok(error),
            cause => Err(Self::new(policy, cause, earlier)),
        }
    }

    /// When to try again, when a policy knows it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.cause.retry_after()
    }
}

impl<E: fmt::Display> fmt::Display for PolicyError<E> {
    /// ``policy `stock`: no answer within the attempt timeout of 100ms (attempt 3; before: failed, attempt_timeout)``
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            policy,
            cause,
            earlier,
        } = &*self.0;
        write!(f, "policy `{policy}`: {cause}")?;
        if earlier.is_empty() {
            return Ok(());
        }
        write!(f, " (attempt {}; before:", earlier.len() + 1)?;
        for (at, attempt) in earlier.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let kind = attempt.cause.as_ref().map(Cause::kind);
            let kind = kind.map_or("bad answer", PolicyErrorKind::as_str);
            write!(f, "{comma} {kind}")?;
        }
        f.write_str(")")
    }
}

impl<E: Error + 'static> Error for PolicyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_error()
    }
}
