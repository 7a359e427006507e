//! The service that calls another under a policy.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower::{Service, ServiceExt as _};

use super::{Policy, PolicyError};
use crate::resilience::breaker::Classify;
use crate::resilience::retry::Judge;

/// Calls a service under a policy; made by [`PolicyLayer`](super::PolicyLayer).
#[derive(Debug, Clone)]
pub struct PolicyService<S, J, C> {
    pub(super) inner: S,
    pub(super) policy: Policy,
    pub(super) judge: J,
    pub(super) classify: C,
}

impl<S, J, C, Q> Service<Q> for PolicyService<S, J, C>
where
    S: Service<Q> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send + 'static,
    S::Error: Send + Sync + 'static,
    Q: Clone + Send + Sync + 'static,
    J: Judge<Q, S::Response, S::Error> + Clone + Send + Sync + 'static,
    C: Classify<S::Response, S::Error> + Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = PolicyError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, Self::Error>> + Send>>;

    /// Always: whether the inner service is ready is part of an attempt, under its time limit.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Q) -> Self::Future {
        // The clone stays; the one that may have been made ready goes along.
        let fresh = self.inner.clone();
        let inner = mem::replace(&mut self.inner, fresh);
        let (policy, judge, classify) = (
            self.policy.clone(),
            self.judge.clone(),
            self.classify.clone(),
        );
        Box::pin(async move {
            let idempotent = judge.is_idempotent(&request);
            policy
                .with()
                .judged_by(judge)
                .classified_by(classify)
                .idempotent(idempotent)
                .judged_call::<Q, _, _, _, _>(move || inner.clone().oneshot(request.clone()))
                .await
        })
    }
}
