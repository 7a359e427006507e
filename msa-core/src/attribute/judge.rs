//! What counts as a failure, and what is worth another try.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use super::{FailedResponse, Returned};
use crate::client::{CallError, CallErrorKind};
use crate::clock;
use crate::config::RetrySettings;
use crate::problem::Problem;
use crate::resilience::breaker::{Classify, Outcome};
use crate::resilience::retry::{Answer, Conditions, Ending, Judge, Wait};

/// By what is known of the error: its status, its kind. An error of another type is a failure, and worth another try.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByKind;

/// What is known of an error.
enum Known<'e> {
    Call(&'e CallError),
    Problem(&'e Problem),
}

fn known<E: 'static>(error: &E) -> Option<Known<'_>> {
    type Boxed = Box<dyn Error + Send + Sync>;
    let error: &dyn std::any::Any = error;
    if let Some(call) = error.downcast_ref() {
        return Some(Known::Call(call));
    }
    if let Some(problem) = error.downcast_ref() {
        return Some(Known::Problem(problem));
    }
    let boxed: &Boxed = error.downcast_ref()?;
    in_chain(&**boxed)
}

fn in_chain<'e>(error: &'e (dyn Error + 'static)) -> Option<Known<'e>> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(problem) = error.downcast_ref() {
            return Some(Known::Problem(problem));
        }
        if let Some(call) = error.downcast_ref() {
            return Some(Known::Call(call));
        }
        cause = error.source();
    }
    None
}

impl<Q, T, E: 'static> Judge<Q, T, E> for ByKind {
    fn judge(&self, result: &Result<T, E>, _on: &Conditions) -> Ending {
        match result {
            Ok(_) => Ending::Good,
            Err(error) => known(error).map_or(Ending::Failed, |known| known.ending()),
        }
    }
}

impl<T, E: 'static> Classify<T, E> for ByKind {
    fn classify(&self, result: Result<&T, &E>, _elapsed: Duration) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => known(error).map_or(Outcome::Failure, |known| known.outcome()),
        }
    }
}

impl Known<'_> {
    fn ending(&self) -> Ending {
        match self {
            Self::Problem(problem) => {
                let mut answer = Answer::status(problem.status().as_u16());
                answer.never = problem.forbids_retry();
                answer.wait = (problem.asks_to_wait()).map_or(Wait::Unsaid, Wait::AtLeast);
                answer.into()
            }
            Self::Call(error) => ending_of_call(error),
        }
    }

    fn outcome(&self) -> Outcome {
        match self {
            Self::Problem(problem) => by_status(problem.status()),
            Self::Call(error) => match error.kind() {
                CallErrorKind::Connect => Outcome::ConnectFailure,
                CallErrorKind::Status => {
                    error.response_status().map_or(Outcome::Failure, by_status)
                }
                // Decided on this side: nothing is known of the callee.
                CallErrorKind::Invalid
                | CallErrorKind::Cancelled
                | CallErrorKind::CircuitOpen
                | CallErrorKind::BulkheadFull
                | CallErrorKind::Throttled
                | CallErrorKind::RateLimited => Outcome::Ignored,
                _ => Outcome::Failure,
            },
        }
    }
}

fn by_status(status: http::StatusCode) -> Outcome {
    if status.is_server_error() {
        Outcome::Failure
    } else {
        Outcome::Success
    }
}

fn ending_of_call(error: &CallError) -> Ending {
    match error.kind() {
        CallErrorKind::Connect if error.never_sent() => Ending::NotProcessed,
        CallErrorKind::Connect => Ending::NotConnected,
        CallErrorKind::AttemptTimeout => Ending::TimedOut,
        CallErrorKind::Reset | CallErrorKind::Body | CallErrorKind::Fault => Ending::Reset,
        CallErrorKind::NoEndpoint => Ending::Failed,
        CallErrorKind::Status => match error.response_status() {
            Some(status) => {
                let mut answer = Answer::status(status.as_u16());
                answer.wait = error.retry_after().map_or(Wait::Unsaid, Wait::AtLeast);
                answer.into()
            }
            None => Ending::Failed,
        },
        CallErrorKind::Invalid => Ending::Good, // as bad the next time
        CallErrorKind::DeadlineExceeded
        | CallErrorKind::Cancelled
        | CallErrorKind::CircuitOpen
        | CallErrorKind::BulkheadFull
        | CallErrorKind::Throttled
        | CallErrorKind::RateLimited => Ending::Refused,
    }
}

