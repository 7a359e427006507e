//! Another service's answer, as what it means for one's own caller.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode, header};
use msa_core::client::CallError;
use msa_core::problem::Problem;
use reqwest::Response;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why there is no good answer.
#[derive(Debug)]
pub enum Failure {
    /// The service understood and said no: 404, 409, 410 or 422. Asking again changes nothing.
    Refused(Refusal),
    /// The service could not be reached or did not do its work; this is what to answer then. Asking again may help.
    Failed(Problem),
}

/// A service's reasoned no.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The problem document's members; none when it sent no document.
    pub document: Map<String, Value>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// The same no for one's own caller, with every member that the service gave.
    #[must_use]
    pub fn pass_on(mut self) -> Problem {
        let mut problem = Problem::new(self.status);
        for (name, set) in [
            ("type", Problem::kind as fn(Problem, String) -> Problem),
            ("title", Problem::title),
            ("detail", Problem::detail),
        ] {
            if let Some(Value::String(text)) = self.document.remove(name) {
                problem = set(problem, text);
            }
        }
        if let Some(after) = self.retry_after {
            problem = problem.retry_after(after);
        }
        self.document
            .into_iter()
            .fold(problem, |problem, (name, value)| problem.with(name, value))
    }
}

/// A refusal is passed on as it is, a failure as it was put.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.pass_on(),
            Failure::Failed(problem) => problem,
        }
    }
}

/// Waves a good answer through, and turns any other into what it means.
///
/// # Errors
/// [`Failure`], with a problem that names `service`.
pub async fn good(
    service: &'static str,
    sent: Result<Response, reqwest_middleware::Error>,
) -> Result<Response, Failure> {
    let response = sent.map_err(|error| failed(service, CallError::from(error)))?;
    let status = response.status();
    let retry_after = retry_after(response.headers());
    match status.as_u16() {
        200..300 => Ok(response),
        404 | 409 | 410 | 422 => Err(Failure::Refused(Refusal {
            status,
            document: response.json().await.unwrap_or_default(),
            retry_after,
        })),
        other => Err(Failure::Failed(unusable(service, other, retry_after))),
    }
}

/// [`good`], and its body.
///
/// # Errors
/// As [`good`], and 502 when the body is not what was expected.
pub async fn json<T: DeserializeOwned>(
    service: &'static str,
    sent: Result<Response, reqwest_middleware::Error>,
) -> Result<T, Failure> {
    let response = good(service, sent).await?;
    response
        .json()
        .await
        .map_err(|error| failed(service, CallError::from(error)))
}

fn failed(service: &'static str, error: CallError) -> Failure {
    let reason: &(dyn std::error::Error + 'static) = &error;
    tracing::warn!(service, error = reason, "a call failed");
    Failure::Failed(Problem::from(error).with("service", service))
}

/// What the service's own trouble, or a request of ours that it cannot take, means above.
fn unusable(service: &'static str, status: u16, retry_after: Option<Duration>) -> Problem {
    tracing::warn!(service, status, "a call was answered with an error");
    let above = match status {
        429 | 503 => StatusCode::SERVICE_UNAVAILABLE,
        504 => StatusCode::GATEWAY_TIMEOUT,
        508 => StatusCode::LOOP_DETECTED,
        _ => StatusCode::BAD_GATEWAY,
    };
    let problem = Problem::new(above)
        .detail(format!("{service} answered {status}"))
        .with("service", service);
    match retry_after {
        Some(after) => problem.retry_after(after),
        None => problem,
    }
}

/// `Retry-After` in seconds. Its other form, a date, is not used between our services.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}
