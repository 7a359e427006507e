//! The service.

use std::task::{Context, Poll};

use tower::Service;

use super::{BreakerError, BreakerFuture, BreakerLayer, Classify};
use crate::clock;
use crate::event::Event;

/// A service behind a breaker.
///
/// The permit is taken when the service is called, not when it is asked whether it is ready: readiness that is never used would
/// hold a trial call.
#[derive(Debug, Clone)]
pub struct BreakerService<S, C> {
    inner: S,
    layer: BreakerLayer<C>,
}

impl<S, C> BreakerService<S, C> {
    pub(super) fn new(inner: S, layer: BreakerLayer<C>) -> Self {
        Self { inner, layer }
    }
}

impl<S, C, R> Service<R> for BreakerService<S, C>
where
    S: Service<R>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = BreakerError<S::Error>;
    type Future = BreakerFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(BreakerError::Inner)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let layer = &self.layer;
        let begun = clock::now();
        let permit = layer.breaker.try_acquire_owned(begun);
        layer.tell();
        if permit.is_err() {
            layer.observers.tell(&Event::Refused {
                service: &layer.name,
                policy: "circuit_breaker",
                dark: layer.dark,
            });
        }
        match permit {
            Err(open) if !layer.dark => BreakerFuture::refused(open),
            permit => {
                let call = self.inner.call(request);
                BreakerFuture::calling(call, permit.ok(), begun, layer.clone())
            }
        }
    }
}

impl<C> BreakerLayer<C> {
    pub(super) fn tell(&self) {
        self.breaker
            .tell(&self.observers, &self.name, "", self.dark);
    }
}
