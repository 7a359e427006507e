//! What a policy's refusal becomes in the error type of the function that it guards.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use super::{Cause, PolicyError, PolicyErrorKind};
use crate::problem::Problem;

/// A policy refused a call or ended it, and the function's own failure did not: all of a [`PolicyError`] that is not the function's.
///
/// An error type takes it up by one more variant:
///
/// ```
/// use msa_core::resilience::policy::Refused;
///
/// #[derive(Debug, thiserror::Error)]
/// enum StockError {
///     #[error("no such article")]
///     NoArticle,
///     #[error(transparent)]
///     Refused(#[from] Refused),
/// }
/// ```
///
/// [`Problem`], [`CallError`](crate::client::CallError), [`PolicyError`] and `Box<dyn Error + Send + Sync>` take it by themselves.
#[derive(Debug, Clone)]
pub struct Refused(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    policy: Arc<str>,
    cause: Cause<Infallible>,
    attempts: usize,
}

impl Refused {
    /// The policy's name.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.0.policy
    }

    /// Which part refused or ended the call; never [`PolicyErrorKind::Failed`].
    #[must_use]
    pub fn kind(&self) -> PolicyErrorKind {
        self.0.cause.kind()
    }

    /// How many attempts had been made before.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.0.attempts
    }

    /// When to try again, when the part that refused knows it.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.cause.retry_after()
    }

    /// The status to answer to whoever waits: 504 when time ran out, else 503.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind() {
            PolicyErrorKind::AttemptTimeout | PolicyErrorKind::DeadlineExceeded => {
                StatusCode::GATEWAY_TIMEOUT
            }
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            policy,
            cause,
            attempts,
        } = &*self.0;
        write!(f, "policy `{policy}`: {cause}")?;
        match attempts {
            0 => Ok(()),
            n => write!(f, " (after {n} failed)"),
        }
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause.as_error()
    }
}

impl From<Refused> for Problem {
    /// 503, or 504 when time ran out; `Retry-After` when the policy knows it. The policy's name is for the log.
    fn from(refused: Refused) -> Self {
        let kind = refused.kind().as_str();
        let mut problem = Self::new(refused.status())
            .detail(format!("refused: {}", kind.replace('_', " ")))
            .with("kind", kind);
        if let Some(after) = refused.retry_after() {
            problem = problem.retry_after(after);
        }
        problem.caused_by(refused)
    }
}

impl<E> From<Refused> for PolicyError<E> {
    /// Attempts of the function that refused are not told any more.
    fn from(refused: Refused) -> Self {
        let Inner { policy, cause, .. } = *refused.0;
        let cause = match cause {
            Cause::Failed(never) => match never {},
            Cause::Late(late) => Cause::Late(late),
            Cause::Open(open) => Cause::Open(open),
            Cause::Throttled(throttled) => Cause::Throttled(throttled),
            Cause::Full(full) => Cause::Full(full),
            #[cfg(feature = "rate-limit")]
            Cause::Limited(limited) => Cause::Limited(limited),
        };
        Self::new(policy, cause, Vec::new())
    }
}

impl<E> PolicyError<E> {
    /// The function's own error, or what the policy refused with.
    ///
    /// # Errors
    ///
    /// The function did not fail: a policy refused the call or ended it.
    pub fn own(self) -> Result<E, Refused> {
        let (policy, cause, earlier) = self.into_parts();
        let cause = match cause {
            Cause::Failed(error) => return Ok(error),
            Cause::Late(late) => Cause::Late(late),
            Cause::Open(open) => Cause::Open(open),
            Cause::Throttled(throttled) => Cause::Throttled(throttled),
            Cause::Full(full) => Cause::Full(full),
            #[cfg(feature = "rate-limit")]
            Cause::Limited(limited) => Cause::Limited(limited),
        };
        Err(Refused(Box::new(Inner {
            policy,
            cause,
            attempts: earlier.len(),
        })))
    }

    /// One error for both: the function's own, or what it makes of a refusal.
    pub fn flatten(self) -> E
    where
        E: FromRefused,
    {
        self.own().unwrap_or_else(E::from_refused)
    }
}

/// An error that can say that a policy refused: whatever a [`Refused`] converts into by `From`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a policy refused the call",
    label = "the function's error needs a variant for `Refused`",
    note = "with thiserror: `#[error(transparent)] Refused(#[from] msa_core::resilience::policy::Refused)`",
    note = "or return `msa_core::problem::Problem`, `msa_core::client::CallError` or `Box<dyn Error + Send + Sync>`"
)]
pub trait FromRefused: Sized {
    /// The error that says so.
    fn from_refused(refused: Refused) -> Self;
}

#[diagnostic::do_not_recommend]
impl<E: From<Refused>> FromRefused for E {
    fn from_refused(refused: Refused) -> Self {
        refused.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resilience::policy::Policy;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_an_answer_that_says_when_to_come_again_and_names_no_policy() {
        let settings = crate::resilience::breaker::BreakerConfig::default();
        let breaker = Arc::new(crate::resilience::breaker::Breaker::new(settings));
        breaker.force_open(crate::clock::now());
        let policy = Policy::builder("secret").breaker(breaker).build().unwrap();
        let error = policy.call(async || Ok::<_, Problem>(())).await;
        let problem: Problem = error.unwrap_err().flatten();
        assert_eq!(problem.status(), 503);
        let document = problem.to_json();
        assert_eq!(document["kind"], "circuit_open");
        assert!(!document.to_string().contains("secret"), "{document}");
        assert!(problem.source().unwrap().to_string().contains("secret"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_functions_own_error_is_its_own() {
        let policy = Policy::builder("p").build().unwrap();
        let failed = policy.call(async || Err::<(), _>(Problem::not_found("x")));
        assert_eq!(failed.await.unwrap_err().flatten().status(), 404);
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_ran_out_is_504_and_anybodys_error_takes_it() {
        let policy = Policy::builder("p").timeout(crate::config::Span::millis(5));
        let policy = policy.build().unwrap();
        type Boxed = Box<dyn Error + Send + Sync>;
        let hang = || std::future::pending::<Result<(), Boxed>>();
        let error = policy.call(hang).await.unwrap_err().flatten();
        let refused = error.downcast_ref::<Refused>().unwrap();
        assert_eq!(refused.status(), 504);
        assert_eq!(refused.kind(), PolicyErrorKind::DeadlineExceeded);
        let again: PolicyError<Boxed> = refused.clone().into();
        assert_eq!(again.kind(), PolicyErrorKind::DeadlineExceeded);
    }
}
