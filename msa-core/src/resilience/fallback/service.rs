//! The service that stands in for errors.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::Substitute;
use crate::clock;
use crate::event::{Event, Observers};

/// Stands in for the errors of a service; made by [`FallbackLayer`](super::FallbackLayer).
#[derive(Debug, Clone)]
pub struct FallbackService<S, F> {
    pub(super) inner: S,
    pub(super) substitute_for: F,
    pub(super) name: Arc<str>,
    pub(super) observers: Observers,
}

impl<S, F, R, B> Service<R> for FallbackService<S, F>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Display + Send + 'static,
    F: Fn(&R) -> B,
    B: Substitute<S::Response, S::Error> + Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let substitute = (self.substitute_for)(&request);
        let running = self.inner.call(request);
        let (name, observers) = (self.name.clone(), self.observers.clone());
        Box::pin(async move {
            let outcome = running.await;
            let reason = outcome.as_ref().err().map(ToString::to_string);
            let (result, how) = substitute.settle(outcome, clock::now()).await;
            if let (Some(how), Some(reason)) = (how, reason) {
                observers.tell(&Event::FellBack {
                    service: &name,
                    how,
                    reason: &reason,
                });
            }
            result
        })
    }
}
