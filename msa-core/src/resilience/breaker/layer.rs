//! The layer.

use std::sync::Arc;

use tower::Layer;

use super::{AnyError, Breaker, BreakerService};
use crate::event::Observers;

/// Puts a breaker before a service.
#[derive(Debug, Clone)]
#[must_use = "a layer does nothing until it is applied"]
pub struct BreakerLayer<C = AnyError> {
    pub(super) breaker: Arc<Breaker>,
    pub(super) classify: C,
    pub(super) name: Arc<str>,
    pub(super) observers: Observers,
    pub(super) dark: bool,
}

impl BreakerLayer {
    /// This breaker; services made by the layer and its clones share it. Every error is a failure.
    pub fn new(breaker: Arc<Breaker>) -> Self {
        Self {
            breaker,
            classify: AnyError,
            name: Arc::from(""),
            observers: Observers::none(),
            dark: false,
        }
    }
}

impl<C> BreakerLayer<C> {
    /// Decides by this how a call went. Defaults to [`AnyError`]; [`HttpStatus`](super::HttpStatus) knows HTTP.
    pub fn classify<D>(self, classify: D) -> BreakerLayer<D> {
        BreakerLayer {
            breaker: self.breaker,
            classify,
            name: self.name,
            observers: self.observers,
            dark: self.dark,
        }
    }

    /// Tells these observers of changes of state and of refusals, under this name.
    pub fn observed(mut self, name: &str, observers: Observers) -> Self {
        (self.name, self.observers) = (Arc::from(name), observers);
        self
    }

    /// Decides and tells, but refuses nothing. A call that would have been refused is not counted. Defaults to `false`.
    pub fn dark(mut self, dark: bool) -> Self {
        self.dark = dark;
        self
    }

    /// The breaker.
    pub fn breaker(&self) -> &Arc<Breaker> {
        &self.breaker
    }
}

impl<S, C: Clone> Layer<S> for BreakerLayer<C> {
    type Service = BreakerService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        BreakerService::new(inner, self.clone())
    }
}