/// By status: a [`FailedResponse`] is a failure, and worth another try if it does not forbid it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByStatus;

impl<Q, T> Judge<Q, T, FailedResponse> for ByStatus {
    fn judge(&self, result: &Result<T, FailedResponse>, on: &Conditions) -> Ending {
        match result {
            Ok(_) => Ending::Good,
            Err(failed) => {
                let response = failed.response();
                on.answered(response.status().as_u16(), response.headers(), clock::now)
            }
        }
    }
}

impl<T> Classify<T, FailedResponse> for ByStatus {
    fn classify(&self, result: Result<&T, &FailedResponse>, _elapsed: Duration) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }
}

/// A function that says what is a failure: `fn(&E) -> bool`, or `fn(&Result<T, E>) -> bool`.
#[diagnostic::on_unimplemented(
    message = "this function cannot say what is a failure",
    label = "expected `fn(&{E}) -> bool` or `fn(&Result<{T}, {E}>) -> bool`",
    note = "it is given what the function returned, or only its error, and says `true` for a failure"
)]
pub trait Verdict<T, E, M> {
    /// Whether it is one.
    fn is_failure(&self, result: &Result<T, E>) -> bool;
}

/// Is given the whole result.
#[derive(Debug)]
pub struct OfResult;

/// Is given the error.
#[derive(Debug)]
pub struct OfError;

impl<T, E, F: Fn(&Result<T, E>) -> bool> Verdict<T, E, OfResult> for F {
    fn is_failure(&self, result: &Result<T, E>) -> bool {
        self(result)
    }
}

impl<T, E, F: Fn(&E) -> bool> Verdict<T, E, OfError> for F {
    fn is_failure(&self, result: &Result<T, E>) -> bool {
        result.as_ref().is_err_and(self)
    }
}

/// Says by the [`CallError`] or [`Problem`] that an error is or wraps whether another try may help, as a function's policy judges these
/// themselves; an error without one may. For error types of one's own: `#[retry(when = msa_core::attribute::Transient)]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transient;

/// Looks at the error's chain.
#[derive(Debug)]
pub struct OfChain;

impl<T, E: Error + 'static> Verdict<T, E, OfChain> for Transient {
    fn is_failure(&self, result: &Result<T, E>) -> bool {
        let Err(error) = result else { return false };
        let conditions: Conditions = RetrySettings::of_function().on.into_iter().collect();
        in_chain(error).is_none_or(|known| match known.ending() {
            Ending::Answered(answer) if answer.never => false,
            ending => conditions.covers(&ending),
        })
    }
}

/// Made by [`when`].
pub struct When<F, M>(F, PhantomData<fn() -> M>);

/// What this function of a result, or of its error, says: a failure of function `R`.
pub fn when<R: Returned, F: Verdict<R::Answer, R::Error, M>, M>(function: F) -> When<F, M> {
    When(function, PhantomData)
}

impl<Q, T, E, F: Verdict<T, E, M>, M> Judge<Q, T, E> for When<F, M> {
    fn judge(&self, result: &Result<T, E>, _on: &Conditions) -> Ending {
        self.0.is_failure(result).into()
    }
}

impl<T, E, F: Verdict<T, E, M>, M> Classify<T, E> for When<F, M> {
    /// Every error: the function is asked by [`Classify::classify_result`].
    fn classify(&self, result: Result<&T, &E>, _elapsed: Duration) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::Failure,
        }
    }

    fn classify_result(&self, result: &Result<T, E>, _elapsed: Duration) -> Outcome {
        if self.0.is_failure(result) {
            Outcome::Failure
        } else {
            Outcome::Success
        }
    }
}

impl<F, M> fmt::Debug for When<F, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("When")
    }
}
