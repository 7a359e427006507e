//! What an edge answers for a call that failed.

use axum::response::{IntoResponse, Response};

use super::CallError;
use crate::problem::Problem;

/// `?` in a handler turns a failed call into an answer: the status that fits, and `Retry-After` when the called service
/// sent one.
///
/// The answer names the service, the kind of failure and the status that the service answered, if it did (`upstream_status`).
/// The endpoint, and what configuration would help, are for those
/// who run the service: they are logged, under the same GTXID.
impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let kind = error.kind().as_str();
        let mut problem = Self::new(error.status()).with("kind", kind);
        let reason = match error.response_status() {
            Some(status) => format!("it answered {}", status.as_u16()),
            None => kind.replace('_', " "),
        };
        problem = match error.service() {
            Some(service) => problem
                .detail(format!("the call to {service} failed: {reason}"))
                .with("service", service),
            None => problem.detail(format!("a call failed: {reason}")),
        };
        if let Some(status) = error.response_status() {
            problem = problem.with("upstream_status", status.as_u16());
        }
        if let Some(after) = error.retry_after() {
            problem = problem.retry_after(after);
        }
        problem.caused_by(error)
    }
}

/// The problem document.
impl IntoResponse for CallError {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl From<reqwest_middleware::Error> for Problem {
    fn from(error: reqwest_middleware::Error) -> Self {
        CallError::from(error).into()
    }
}

impl From<reqwest::Error> for Problem {
    /// For `error_for_status` and the errors of reading a response's body.
    fn from(error: reqwest::Error) -> Self {
        CallError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::CallErrorKind;

    #[test]
    fn the_answer_names_the_service_and_the_kind_and_no_address() {
        let error = CallError::new(CallErrorKind::Connect, "connection refused")
            .with_service("user-service".into())
            .with_endpoint("http://10.0.0.1:8081".parse().unwrap())
            .with_retry_after(std::time::Duration::from_secs(2));
        let document = Problem::from(error).to_json();
        assert_eq!(
            document["detail"],
            "the call to user-service failed: connect"
        );
        assert_eq!(
            (&document["service"], &document["kind"]),
            (&"user-service".into(), &"connect".into())
        );
        assert!(!document.to_string().contains("10.0.0.1"));
    }
}
