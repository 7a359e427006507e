//! The tower face.

use std::sync::Arc;

use tower::Layer;

use super::{OverHttp, Retry, RetryService};
use crate::event::Observers;

/// Retries in a tower stack, each attempt with a clone of the request.
///
/// Inside a transaction they are paid from its budget too, and end with its deadline.
///
/// ```
/// use msa_core::resilience::retry::{OnErr, Retry, RetryLayer};
/// use tower::{Layer, ServiceExt, service_fn};
/// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
///
/// let flaky = service_fn(|n: u32| async move { if n > 2 { Err("busy") } else { Ok(n) } });
/// let layer = RetryLayer::new("stock", Retry::default()).judged_by(OnErr);
/// assert_eq!(layer.layer(flaky).oneshot(1).await, Ok(1));
/// # });
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryLayer<J = OverHttp> {
    retry: Arc<Retry>,
    name: Arc<str>,
    judge: J,
    observers: Observers,
}

impl RetryLayer {
    /// Retries of HTTP requests; `name` is what events call the destination.
    pub fn new(name: impl Into<Arc<str>>, retry: impl Into<Arc<Retry>>) -> Self {
        Self {
            retry: retry.into(),
            name: name.into(),
            judge: OverHttp,
            observers: Observers::none(),
        }
    }
}

impl<J> RetryLayer<J> {
    /// After which results. Defaults to [`OverHttp`].
    pub fn judged_by<K>(self, judge: K) -> RetryLayer<K> {
        RetryLayer {
            retry: self.retry,
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

impl<S, J: Clone> Layer<S> for RetryLayer<J> {
    type Service = RetryService<S, J>;

    fn layer(&self, inner: S) -> RetryService<S, J> {
        RetryService {
            inner,
            retry: self.retry.clone(),
            name: self.name.clone(),
            judge: self.judge.clone(),
            observers: self.observers.clone(),
        }
    }
}
