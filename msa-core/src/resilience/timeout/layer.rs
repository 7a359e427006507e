//! A time limit in front of a service.

use std::time::Duration;

use tower::Layer;

use super::TimeoutService;

/// Ends each request of a service after a time, or at the deadline that it inherits when that is sooner.
///
/// Such a request fails with [`Elapsed`](super::Elapsed). One that comes too late already is not passed on.
#[derive(Debug, Clone, Copy)]
pub struct TimeoutLayer {
    timeout: Duration,
}

impl TimeoutLayer {
    /// So long for each request.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }
}

impl<S> Layer<S> for TimeoutLayer {
    type Service = TimeoutService<S>;

    fn layer(&self, inner: S) -> TimeoutService<S> {
        TimeoutService::new(inner, self.timeout)
    }
}
