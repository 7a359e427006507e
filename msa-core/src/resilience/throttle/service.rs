//! The service.

use std::task::{Context, Poll};

use tower::Service;

use super::{ThrottleError, ThrottleFuture, ThrottleLayer};
use crate::clock;
use crate::event::Event;
use crate::resilience::breaker::Classify;

/// A service behind a throttle.
#[derive(Debug, Clone)]
pub struct ThrottleService<S, C> {
    inner: S,
    layer: ThrottleLayer<C>,
}

impl<S, C> ThrottleService<S, C> {
    pub(super) fn new(inner: S, layer: ThrottleLayer<C>) -> Self {
        Self { inner, layer }
    }
}

impl<S, C, R> Service<R> for ThrottleService<S, C>
where
    S: Service<R>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = ThrottleError<S::Error>;
    type Future = ThrottleFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(ThrottleError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let layer = &self.layer;
        let begun = clock::now();
        let permit = layer.throttle.try_acquire_owned(begun);
        if permit.is_err() {
            layer.observers.tell(&Event::Refused {
                service: &layer.name,
                policy: "throttle",
                dark: layer.dark,
            });
        }
        match permit {
            Err(throttled) if !layer.dark => ThrottleFuture::refused(throttled),
            // A call that dark mode let through was counted as turned away already.
            permit => {
                let classify = layer.classify.clone();
                ThrottleFuture::calling(self.inner.call(request), permit.ok(), classify, begun)
            }
        }
    }
}
