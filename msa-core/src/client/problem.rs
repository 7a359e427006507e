//! What an edge answers for a call that failed.

use super::CallError;
use crate::problem::Problem;

/// `?` in a handler turns a failed call into an answer: the status that fits, `Retry-After` when the called service sent
/// one, and no retry above when retries here were spent.
impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let mut problem = Self::new(error.status())
            .detail(error.to_string())
            .with("kind", error.kind().as_str());
        if let Some(service) = error.service() {
            problem = problem.with("service", service);
        }
        if let Some(after) = error.retry_after() {
            problem = problem.retry_after(after);
        }
        problem
    }
}

impl From<reqwest_middleware::Error> for Problem {
    fn from(error: reqwest_middleware::Error) -> Self {
        CallError::from(error).into()
    }
}
