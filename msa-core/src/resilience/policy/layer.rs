//! A policy in front of a service.

use tower::Layer;

use super::{Policy, PolicyService};
use crate::resilience::breaker::{AnyError, HttpStatus};
use crate::resilience::retry::{OnErr, OverHttp};

/// Puts a whole policy in front of a service. A request must be `Clone` to be tried again.
///
/// ```
/// use msa_core::resilience::policy::{Policy, PolicyLayer};
/// use tower::{ServiceBuilder, ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::builder("echo").timeout("1s".parse()?).build()?;
/// let echo = ServiceBuilder::new()
///     .layer(PolicyLayer::new(policy))
///     .service(service_fn(|word: &'static str| async move { Ok::<_, std::io::Error>(word) }));
/// assert_eq!(echo.oneshot("hello").await?, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PolicyLayer<J = OnErr, C = AnyError> {
    policy: Policy,
    judge: J,
    classify: C,
}

impl PolicyLayer {
    /// With this policy, whose state others may share.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            judge: OnErr,
            classify: AnyError,
        }
    }

    /// For HTTP: responses are judged by status and headers, requests by method and `Idempotency-Key`.
    pub fn http(policy: Policy) -> PolicyLayer<OverHttp, HttpStatus> {
        Self::new(policy)
            .judged_by(OverHttp)
            .classified_by(HttpStatus)
    }
}

impl<J, C> PolicyLayer<J, C> {
    /// After which results to try again. Defaults to every error.
    pub fn judged_by<N>(self, judge: N) -> PolicyLayer<N, C> {
        PolicyLayer {
            policy: self.policy,
            judge,
            classify: self.classify,
        }
    }

    /// What breaker and throttle make of results. Defaults to every error being a failure.
    pub fn classified_by<N>(self, classify: N) -> PolicyLayer<J, N> {
        PolicyLayer {
            policy: self.policy,
            judge: self.judge,
            classify,
        }
    }
}

impl<S, J: Clone, C: Clone> Layer<S> for PolicyLayer<J, C> {
    type Service = PolicyService<S, J, C>;

    fn layer(&self, inner: S) -> PolicyService<S, J, C> {
        PolicyService {
            inner,
            policy: self.policy.clone(),
            judge: self.judge.clone(),
            classify: self.classify.clone(),
        }
    }
}
