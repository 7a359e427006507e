//! What a function under a policy returns.

use std::fmt;
use std::future::Future;

use axum::response::{IntoResponse, Response};

use super::{ByKind, ByStatus};
use crate::problem::Problem;
use crate::resilience::breaker::Classify;
use crate::resilience::fallback::Substitute;
use crate::resilience::policy::{FromRefused, PolicyCall, PolicyError, Refused, Share};
use crate::resilience::retry::Judge;

/// What a function under a policy returns: a `Result` whose error can say that the policy [refused](FromRefused), or a [`Response`].
#[diagnostic::on_unimplemented(
    message = "a function under a policy returns a `Result`, so that it can say that it was refused",
    label = "this is neither a `Result` nor a `Response`",
    note = "return `Result<{Self}, msa_core::problem::Problem>`; an axum handler may return `impl IntoResponse` too"
)]
pub trait Returned: Sized {
    /// A good answer.
    type Answer;
    /// A failure.
    type Error: FromRefused;
    /// How failures are judged unless the function says otherwise.
    type By: Default;

    /// As the policy sees it.
    ///
    /// # Errors
    ///
    /// It is a failure.
    fn into_result(self) -> Result<Self::Answer, Self::Error>;

    /// As the caller sees it.
    fn from_result(result: Result<Self::Answer, PolicyError<Self::Error>>) -> Self;
}

impl<T, E: FromRefused> Returned for Result<T, E> {
    type Answer = T;
    type Error = E;
    type By = ByKind;

    #[inline]
    fn into_result(self) -> Self {
        self
    }

    #[inline]
    fn from_result(result: Result<T, PolicyError<E>>) -> Self {
        result.map_err(PolicyError::flatten)
    }
}

/// An answer of status 500 or above is a failure.
impl Returned for Response {
    type Answer = Self;
    type Error = FailedResponse;
    type By = ByStatus;

    fn into_result(self) -> Result<Self, FailedResponse> {
        if self.status().is_server_error() {
            Err(FailedResponse(Box::new(self)))
        } else {
            Ok(self)
        }
    }

    fn from_result(result: Result<Self, PolicyError<FailedResponse>>) -> Self {
        result.unwrap_or_else(|error| *error.flatten().0)
    }
}

/// A response that is a failure: the handler's own, or the problem document that says that a policy refused.
pub struct FailedResponse(pub(super) Box<Response>);

impl FailedResponse {
    /// The response.
    #[must_use]
    pub fn response(&self) -> &Response {
        &self.0
    }

    /// The same, taking it out.
    #[must_use]
    pub fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Refused> for FailedResponse {
    fn from(refused: Refused) -> Self {
        Self(Box::new(Problem::from(refused).into_response()))
    }
}

impl fmt::Debug for FailedResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FailedResponse")
            .field(&self.0.status())
            .finish()
    }
}

/// The response of a handler that returns `impl IntoResponse`.
pub fn respond(answer: impl IntoResponse) -> Response {
    answer.into_response()
}

/// Nothing, of this type. `if let Some(never) = returns::<R>() { return never; }` tells the compiler what an `async` block returns,
/// which it has no syntax for.
#[inline]
#[must_use]
pub const fn returns<R>() -> Option<R> {
    None
}

impl<'a, S, J, C, H> PolicyCall<'a, S, J, C, H> {
    /// Results are judged as this type, the function's, [says](super). Before other judges are named.
    pub fn returning<R: Returned>(self) -> PolicyCall<'a, S, R::By, R::By, H> {
        self.judged_by(R::By::default())
            .classified_by(R::By::default())
    }

    /// Calls the function, once for each attempt, and returns what the function does: a refusal in the function's own error type.
    pub async fn run<R, F, Fut>(self, mut work: F) -> R
    where
        R: Returned,
        F: FnMut() -> Fut,
        Fut: Future<Output = R>,
        S: Substitute<R::Answer, PolicyError<R::Error>>,
        J: Judge<(), R::Answer, R::Error>,
        C: Classify<R::Answer, R::Error>,
        H: Share<Result<R::Answer, PolicyError<R::Error>>>,
    {
        let result = self.call(|| {
            let work = work();
            async move { work.await.into_result() }
        });
        R::from_result(result.await)
    }

    /// The same for a function that can be called only once, as it takes what it needs along: no retry, no hedge.
    pub async fn run_once<R, F, Fut>(self, work: F) -> R
    where
        R: Returned,
        F: FnOnce() -> Fut,
        Fut: Future<Output = R>,
        S: Substitute<R::Answer, PolicyError<R::Error>>,
        J: Judge<(), R::Answer, R::Error>,
        C: Classify<R::Answer, R::Error>,
        H: Share<Result<R::Answer, PolicyError<R::Error>>>,
    {
        let result = self.once(|| {
            let work = work();
            async move { work.await.into_result() }
        });
        R::from_result(result.await)
    }
}
