//! What an attempt's result means.

use http::{Request, Response};

use super::{Conditions, Ending, is_idempotent};
use crate::clock;

/// Says how an attempt ended, and whether its request may be processed twice.
///
/// Ready ones: [`OnErr`], [`When`] and, for HTTP, [`OverHttp`].
pub trait Judge<Q, T, E> {
    /// How it ended, for a policy that acts on these conditions.
    fn judge(&self, result: &Result<T, E>, on: &Conditions) -> Ending;

    /// Whether the request may be processed twice. Defaults to `true`: whoever retries a function says so by doing it.
    fn is_idempotent(&self, _request: &Q) -> bool {
        true
    }
}

/// Every `Err` is worth another attempt, no `Ok` is.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnErr;

impl<Q, T, E> Judge<Q, T, E> for OnErr {
    fn judge(&self, result: &Result<T, E>, _on: &Conditions) -> Ending {
        result.is_err().into()
    }
}

/// A function says it: `true`, or an [`Ending`].
///
/// ```
/// use msa_core::resilience::retry::When;
///
/// // Another attempt after an I/O error, and after an empty page.
/// let judge = When(|result: &Result<Vec<u32>, std::io::Error>| {
///     result.as_ref().map_or(true, Vec::is_empty)
/// });
/// # let _ = judge;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct When<F>(pub F);

impl<Q, T, E, F, V> Judge<Q, T, E> for When<F>
where
    F: Fn(&Result<T, E>) -> V,
    V: Into<Ending>,
{
    fn judge(&self, result: &Result<T, E>, _on: &Conditions) -> Ending {
        (self.0)(result).into()
    }
}

/// Responses are judged by status and headers, requests by method and `Idempotency-Key`. Of an error nothing is known, so it
/// is a broken connection, after which the request may have been processed.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverHttp;

impl<Q, T, E> Judge<Request<Q>, Response<T>, E> for OverHttp {
    fn judge(&self, result: &Result<Response<T>, E>, on: &Conditions) -> Ending {
        match result {
            Ok(response) => {
                let status = response.status().as_u16();
                on.answered(status, response.headers(), clock::now)
            }
            Err(_) => Ending::Reset,
        }
    }

    fn is_idempotent(&self, request: &Request<Q>) -> bool {
        is_idempotent(request.method(), request.headers())
    }
}
