//! A policy's refusal as the error of a call.

use super::{CallError, CallErrorKind};
use crate::resilience::policy::{PolicyErrorKind, Refused};

/// A function that returns a `CallError` may stand under a policy: a refusal has the kind of the same name.
impl From<Refused> for CallError {
    fn from(refused: Refused) -> Self {
        let kind = match refused.kind() {
            PolicyErrorKind::AttemptTimeout => CallErrorKind::AttemptTimeout,
            PolicyErrorKind::DeadlineExceeded => CallErrorKind::DeadlineExceeded,
            PolicyErrorKind::CircuitOpen => CallErrorKind::CircuitOpen,
            PolicyErrorKind::Throttled => CallErrorKind::Throttled,
            PolicyErrorKind::BulkheadFull => CallErrorKind::BulkheadFull,
            PolicyErrorKind::RateLimited => CallErrorKind::RateLimited,
            PolicyErrorKind::Failed => CallErrorKind::Cancelled, // no refusal is one
        };
        let error = Self::new(kind, refused.to_string());
        match refused.retry_after() {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
        .with_source(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Span;
    use crate::resilience::policy::Policy;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_keeps_its_kind() {
        let policy = Policy::builder("p").timeout(Span::millis(5)).build();
        let call = std::future::pending::<Result<(), CallError>>;
        let error = policy.unwrap().call(call).await.unwrap_err().flatten();
        assert_eq!(error.kind(), CallErrorKind::DeadlineExceeded);
        assert!(error.to_string().contains("policy `p`"), "{error}");
    }
}
