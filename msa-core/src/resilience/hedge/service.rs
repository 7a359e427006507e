//! The service that [`HedgeLayer`](super::HedgeLayer) makes.

use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use tower::{Service, ServiceExt as _};

use super::Hedge;
use crate::event::Observers;
use crate::resilience::retry::{Conditions, Ending, Judge};
use crate::txn;

/// Hedges the calls of the service inside.
#[derive(Debug, Clone)]
pub struct HedgeService<S, J> {
    pub(super) inner: S,
    pub(super) hedge: Arc<Hedge>,
    pub(super) name: Arc<str>,
    pub(super) judge: J,
    pub(super) observers: Observers,
}

impl<S, J, Q> Service<Q> for HedgeService<S, J>
where
    S: Service<Q> + Clone + Send + Sync + 'static,
    S::Response: Send,
    S::Error: Send,
    S::Future: Send,
    Q: Clone + Send + Sync + 'static,
    J: Judge<Q, S::Response, S::Error> + Clone + Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Q) -> Self::Future {
        // The one that was made ready goes with the call, the clone stays.
        let fresh = self.clone();
        let mut this = mem::replace(self, fresh);
        if !this.judge.is_idempotent(&request) {
            return Box::pin(this.inner.call(request));
        }
        Box::pin(async move {
            let others = this.inner.clone();
            let first = this.inner.call(request.clone());
            let mut first = Some(first);
            let txn = txn::current();
            let mut around = this
                .hedge
                .around(&this.name)
                .observers(&this.observers)
                .judged_by(ByResult(&this.judge, PhantomData));
            if let Some(txn) = &txn {
                around = around.within(txn);
            }
            around
                .run(|_| {
                    let (ready, other) = (first.take(), others.clone());
                    let request = request.clone();
                    async move {
                        match ready {
                            Some(first) => first.await,
                            None => other.oneshot(request).await,
                        }
                    }
                })
                .await
        })
    }
}

/// The judge of requests of this type, for a function that has none.
struct ByResult<'a, J, Q>(&'a J, PhantomData<fn(&Q)>);

impl<Q, T, E, J: Judge<Q, T, E>> Judge<(), T, E> for ByResult<'_, J, Q> {
    fn judge(&self, result: &Result<T, E>, on: &Conditions) -> Ending {
        self.0.judge(result, on)
    }
}
