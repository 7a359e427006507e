//! A fallback in front of a service.

use tower::Layer;

use super::FallbackService;
use crate::event::Observers;

/// Stands in for the errors of a service.
///
/// The substitute is made for each request by a function of it, so that it may know the request: the key of a
/// [`StaleCache`](super::StaleCache), say.
#[derive(Debug, Clone)]
#[must_use]
pub struct FallbackLayer<F> {
    substitute_for: F,
    name: std::sync::Arc<str>,
    observers: Observers,
}

impl<F> FallbackLayer<F> {
    /// `substitute_for` takes `&Request` and gives a [`Substitute`](super::Substitute).
    pub fn new(substitute_for: F) -> Self {
        Self {
            substitute_for,
            name: "fallback".into(),
            observers: Observers::none(),
        }
    }

    /// The name in events. Defaults to `fallback`.
    pub fn name(mut self, name: impl Into<std::sync::Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Who is told of [`Event::FellBack`](crate::event::Event::FellBack). Defaults to nobody.
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }
}

impl<S, F: Clone> Layer<S> for FallbackLayer<F> {
    type Service = FallbackService<S, F>;

    fn layer(&self, inner: S) -> FallbackService<S, F> {
        FallbackService {
            inner,
            substitute_for: self.substitute_for.clone(),
            name: self.name.clone(),
            observers: self.observers.clone(),
        }
    }
}
