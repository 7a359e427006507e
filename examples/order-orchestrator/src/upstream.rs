//! Another service's answer, as what it means for one's own caller.

use std::time::Duration;

use axum::http::StatusCode;
use msa_core::client::CallError;
use msa_core::problem::Problem;
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

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error.response_status() {
            Some(
                status @ (StatusCode::NOT_FOUND
                | StatusCode::CONFLICT
                | StatusCode::GONE
                | StatusCode::UNPROCESSABLE_ENTITY),
            ) => Self::Refused(Refusal {
                status,
                document: error.document().cloned().unwrap_or_default(),
                retry_after: error.retry_after(),
            }),
            _ => Self::Failed(error.into()),
        }
    }
}
