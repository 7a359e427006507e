//! The service whose requests share responses.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{BoxError, Service};

use super::SingleFlight;

/// An error that several callers got, since they shared the call.
#[derive(Debug, Clone)]
pub struct SharedError(Arc<dyn Error + Send + Sync>);

impl SharedError {
    /// The error itself.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }
}

impl From<BoxError> for SharedError {
    fn from(error: BoxError) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedError {
    /// The error itself, so that a walk along the sources finds its type.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Lets identical requests share one response; made by [`CoalesceLayer`](super::CoalesceLayer).
pub struct CoalesceService<S, F, K, V> {
    pub(super) inner: S,
    pub(super) key_of: F,
    pub(super) flights: SingleFlight<K, Result<V, SharedError>>,
}

impl<S: Clone, F: Clone, K, V> Clone for CoalesceService<S, F, K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            key_of: self.key_of.clone(),
            flights: self.flights.clone(),
        }
    }
}

impl<S, F, K, V, R> Service<R> for CoalesceService<S, F, K, V>
where
    S: Service<R, Response = V> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    R: Send + 'static,
    F: Fn(&R) -> Option<K>,
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Response = V;
    type Error = SharedError;
    type Future = Pin<Box<dyn Future<Output = Result<V, SharedError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SharedError>> {
        self.inner
            .poll_ready(cx)
            .map_err(|error| SharedError::from(error.into()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let key = (self.key_of)(&request);
        let flights = self.flights.clone();
        // The one that is ready goes along; the clone that stays is asked again.
        let fresh = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, fresh);
        let work = async move || {
            let answer = inner.call(request).await;
            answer.map_err(|error| SharedError::from(error.into()))
        };
        Box::pin(async move {
            let work = work;
            match key {
                Some(key) => flights.run(key, work).await.0,
                None => work().await,
            }
        })
    }
}

impl<S: fmt::Debug, F, K, V> fmt::Debug for CoalesceService<S, F, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
