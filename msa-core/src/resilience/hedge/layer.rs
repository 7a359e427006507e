//! The tower face.

use std::sync::Arc;

use tower::Layer;

use super::{Hedge, HedgeService};
use crate::event::Observers;
use crate::resilience::retry::OverHttp;

/// Hedges in a tower stack, each attempt with clones of the request and of the service inside. What is not idempotent, by the judge's
/// word, passes through.
///
/// Inside a transaction further attempts are paid from its budget too.
#[derive(Debug, Clone)]
#[must_use]
pub struct HedgeLayer<J = OverHttp> {
    hedge: Arc<Hedge>,
    name: Arc<str>,
    judge: J,
    observers: Observers,
}

impl HedgeLayer {
    /// Hedges of HTTP requests; `name` is what events call the destination.
    pub fn new(name: impl Into<Arc<str>>, hedge: impl Into<Arc<Hedge>>) -> Self {
        Self {
            hedge: hedge.into(),
            name: name.into(),
            judge: OverHttp,
            observers: Observers::none(),
        }
    }
}

impl<J> HedgeLayer<J> {
    /// Which results win at once, and which requests may be processed twice. Defaults to [`OverHttp`].
    pub fn judged_by<K>(self, judge: K) -> HedgeLayer<K> {
        HedgeLayer {
            hedge: self.hedge,
            name: self.name,
            judge,
            observers: self.observers,
        }
    }

    /// Who is told. Defaults to nobody.
    pub fn observers(mut self, observers: Observers) -> Self {
        self.observers = observers;
        self
    }
}

impl<S, J: Clone> Layer<S> for HedgeLayer<J> {
    type Service = HedgeService<S, J>;

    fn layer(&self, inner: S) -> HedgeService<S, J> {
        HedgeService {
            inner,
            hedge: self.hedge.clone(),
            name: self.name.clone(),
            judge: self.judge.clone(),
            observers: self.observers.clone(),
        }
    }
}
