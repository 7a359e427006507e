//! A rate in front of a service that is called.

use tower::Layer;

use super::{RateLimit, RateLimitService};

/// Lets requests through to a service at a rate; what may not wait so long fails with [`Limited`](super::Limited).
///
/// In front of a server use [`InboundRateLimitLayer`](super::InboundRateLimitLayer), which answers 429.
#[derive(Debug, Clone)]
pub struct RateLimitLayer {
    limit: RateLimit,
}

impl RateLimitLayer {
    /// With this limit, which others may share.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for RateLimitLayer {
    type Service = RateLimitService<S>;

    fn layer(&self, inner: S) -> RateLimitService<S> {
        RateLimitService::new(inner, self.limit.clone())
    }
}
