//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{Throttle, ThrottleService};
use crate::event::Observers;
use crate::resilience::breaker::AnyError;

/// Puts a throttle before a service.
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is applied"]
pub struct ThrottleLayer<C = AnyError> {
    pub(super) throttle: Arc<Throttle>,
    pub(super) classify: C,
    pub(super) name: Arc<str>,
    pub(super) observers: Observers,
    pub(super) dark: bool,
}

impl ThrottleLayer {
    /// This throttle; services made by the layer and its clones share it. Every error counts as not accepted.
    pub fn new(throttle: Arc<Throttle>) -> Self {
        Self {
            throttle,
            classify: AnyError,
            name: Arc::from(""),
            observers: Observers::none(),
            dark: false,
        }
    }
}

impl<C> ThrottleLayer<C> {
    /// Decides by this what was accepted: a failure was not. [`Overload`](super::Overload) knows HTTP. Defaults to
    /// [`AnyError`].
    pub fn classify<D>(self, classify: D) -> ThrottleLayer<D> {
        ThrottleLayer {
            throttle: self.throttle,
            classify,
            name: self.name,
            observers: self.observers,
            dark: self.dark,
        }
    }

    /// Tells these observers of calls turned away, under this name.
    pub fn observed(mut self, name: &str, observers: Observers) -> Self {
        (self.name, self.observers) = (Arc::from(name), observers);
        self
    }

    /// Decides and tells, but turns nothing away. Defaults to `false`.
    pub fn dark(mut self, dark: bool) -> Self {
        self.dark = dark;
        self
    }
}

impl<S, C: Clone> Layer<S> for ThrottleLayer<C> {
    type Service = ThrottleService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        ThrottleService::new(inner, self.clone())
    }
}
