//! Coalescing in front of a service.

use tower::Layer;

use super::{CoalesceService, SingleFlight};
use crate::resilience::coalesce::SharedError;

/// Lets identical requests that are in flight share one response.
///
/// `key_of` takes `&Request` and gives the key, or `None` for what must not be shared, such as anything but a `GET`. A response must be
/// `Clone`: read its body first, to `http::Response<Bytes>`.
pub struct CoalesceLayer<F, K, V> {
    key_of: F,
    flights: SingleFlight<K, Result<V, SharedError>>,
}

impl<F, K, V> CoalesceLayer<F, K, V> {
    /// All services that this layer makes share what is in flight.
    pub fn new(key_of: F) -> Self {
        Self {
            key_of,
            flights: SingleFlight::default(),
        }
    }
}

impl<F: Clone, K, V> Clone for CoalesceLayer<F, K, V> {
    fn clone(&self) -> Self {
        Self {
            key_of: self.key_of.clone(),
            flights: self.flights.clone(),
        }
    }
}

impl<S, F: Clone, K, V> Layer<S> for CoalesceLayer<F, K, V> {
    type Service = CoalesceService<S, F, K, V>;

    fn layer(&self, inner: S) -> CoalesceService<S, F, K, V> {
        CoalesceService {
            inner,
            key_of: self.key_of.clone(),
            flights: self.flights.clone(),
        }
    }
}

impl<F, K, V> std::fmt::Debug for CoalesceLayer<F, K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoalesceLayer").finish_non_exhaustive()
    }
}
